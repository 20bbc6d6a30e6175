"""Pooling."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import pooling

__all__ = ["max_pool2d"]

max_pool2d = lift(pooling.max_pool2d)
