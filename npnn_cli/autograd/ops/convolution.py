"""Convolution as a product of matrices.

Every output pixel is the product of the filters with the window of the input beneath them. Laid side by side, the
windows are the columns of a matrix (im2col), and the whole convolution is one product: filters @ columns.
See https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import example, normal

Pair = tuple[int, int]


def pair(value: int | Pair) -> Pair:
    """Height and width from one number for both, or from two."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


@primitive(
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 2), normal(4)),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 3), padding=1),
    example(normal(2, 3, 7, 6), normal(4, 3, 3, 2), normal(4), stride=(2, 3), padding=(1, 0)),
    example(normal(1, 1, 4, 5), normal(2, 1, 1, 1), stride=2),
)
def conv2d(
    x: Array, weight: Array, bias: Array | None = None, /, stride: int | Pair = 1, padding: int | Pair = 0
) -> Answer:
    """Cross-correlate images (N, C, H, W) with filters (C_out, C, kernel height, kernel width), add bias (C_out,).

    The answer is (N, C_out, H_out, W_out) with H_out = (H + 2 padding - kernel height) // stride + 1.

    The gradient of the filters is the product of g with the same columns. That of the images is a correlation again:
    of g, spread out by the stride, with the filters turned by 180°.

    Raises:
        ValueError: if the shapes do not fit one another.
    """
    stride, padding = pair(stride), pair(padding)
    if x.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise ValueError(f"conv2d: expected images (N, in_channels={weight.shape[1]}, H, W), got shape {x.shape}")
    if any(size + 2 * pad < kernel for size, pad, kernel in zip(x.shape[2:], padding, weight.shape[2:], strict=True)):
        raise ValueError(
            f"conv2d: the images {x.shape[2:]} with padding {padding} are smaller than the kernel {weight.shape[2:]}"
        )
    columns, (height, width) = _columns(_pad(x, padding), weight.shape[2:], stride)  # (C·kh·kw, N·H_out·W_out)
    ans = weight.reshape(len(weight), -1) @ columns
    if bias is not None:
        ans += bias[:, None]
    # Channels stay the outermost in memory; only the view puts the batch first.
    ans = ans.reshape(len(weight), len(x), height, width).swapaxes(0, 1)

    def gradient_of_x(g: Array) -> Array:
        padded_shape = (x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
        spread = _spread(g, padded_shape, weight.shape[2:], stride)
        turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)  # (C, C_out, kh, kw)
        columns, _ = _columns(spread, weight.shape[2:], (1, 1))
        full = (turned.reshape(len(turned), -1) @ columns).reshape(x.shape[1], len(x), *padded_shape)
        return full[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]].swapaxes(0, 1)

    def gradient_of_weight(g: Array) -> Array:
        return (g.swapaxes(0, 1).reshape(len(weight), -1) @ columns.T).reshape(weight.shape)

    return ans, gradient_of_x, gradient_of_weight, None if bias is None else lambda g: g.sum(axis=(0, 2, 3))


def _pad(x: Array, padding: Pair) -> Array:
    """Surround images (N, C, H, W) with zeros."""
    if padding == (0, 0):
        return x
    (top, left), (*outer, height, width) = padding, x.shape
    padded = np.zeros((*outer, height + 2 * top, width + 2 * left), x.dtype)
    padded[:, :, top : top + height, left : left + width] = x
    return padded


def _columns(x: Array, kernel: tuple[int, ...], stride: Pair) -> tuple[Array, Pair]:
    """Lay the windows of images (N, C, H, W) out as columns (C·kh·kw, N·H_out·W_out); also give H_out and W_out."""
    windows = sliding_window_view(x, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    _, channels, height, width, *_ = windows.shape
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(channels * kernel[0] * kernel[1], -1)
    return columns, (height, width)


def _spread(g: Array, shape: Pair, kernel: tuple[int, ...], stride: Pair) -> Array:
    """Put the elements of g ``stride`` apart, with room for the kernel all around: shape + kernel - 1 in all."""
    spread = np.zeros((*g.shape[:2], shape[0] + kernel[0] - 1, shape[1] + kernel[1] - 1), g.dtype)
    rows = slice(kernel[0] - 1, kernel[0] - 1 + stride[0] * g.shape[2], stride[0])
    columns = slice(kernel[1] - 1, kernel[1] - 1 + stride[1] * g.shape[3], stride[1])
    spread[:, :, rows, columns] = g
    return spread
