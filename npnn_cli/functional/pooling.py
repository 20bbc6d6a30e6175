"""Pooling, and its opposite, interpolation."""

from __future__ import annotations

from typing import Any

from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops import adaptive_pooling, average_pooling, interpolation, pooling
from npnn_cli.autograd.ops.adaptive_pooling import OutputSize
from npnn_cli.autograd.ops.places_of_maxima import places_of_maxima
from npnn_cli.autograd.ops.sizes import Pair, Single, pair, single
from npnn_cli.autograd.ops.slabs import Slabs, adaptive
from npnn_cli.autograd.ops.windows import windows_of
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import distinct, example, normal
from npnn_cli.functional.inputs import array_of
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

avg_pool2d = lift(average_pooling.avg_pool2d)
adaptive_avg_pool2d = lift(adaptive_pooling.adaptive_avg_pool2d)
interpolate = lift(interpolation.interpolate)


@functions.register(
    example(distinct(2, 3, 4, 6), kernel_size=2),
    example(distinct(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1), padding=(1, 0), return_indices=True),
    example(distinct(2, 2, 5, 8), kernel_size=2, stride=3, padding=1, ceil_mode=True, return_indices=True),
    example(distinct(2, 2, 7, 8), kernel_size=(3, 2), stride=1, dilation=(2, 3), return_indices=True),
    example(distinct(3, 4, 6), kernel_size=2, return_indices=True),
    example(distinct(0, 3, 4, 6), kernel_size=2, return_indices=True),
)
def max_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Greatest element of each window of images (N, C, H, W) or (C, H, W), see :func:`.pooling.max_pool2d`.

    With ``return_indices``, the tuple (values, indices), where an index is the place in the flattened image.

    Raises:
        ValueError: if the input is no batch of images, or the window does not fit.
        TypeError: if the input holds no numbers, or an option is none.
    """
    values = apply(
        pooling.max_pool2d,
        input,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )
    if not return_indices:
        return values
    steps = pair(kernel_size if stride is None else stride)
    windows = windows_of("max_pool2d", input, pair(kernel_size), steps, pair(padding), pair(dilation), ceil_mode)
    rows, columns = (along.slabs for along in windows)
    return values, _indices(input, rows, columns)


@functions.register(
    example(distinct(2, 3, 4, 6), output_size=1),
    example(distinct(2, 3, 7, 5), output_size=(3, 2), return_indices=True),
    example(distinct(2, 3, 4, 2), output_size=(None, 1), return_indices=True),
    example(distinct(3, 7, 5), output_size=2, return_indices=True),
    example(distinct(0, 3, 7, 5), output_size=2, return_indices=True),
)
def adaptive_max_pool2d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """Greatest element of each of ``output_size`` windows that cover images (N, C, H, W) or (C, H, W).

    With ``return_indices``, the tuple (values, indices), where an index is the place in the flattened image.

    Raises:
        ValueError: if the input is no batch of images, or a size is less than 1.
        TypeError: if the input is not floating, or a size is no whole number.
    """
    values = apply(adaptive_pooling.adaptive_max_pool2d, input, output_size=output_size)
    if not return_indices:
        return values
    rows, columns = map(adaptive, input.shape[-2:], values.shape[-2:])
    return values, _indices(input, rows, columns)


def _indices(images: Any, rows: Slabs, columns: Slabs) -> Tensor:
    return Tensor(places_of_maxima(array_of(images), rows, columns))


@functions.register(
    example(distinct(2, 3, 6), kernel_size=2),
    example(distinct(2, 3, 7), kernel_size=3, stride=2, padding=1),
    example(distinct(3, 6), kernel_size=2, stride=1),
    example(distinct(2, 3, 8), kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True),
    example(distinct(2, 3, 7), kernel_size=3, stride=2, padding=1, return_indices=True),
)
def max_pool1d(
    input: Tensor,
    kernel_size: Single,
    stride: Single | None = None,
    padding: Single = 0,
    dilation: Single = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Greatest element of each window of signals (N, C, L) or (C, L): :func:`max_pool2d` of images of height 1.

    With ``return_indices``, the tuple (values, indices), where an index is the place in the signal.

    Raises:
        ValueError: if the input is no batch of signals, or the window does not fit.
        TypeError: if the input is not floating, or an option is no whole number.
    """
    windows = _of_images("max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode)
    pooled = max_pool2d(_high(input), *windows, ceil_mode, return_indices)
    return tuple(map(_flat, pooled)) if return_indices else _flat(pooled)


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
        TypeError: if the input is not floating, or an option is no whole number.
    """
    kernel, steps, pad, _ = _of_images("avg_pool1d", input, kernel_size, stride, padding, 1, ceil_mode)
    return _flat(avg_pool2d(_high(input), kernel, steps, pad, ceil_mode, count_include_pad))


def _of_images(
    op: str,
    input: Tensor,
    kernel: Single,
    stride: Single | None,
    padding: Single,
    dilation: Single,
    ceil_mode: bool,
) -> tuple[Pair, Pair, Pair, Pair]:
    """Options for signals, once they are checked, as options for images of height 1."""
    size = single(kernel, f"{op}: kernel_size")
    step = size if stride is None else single(stride, f"{op}: stride")
    pad, gap = single(padding, f"{op}: padding"), single(dilation, f"{op}: dilation")
    windows_of(op, input, [size], [step], [pad], [gap], ceil_mode)
    require_floating(input, op)
    return (1, size), (1, step), (0, pad), (1, gap)


def _high(input: Tensor) -> Tensor:
    return input.reshape(*input.shape[:-1], 1, input.shape[-1])


def _flat(images: Tensor) -> Tensor:
    return images.reshape(*images.shape[:-2], images.shape[-1])
