"""Products of matrices."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import linear_algebra

__all__ = ["linear", "matmul"]

matmul = lift(linear_algebra.matmul)
linear = lift(linear_algebra.linear)
