"""Normalization: all of batch, layer, group and RMS normalization are this one op over different dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import example, normal

Moments = tuple[Array, Array]


def moments(x: Array, dim: tuple[int, ...], centered: bool = True) -> Moments:
    """Mean and biased variance over dimensions, which stay with size 1.

    The variance is found in a second pass from x - mean: Σx²/n - mean² would lose all digits of a small one.

    Args:
        x: numbers.
        dim: the dimensions to average over.
        centered: whether to subtract the mean; otherwise it is taken for 0.
    """
    count = x.dtype.type(math.prod(x.shape[axis] for axis in dim))
    if not centered:
        return np.zeros((1,) * x.ndim, x.dtype), _sum(dim, x, x) / count
    mean = _sum(dim, x) / count
    deviation = x - mean
    return mean, _sum(dim, deviation, deviation) / count


def _normalize_in_torch(torch: Any, x: Any, weight: Any = None, bias: Any = None, **options: Any) -> Any:
    dim, centered = options["dim"], options.get("centered", True)
    deviation = x - x.mean(dim, keepdim=True) if centered else x
    normalized = deviation / torch.sqrt((deviation**2).mean(dim, keepdim=True) + options.get("eps", 1e-5))
    return normalized * (1 if weight is None else weight) + (0 if bias is None else bias)


@primitive(
    example(normal(4, 3, 5, 2), normal(3, 1, 1), normal(3, 1, 1), dim=(0, 2, 3)),
    example(normal(4, 3, 5), normal(3, 5), normal(3, 5), dim=(1, 2), eps=0.1),
    example(normal(4, 3), dim=(-1,)),
    example(normal(4, 3, 5), normal(5), dim=(2,), centered=False),
    reference=_normalize_in_torch,
)
@np.errstate(all="ignore")
def normalize(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    /,
    dim: tuple[int, ...] = (-1,),
    eps: float = 1e-5,
    centered: bool = True,
    known_moments: Moments | None = None,
) -> Answer:
    """Shift and scale x to mean 0 and variance 1 over the dimensions ``dim``, then multiply by weight and add bias.

    ans = x̂ · weight + bias with x̂ = (x - mean) / √(variance + eps), the variance biased. With h = g · weight,
    dx = (h - mean(h) - x̂ · mean(h · x̂)) / √(variance + eps): mean and variance depend on x as well.
    Ioffe and Szegedy, "Batch normalization", 2015, section 3.

    Args:
        x: numbers.
        weight: broadcasts with x.
        bias: broadcasts with x.
        dim: the dimensions over which to normalize.
        eps: keeps the divisor away from 0.
        centered: whether to subtract the mean; otherwise it is taken for 0.
        known_moments: those that :func:`moments` gives, to save finding them again.
    """
    if not eps >= 0:
        raise ValueError(f"normalize: eps must not be below 0, got {eps}")
    mean, variance = moments(x, dim, centered) if known_moments is None else known_moments
    factor = 1 / np.sqrt(variance + x.dtype.type(eps))
    normalized = x - mean if centered else x.copy(order="K")
    normalized *= factor
    ans = normalized if weight is None and bias is None else normalized * (1 if weight is None else weight)
    if bias is not None:
        ans += bias

    def gradient_of_x(g: Array) -> Array:
        weighted = g if weight is None else g * weight
        count = x.dtype.type(math.prod(x.shape[axis] for axis in dim))
        slope: Array = normalized * (_sum(dim, weighted, normalized) / -count)
        slope += weighted
        if centered:
            slope -= _sum(dim, weighted) / count
        slope *= factor
        return slope

    return (
        ans,
        gradient_of_x,
        None if weight is None else lambda g: _sum(_stretched(weight, x), g, normalized),
        None if bias is None else lambda g: _sum(_stretched(bias, x), g),
    )


def _stretched(parameter: Array, x: Array) -> tuple[int, ...]:
    """The dimensions of x along which a parameter is repeated."""
    sizes = (1,) * (x.ndim - parameter.ndim) + parameter.shape
    return tuple(axis for axis, size in enumerate(sizes) if size == 1)


def _sum(dim: tuple[int, ...], *factors: Array) -> Array:
    """The sum of a product over dimensions, which stay with size 1; einsum makes no array of all products."""
    axes = list(range(factors[0].ndim))
    summed = {axis % len(axes) for axis in dim}
    operands = [part for factor in factors for part in (factor, axes)]
    products: Array = np.einsum(*operands, [axis for axis in axes if axis not in summed])
    return np.expand_dims(products, tuple(summed))
