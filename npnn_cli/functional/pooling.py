"""Pooling, and its opposite, interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import adaptive_pooling, average_pooling, interpolation, pooling
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import distinct, example, normal
from npnn_cli.registry import functions

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "interpolate",
    "max_pool1d",
    "max_pool2d",
]

Single = int | tuple[int]

max_pool2d = lift(pooling.max_pool2d)
avg_pool2d = lift(average_pooling.avg_pool2d)
adaptive_avg_pool2d = lift(adaptive_pooling.adaptive_avg_pool2d)
adaptive_max_pool2d = lift(adaptive_pooling.adaptive_max_pool2d)
interpolate = lift(interpolation.interpolate)


@functions.register(
    example(distinct(2, 3, 6), kernel_size=2),
    example(distinct(2, 3, 7), kernel_size=3, stride=2, padding=1),
    example(distinct(3, 6), kernel_size=2, stride=1),
    example(distinct(2, 3, 8), kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True),
)
def max_pool1d(
    input: Tensor,
    kernel_size: Single,
    stride: Single | None = None,
    padding: Single = 0,
    dilation: Single = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Greatest element of each window of signals (N, C, L) or (C, L): :func:`max_pool2d` of images of height 1.

    Raises:
        ValueError: if the input is no batch of signals, or the window does not fit.
    """
    kernel, stride, pad = _of_images("max_pool1d", input, kernel_size, stride, padding)
    return _flat(max_pool2d(_high(input), kernel, stride, pad, (1, single(dilation)), ceil_mode))


@functions.register(
    example(normal(2, 3, 6), kernel_size=2),
    example(normal(2, 3, 8), kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    example(normal(3, 6), kernel_size=2, stride=1),
)
def avg_pool1d(
    input: Tensor,
    kernel_size: Single,
    stride: Single | None = None,
    padding: Single = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean of each window of signals (N, C, L) or (C, L): :func:`avg_pool2d` of images of height 1.

    Raises:
        ValueError: if the input is no batch of signals, or the window does not fit.
    """
    kernel, stride, pad = _of_images("avg_pool1d", input, kernel_size, stride, padding)
    return _flat(avg_pool2d(_high(input), kernel, stride, pad, ceil_mode, count_include_pad))


def _of_images(op: str, input: Tensor, kernel: Single, stride: Single | None, padding: Single) -> tuple[Any, Any, Any]:
    """Options for signals, as options for images of height 1."""
    if input.ndim not in (2, 3):
        raise ValueError(f"{op}: expected signals (N, C, L) or (C, L), got shape {input.shape}")
    return (1, single(kernel)), (1, single(kernel if stride is None else stride)), (0, single(padding))


def single(value: Single) -> int:
    """One number, which may stand in a tuple.

    Raises:
        TypeError: if it is none.
    """
    number = value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
    if not isinstance(number, int | np.integer):
        raise TypeError(f"expected one whole number, not {value!r}")
    return int(number)


def _high(input: Tensor) -> Tensor:
    return input.reshape(*input.shape[:-1], 1, input.shape[-1])


def _flat(images: Tensor) -> Tensor:
    return images.reshape(*images.shape[:-2], images.shape[-1])
