"""Pooling: a window slides over each image, and one number stands for what it covers."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.autograd.ops.slabs import pool_maxima
from npnn_cli.autograd.ops.windows import Windows
from npnn_cli.examples import distinct, example


@primitive(
    example(distinct(2, 3, 4, 6), kernel_size=2),
    example(distinct(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1)),
    example(distinct(2, 2, 5, 6), kernel_size=3, stride=2, padding=1),
    example(distinct(2, 1, 6, 5), kernel_size=2, stride=3),
    example(distinct(2, 2, 7, 8), kernel_size=(3, 2), stride=1, dilation=(2, 3)),
    example(distinct(2, 2, 5, 8), kernel_size=2, stride=3, padding=1, ceil_mode=True),
    example(distinct(3, 4, 6), kernel_size=2),
    example(distinct(0, 3, 4, 6), kernel_size=2),
    reference=lambda torch, x, **options: torch.nn.functional.max_pool2d(x, **options),  # the function has indices, too
)
def max_pool2d(
    x: Array,
    /,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
) -> Answer:
    """Greatest element of each window of images (N, C, H, W), or of one image (C, H, W).

    The padding is -inf, and the stride is the kernel size unless given. ``dilation`` is the distance between the
    elements in a window; in ``ceil_mode``, a last window may stick out. Of equal elements the first takes the gradient.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html.

    Raises:
        ValueError: if x is no batch of images, the window does not fit them, or the padding is more than half of it.
    """
    if x.ndim == 3:
        return of_one_sample(max_pool2d(x[None], kernel_size, stride, padding, dilation, ceil_mode))
    kernel, padding, dilation = pair(kernel_size), pair(padding), pair(dilation)
    stride = kernel if stride is None else pair(stride)
    _check(x, kernel, stride, padding, dilation)
    rows, columns = (
        Windows(*each, ceil_mode) for each in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    )
    if rows.count < 1 or columns.count < 1:
        raise ValueError(
            f"max_pool2d: kernel_size {kernel} with dilation {dilation} is larger than the padded images of {x.shape}"
        )
    inside = (..., rows.inside, columns.inside)
    padded = x
    if (rows.extent, columns.extent) != x.shape[2:]:
        padded = np.full_like(x, -np.inf, shape=(*x.shape[:2], rows.extent, columns.extent))
        padded[inside] = x

    ans, gradient = pool_maxima(padded, rows.padded_slabs, columns.padded_slabs)
    return ans, lambda g: np.asarray(gradient(g)[inside])


def _check(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> None:
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"max_pool2d: expected images (N, C, H, W) or (C, H, W), got shape {x.shape}")
    if min(*kernel, *stride, *dilation) < 1:
        raise ValueError(
            f"max_pool2d: kernel_size, stride and dilation must be at least 1, got {kernel}, {stride} and {dilation}"
        )
    if any(not 0 <= pad <= size // 2 for pad, size in zip(padding, kernel, strict=True)):
        raise ValueError(f"max_pool2d: padding {padding} must be between 0 and half of kernel_size {kernel}")
