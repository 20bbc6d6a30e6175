"""Convolution as a product of matrices.

Every output pixel is the product of the filters with the window of the input beneath them. Laid side by side, the
windows are the columns of a matrix (im2col), and the whole convolution is one product: filters @ columns.
The ordinary case, without groups and dilation, has a faster form in :mod:`npnn_cli.autograd.ops.row_convolution`.
See https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.row_convolution import convolve_rows
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.examples import example, normal

Padding = int | Pair | Literal["same", "valid"]


@primitive(
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 2), normal(4)),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 3), padding=1),
    example(normal(2, 3, 7, 6), normal(4, 3, 3, 2), normal(4), stride=(2, 3), padding=(1, 0)),
    example(normal(1, 1, 4, 5), normal(2, 1, 1, 1), stride=2),
    example(normal(2, 3, 7, 8), normal(4, 3, 3, 2), normal(4), stride=(2, 1), padding=1, dilation=(2, 3)),
    example(normal(2, 4, 5, 6), normal(6, 2, 3, 2), normal(6), groups=2),
    example(normal(2, 3, 6, 5), normal(3, 1, 2, 3), stride=2, padding=(1, 0), groups=3),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 1), padding="same"),
    example(normal(2, 4, 5, 6), normal(4, 2, 2, 3), padding="same", dilation=(2, 1), groups=2),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 2), padding="valid", stride=2),
    example(normal(3, 5, 6), normal(4, 3, 3, 2), normal(4), padding=1),
    example(normal(0, 3, 5, 6), normal(4, 3, 3, 2), normal(4)),
)
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    /,
    stride: int | Pair = 1,
    padding: Padding = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Answer:
    """Cross-correlate images (N, C, H, W) with filters (C_out, C/groups, kernel height and width), add bias (C_out,).

    One image (C, H, W) needs no N. The answer is (N, C_out, H_out, W_out) with
    H_out = (H + 2 padding - reach) // stride + 1, where a filter reaches over dilation · (kernel height - 1) + 1 rows.
    ``dilation`` is the distance between the pixels under a filter. With ``groups``, each of as many equal parts of the
    filters sees only its part of the channels. The padding "valid" is none; "same" keeps H and W.

    The gradient of the filters is the product of g with the same columns. That of the columns is filtersᵀ @ g, and an
    element of the images gets the sum over all columns in which it stands.

    Raises:
        ValueError: if the shapes do not fit one another.
    """
    if x.ndim == 3:
        return of_one_sample(conv2d(x[None], weight, bias, stride, padding, dilation, groups))
    stride, dilation = pair(stride), pair(dilation)
    reach = _reach(weight.shape[-2:], dilation)
    before, after = _sides(padding, reach, stride)
    _check(x, weight, bias, groups, reach, before, after)
    if min(*stride, *dilation) < 1 or min(before) < 0:
        raise ValueError(
            f"conv2d: stride and dilation must be at least 1 and padding at least 0, "
            f"got {stride}, {dilation} and {before}"
        )
    if groups == 1 and dilation == (1, 1) and before == after:
        return convolve_rows(x, weight, bias, stride, before)
    return convolve_columns(x, weight, bias, stride, (before, after), dilation, groups)


def convolve_columns(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: tuple[Pair, Pair], dilation: Pair, groups: int
) -> Answer:
    """The answer and the vjps of conv2d for these numbers, which must fit one another: the plain maths.

    ``padding`` is how much to add before (top, left) and after (bottom, right) the images.
    """
    (before, after), kernel = padding, (weight.shape[2], weight.shape[3])
    reach = _reach(kernel, dilation)
    padded = _pad(x, before, after)
    columns, (height, width) = _columns(padded, reach, stride, dilation)
    columns = _grouped(columns, groups)  # (groups, C/groups·kh·kw, N·H_out·W_out)
    ans = _grouped(weight, groups) @ columns
    ans = ans.reshape(len(weight), columns.shape[2])
    if bias is not None:
        ans += bias[:, None]
    # Channels stay the outermost in memory; only the view puts the batch first.
    ans = ans.reshape(len(weight), len(x), height, width).swapaxes(0, 1)

    def gradient_of_x(g: Array) -> Array:
        spread = np.zeros((x.shape[1], len(x), *padded.shape[2:]), g.dtype)
        of_columns = _grouped(weight, groups).swapaxes(1, 2) @ _grouped(g.swapaxes(0, 1), groups)
        of_windows = of_columns.reshape(x.shape[1], *kernel, len(x), height, width)
        for i, j in np.ndindex(kernel):
            rows, columns = (
                slice(start * gap, start * gap + (count - 1) * step + 1, step)
                for start, gap, count, step in zip((i, j), dilation, (height, width), stride, strict=True)
            )
            spread[:, :, rows, columns] += of_windows[:, i, j]
        inside = spread[:, :, before[0] : before[0] + x.shape[2], before[1] : before[1] + x.shape[3]]
        return inside.swapaxes(0, 1)

    def gradient_of_weight(g: Array) -> Array:
        return (_grouped(g.swapaxes(0, 1), groups) @ columns.swapaxes(1, 2)).reshape(weight.shape)

    return ans, gradient_of_x, gradient_of_weight, None if bias is None else lambda g: g.sum(axis=(0, 2, 3))


def _reach(kernel: Sequence[int], dilation: Pair) -> Pair:
    """How many rows and columns a dilated filter covers."""
    return dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1


def _check(x: Array, weight: Array, bias: Array | None, groups: int, reach: Pair, before: Pair, after: Pair) -> None:
    if weight.ndim != 4 or 0 in weight.shape[1:] or groups < 1 or len(weight) % groups or groups > len(weight):
        raise ValueError(
            f"conv2d: expected filters (C_out, C/groups, kernel height, kernel width) with C_out divisible by "
            f"groups={groups}, got shape {weight.shape}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"conv2d: expected a bias (C_out,) for filters {weight.shape}, got shape {bias.shape}")
    if x.ndim != 4 or x.shape[1] != weight.shape[1] * groups or 0 in x.shape[2:]:
        raise ValueError(
            f"conv2d: expected images (N, in_channels={weight.shape[1] * groups}, H, W), got shape {x.shape}"
        )
    if any(size + a + b < r for size, a, b, r in zip(x.shape[2:], before, after, reach, strict=True)):
        raise ValueError(
            f"conv2d: the images {x.shape[2:]} with padding {before} are smaller than the kernel, which covers {reach}"
        )


def _sides(padding: Padding, reach: Pair, stride: Pair) -> tuple[Pair, Pair]:
    """How much to pad before (top, left) and after (bottom, right) the images."""
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"conv2d: padding 'same' needs stride 1, got {stride}")
        return ((reach[0] - 1) // 2, (reach[1] - 1) // 2), (reach[0] // 2, reach[1] // 2)
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"conv2d: padding must be numbers, 'same' or 'valid', got '{padding}'")
    sides = (0, 0) if padding == "valid" else pair(padding)
    return sides, sides


def _grouped(rows: Array, groups: int) -> Array:
    """Flatten all but the first dimension, which is split into groups: (groups, rows of a group, rest)."""
    return rows.reshape(groups, len(rows) // groups, math.prod(rows.shape[1:]))


def _pad(x: Array, before: Pair, after: Pair) -> Array:
    """Surround images (N, C, H, W) with zeros."""
    if before == after == (0, 0):
        return x
    (top, left), (bottom, right), (*outer, height, width) = before, after, x.shape
    padded = np.zeros((*outer, top + height + bottom, left + width + right), x.dtype)
    padded[:, :, top : top + height, left : left + width] = x
    return padded


def _columns(x: Array, reach: Pair, stride: Pair, dilation: Pair) -> tuple[Array, Pair]:
    """Lay the windows of images (N, C, H, W) out as columns (C·kh·kw, N·H_out·W_out); also give H_out and W_out."""
    windows = sliding_window_view(x, reach, axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    samples, channels, height, width, *kernel = windows.shape
    shape = (channels * kernel[0] * kernel[1], samples * height * width)
    return windows.transpose(1, 4, 5, 0, 2, 3).reshape(shape), (height, width)
