"""Functions that move elements without changing them."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import shapes

__all__ = ["flatten", "gather", "permute", "reshape", "transpose"]

reshape = lift(shapes.reshape)
permute = lift(shapes.permute)
transpose = lift(shapes.transpose)
flatten = lift(shapes.flatten)
gather = lift(shapes.gather)
