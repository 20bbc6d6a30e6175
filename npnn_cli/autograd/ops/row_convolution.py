"""Convolution over rows of pixels: the fast form of :func:`npnn_cli.autograd.ops.convolution.conv2d`, for one group.

In memory the images (N, C, H, W) lie as (H, C, W, N). The columns of a row of pixels are then a stretch of the images
themselves, once they are there in each shift to the left and right: the columns of neighbouring rows overlap, and need
no copies of their own. With the batch innermost, all passes over the data run along long rows of neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from npnn_cli.autograd.ops.primitive import Answer, Array
from npnn_cli.autograd.ops.sizes import Pair


def convolve_rows(x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair) -> Answer:
    """The answer and the vjps of conv2d for these numbers, which must fit one another; no dilation, one group."""
    batch, channels, height, width = x.shape
    out_channels, _, *kernel = weight.shape
    padded = _pad(x, padding)  # (H + 2 padding, C, W + 2 padding, N)
    columns = _columns(padded, kernel, stride)  # (H_out, kh·kw·C, W_out·N)
    out_width = (width + 2 * padding[1] - kernel[1]) // stride[1] + 1
    ans = _correlate(columns, weight, (out_width, batch))
    if bias is not None:
        ans += bias[:, None, None]

    def gradient_of_x(g: Array) -> Array:
        spread = _spread(g, padded.shape, kernel, stride)
        (top, left), (kh, kw) = padding, kernel
        inside = spread[top : top + height + kh - 1, :, left : left + width + kw - 1]  # what the padding got is lost
        turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)  # (C, C_out, kh, kw)
        return _correlate(_columns(inside, kernel, (1, 1)), turned, (width, batch))

    def gradient_of_weight(g: Array) -> Array:
        rows = g.transpose(2, 3, 0, 1).reshape(len(columns), out_width * batch, out_channels)
        gradient: Array = (columns @ rows).sum(axis=0)  # (kh·kw·C, C_out)
        return gradient.reshape(*kernel, channels, out_channels).transpose(3, 2, 0, 1)

    return ans, gradient_of_x, gradient_of_weight, None if bias is None else lambda g: g.sum(axis=(0, 2, 3))


def overlapping_rows(a: Array, count: int, stride: int = 1) -> Array:
    """Each ``count`` neighbouring rows of (..., rows, C, L) as a matrix: a view (..., positions, count·C, L) of a.

    Rows must follow one another without gaps: the strides of ``a`` are those of (..., rows·C, L).
    """
    *outer, rows, channels, length = a.shape
    *outer_strides, row, channel, element = a.strides
    shape = (*outer, (rows - count) // stride + 1, count * channels, length)
    step = channel if channels > 1 else row  # of a single channel, NumPy does not keep the stride
    return as_strided(a, shape, (*outer_strides, stride * row, step, element), writeable=False)


def filter_matrix(weight: Array) -> Array:
    """Filters (C_out, C, kh, kw) as rows (C_out, kh·kw·C)."""
    return weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)


def _pad(x: Array, padding: Pair) -> Array:
    """Surround images (N, C, H, W) with zeros, and lay them out as (H + 2 padding, C, W + 2 padding, N)."""
    (top, left), (batch, channels, height, width) = padding, x.shape
    padded = np.zeros((height + 2 * top, channels, width + 2 * left, batch), x.dtype)
    padded[top : top + height, :, left : left + width] = x.transpose(2, 1, 3, 0)
    return padded


def _columns(images: Array, kernel: Sequence[int], stride: Pair) -> Array:
    """Lay the windows of images (H, C, W, N) out as columns (H_out, kh·kw·C, W_out·N)."""
    (height, channels, width, batch), (kh, kw) = images.shape, kernel
    out_width = (width - kw) // stride[1] + 1
    shifts = np.empty((height, kw, channels, out_width, batch), images.dtype)
    for shift in range(kw):
        shifts[:, shift] = images[:, :, shift : shift + (out_width - 1) * stride[1] + 1 : stride[1]]
    return overlapping_rows(shifts.reshape(height, kw * channels, out_width * batch), kh, stride[0])


def _correlate(columns: Array, weight: Array, width_and_batch: Pair) -> Array:
    """Filters times columns: images (N, C_out, H_out, W_out), which lie in memory as (C_out, H_out, W_out, N)."""
    height, _, length = columns.shape
    ans = np.empty((len(weight), height, length), np.result_type(weight, columns))
    np.matmul(filter_matrix(weight), columns, out=ans.swapaxes(0, 1))
    return ans.reshape(len(weight), height, *width_and_batch).transpose(3, 0, 1, 2)


def _spread(g: Array, padded_shape: tuple[int, ...], kernel: Sequence[int], stride: Pair) -> Array:
    """Put the pixels of g (N, C_out, H_out, W_out) ``stride`` apart, with room for the kernel all around.

    The result (H + 2 padding + kh - 1, C_out, W + 2 padding + kw - 1, N) is zero elsewhere.
    """
    (height, _, width, batch), (kh, kw) = padded_shape, kernel
    spread = np.zeros((height + kh - 1, g.shape[1], width + kw - 1, batch), g.dtype)
    rows = slice(kh - 1, kh - 1 + stride[0] * g.shape[2], stride[0])
    columns = slice(kw - 1, kw - 1 + stride[1] * g.shape[3], stride[1])
    spread[rows, :, columns] = g.transpose(2, 1, 3, 0)
    return spread
