"""Functions that reduce along dimensions."""

from __future__ import annotations

from typing import Any

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import reductions
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import distinct, example
from npnn_cli.registry import functions

__all__ = ["cumsum", "logsumexp", "mean", "norm", "prod", "std", "sum", "var"]
__all__ += ["amax", "amin", "argmax", "argmin", "max", "min"]

sum = lift(reductions.sum)
mean = lift(reductions.mean)
prod = lift(reductions.prod)
var = lift(reductions.var)
std = lift(reductions.std)
norm = lift(reductions.norm)
logsumexp = lift(reductions.logsumexp)
cumsum = lift(reductions.cumsum)

amax = lift(reductions.amax)
amin = lift(reductions.amin)
argmax = lift(reductions.argmax)
argmin = lift(reductions.argmin)


_OF_EXTREMES = (
    example(distinct(3, 4)),
    example(distinct(2, 3, 4), dim=1),
    example(distinct(2, 3, 4), dim=-1, keepdim=True),
    example(distinct(), dim=0),
    example(distinct(3, 4), distinct(3, 4)),
)


@functions.register(*_OF_EXTREMES)
def max(input: Tensor, *args: Any, **options: Any) -> Any:
    """Greatest element, the (values, indices) along a ``dim``, or the greater of two: see :meth:`Tensor.max`."""
    return Tensor(input).max(*args, **options) if not isinstance(input, Tensor) else input.max(*args, **options)


@functions.register(*_OF_EXTREMES)
def min(input: Tensor, *args: Any, **options: Any) -> Any:
    """Least element, the (values, indices) along a ``dim``, or the lesser of two: see :meth:`Tensor.min`."""
    return Tensor(input).min(*args, **options) if not isinstance(input, Tensor) else input.min(*args, **options)
