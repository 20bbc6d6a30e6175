"""Functions that reduce along dimensions."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import reductions

__all__ = ["amax", "amin", "log_softmax", "mean", "sum"]

sum = lift(reductions.sum)
mean = lift(reductions.mean)
amax = lift(reductions.amax)
amin = lift(reductions.amin)
log_softmax = lift(reductions.log_softmax)
