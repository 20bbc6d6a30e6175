"""Normalization: all of batch, layer, group and RMS normalization are this one op over different dimensions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.memory_order import MemoryOrder
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put
from npnn_cli.autograd.ops.sums import sum_of, sum_of_products
from npnn_cli.examples import example, normal


def _normalize_in_torch(torch: Any, x: Any, weight: Any = None, bias: Any = None, **options: Any) -> Any:
    dim, centered = options["dim"], options.get("centered", True)
    deviation = x - x.mean(dim, keepdim=True) if centered else x
    normalized = deviation / torch.sqrt((deviation**2).mean(dim, keepdim=True) + options.get("eps", 1e-5))
    return normalized * (1 if weight is None else weight) + (0 if bias is None else bias)


@primitive(
    example(normal(4, 3, 5, 2), normal(3, 1, 1), normal(3, 1, 1), dim=(0, 2, 3)),
    example(normal(4, 3, 5), normal(3, 5), normal(3, 5), dim=(1, 2), eps=0.1),
    example(normal(4, 3, 2, 5), normal(3, 2, 1), normal(3, 2, 1), dim=(2, 3)),
    example(normal(4, 3), dim=(-1,)),
    example(normal(4, 3, 5), normal(5), dim=(2,), centered=False),
    reference=_normalize_in_torch,
)
def normalize(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    /,
    dim: tuple[int, ...] = (-1,),
    eps: float = 1e-5,
    centered: bool = True,
    tell_moments: Callable[[Array, Array], object] | None = None,
) -> Answer:
    """Shift and scale x to mean 0 and variance 1 over the dimensions ``dim``, then multiply by weight and add bias.

    ans = x̂ · weight + bias with x̂ = (x - mean) / √(variance + eps), the variance biased. With h = g · weight,
    dx = (h - mean(h) - x̂ · mean(h · x̂)) / √(variance + eps): mean and variance depend on x as well.
    Ioffe and Szegedy, "Batch normalization", 2015, section 3.

    The variance is found in a second pass from x - mean: Σx²/n - mean² would lose all digits of a small one.

    Args:
        x: numbers.
        weight: broadcasts with x.
        bias: broadcasts with x; of the weight's shape if there is one.
        dim: the dimensions over which to normalize.
        eps: keeps the divisor away from 0.
        centered: whether to subtract the mean; otherwise it is taken for 0.
        tell_moments: is told mean and variance; the dimensions that were averaged over stay with size 1.
    """
    parameter = bias if weight is None else weight
    axes = _axes(x.shape, x.strides, dim, () if parameter is None else parameter.shape)
    order, averaged, in_common = axes.order, axes.averaged, axes.in_common
    count = x.dtype.type(axes.count)
    values, scale = order.merge(x), np.ones((), x.dtype) if weight is None else order.merge(weight)
    mean = sum_of(values, averaged) / count if centered else np.zeros(axes.shape_of_moments, x.dtype)
    deviation = values - mean
    variance = sum_of_products(deviation, deviation, averaged) / count
    factor = 1 / np.sqrt(variance + x.dtype.type(eps))
    if in_common:
        ans = deviation * (scale * factor)
    else:
        deviation *= factor  # it is x̂ then
        ans = deviation * scale
    if bias is not None:
        ans += order.merge(bias)
    if tell_moments is not None:
        tell_moments(order.restore(mean), order.restore(variance))

    def differentiate(g: Array, gradients: Gradients) -> None:
        g = order.merge(g)
        of_g, of_products = sum_of(g, in_common), sum_of_products(g, deviation, in_common)
        if in_common:
            of_products *= factor  # the sum of g · x̂
        if 0 in gradients:
            means = [sum_of_products(a, scale, axes.only_averaged) / count for a in (of_g, of_products)]
            if in_common:
                slope = g * (scale * factor)
                slope -= deviation * (means[1] * np.square(factor))
                slope -= means[0] * factor if centered else 0
            else:
                slope = g * scale
                slope -= deviation * means[1]
                slope -= means[0] if centered else 0
                slope *= factor
            put(gradients, 0, order.restore(slope))
        if 1 in gradients:
            put(gradients, 1, order.restore(sum_of(of_products, axes.only_repeated)))
        if 2 in gradients:
            put(gradients, 2, order.restore(sum_of(of_g, axes.only_repeated)))

    return order.restore(ans), Joint(differentiate)


class _Axes:
    """Over which axes to sum, once those of x are merged where they can be.

    The means sum g and g · x̂ over the dimensions that are averaged over; the gradients of weight and bias sum them over
    those along which weight and bias are repeated. What is summed over in either case is summed over first.
    """

    def __init__(
        self, shape: tuple[int, ...], strides: tuple[int, ...], dim: tuple[int, ...], parameter: tuple[int, ...]
    ) -> None:
        averaged = {axis % len(shape) for axis in dim}
        repeated = {axis for axis, size in enumerate((1,) * (len(shape) - len(parameter)) + parameter) if size == 1}
        kinds = [(axis in averaged, axis in repeated) for axis in range(len(shape))]
        self.order = MemoryOrder(shape, strides, kinds)
        self.count = max(1, math.prod(shape[axis] for axis in averaged))  # of nothing, the mean is 0
        self.averaged = self.order.axes(averaged)
        self.in_common = self.order.axes(averaged & repeated)
        self.only_averaged = self.order.axes(averaged - repeated)
        self.only_repeated = self.order.axes(repeated - averaged)
        sizes = enumerate(self.order.shape)
        self.shape_of_moments = tuple(1 if axis in self.averaged else size for axis, size in sizes)


_axes = functools.lru_cache(_Axes)  # finding them can take as long as the sums
