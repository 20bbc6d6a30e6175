"""Functions that reduce along dimensions."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.extremes import max, min
from npnn_cli.autograd.ops import reductions
from npnn_cli.autograd.variances import std, var

__all__ = ["cumsum", "logsumexp", "mean", "norm", "prod", "std", "sum", "var"]
__all__ += ["amax", "amin", "argmax", "argmin", "max", "min"]

sum = lift(reductions.sum)
mean = lift(reductions.mean)
prod = lift(reductions.prod)
norm = lift(reductions.norm)
logsumexp = lift(reductions.logsumexp)
cumsum = lift(reductions.cumsum)

amax = lift(reductions.amax)
amin = lift(reductions.amin)
argmax = lift(reductions.argmax)
argmin = lift(reductions.argmin)
