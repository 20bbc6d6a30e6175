"""The methods of Tensor that compute new numbers: each is an op under PyTorch's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npnn_cli.autograd import compositions, extremes, variances
from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.ops import activations, elementwise, error_function, reductions, transcendental

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor


class NumericMethods:
    """Base of Tensor: functions of every element, and reductions."""

    __slots__ = ()

    # Arithmetic

    add = lift(elementwise.add)
    sub = lift(elementwise.sub)
    mul = lift(elementwise.mul)
    div = lift(elementwise.div)
    pow = lift(elementwise.pow)
    __neg__ = neg = lift(elementwise.neg)
    __abs__ = abs = lift(elementwise.abs)
    sign = lift(elementwise.sign)
    floor = lift(elementwise.floor)
    square = lift(elementwise.square)
    reciprocal = lift(elementwise.reciprocal)
    clamp = lift(elementwise.clamp)
    maximum = lift(elementwise.maximum)
    minimum = lift(elementwise.minimum)

    def where(self, condition: Any, other: Any) -> Tensor:
        """This tensor's elements where the condition is true, and the other's elsewhere."""
        return apply(elementwise.where, condition, self, other)

    # Roots, exponentials, logarithms, trigonometry

    sqrt = lift(transcendental.sqrt)
    rsqrt = lift(transcendental.rsqrt)
    exp = lift(transcendental.exp)
    expm1 = lift(transcendental.expm1)
    log = lift(transcendental.log)
    log1p = lift(transcendental.log1p)
    log2 = lift(transcendental.log2)
    sin = lift(transcendental.sin)
    cos = lift(transcendental.cos)
    tan = lift(transcendental.tan)
    tanh = lift(transcendental.tanh)
    erf = lift(error_function.erf)

    # Activations; PyTorch has the others as functions only

    relu = lift(activations.relu)
    prelu = compositions.prelu
    sigmoid = lift(activations.sigmoid)
    softmax = lift(activations.softmax)
    log_softmax = lift(activations.log_softmax)

    # Reductions

    sum = lift(reductions.sum)
    mean = lift(reductions.mean)
    prod = lift(reductions.prod)
    var = variances.var
    std = variances.std
    max = extremes.max
    min = extremes.min
    amax = lift(reductions.amax)
    amin = lift(reductions.amin)
    logsumexp = lift(reductions.logsumexp)
    norm = lift(reductions.norm)
    cumsum = lift(reductions.cumsum)
    argmax = lift(reductions.argmax)
    argmin = lift(reductions.argmin)
