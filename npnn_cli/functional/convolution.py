"""Convolutions."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import convolution

__all__ = ["conv2d"]

conv2d = lift(convolution.conv2d)
