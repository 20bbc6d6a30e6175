"""Convolution, ReLU and max-pooling as one op: the numbers of the three in a row, in half of the time.

What makes it fast is where the numbers lie in memory, as in :mod:`npnn_cli.autograd.ops.row_convolution`: for the
products, images (N, C, H, W) are laid out as (H, C, W, N), and the columns of neighbouring rows of pixels overlap.
Moreover:

- Even and odd columns are kept apart, as two *phases*. Pooling then takes the maximum of two contiguous halves, and the
  products are small enough for what BLAS does best with few channels.
- The maximum is found before the bias and the ReLU. They keep the order, and have a quarter of the numbers to do.
- Where each maximum came from is noted at once, while the numbers are still in the cache.
- The gradient of the images is a sum of products with the padded gradient itself. Nothing is scattered, or copied to
  make columns.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.row_convolution import filter_matrix, overlapping_rows
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.examples import example, normal


def can_fuse(
    images: tuple[int, ...],
    kernel_size: int | Pair,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    pool_kernel_size: int | Pair,
    pool_stride: int | Pair | None = None,
    pool_padding: int | Pair = 0,
) -> bool:
    """Whether conv2d, relu and max_pool2d with these options are :func:`conv2d_relu_max_pool2d`.

    They are if the convolution keeps the size of the images, and the pooling halves it: ``kernel_size`` odd, ``stride``
    1, ``padding`` half the kernel; ``pool_kernel_size`` 2, ``pool_stride`` 2 or None, ``pool_padding`` 0; and images of
    a shape (N, C, H, W) with even H and W.
    """
    kh, kw = pair(kernel_size)
    return (
        len(images) == 4
        and images[2] % 2 == images[3] % 2 == 0
        and kh % 2 == kw % 2 == 1
        and pair(stride) == (1, 1)
        and pair(padding) == (kh // 2, kw // 2)
        and pair(pool_kernel_size) == (2, 2)
        and (pool_stride is None or pair(pool_stride) == (2, 2))
        and pair(pool_padding) == (0, 0)
    )


@primitive(
    example(normal(2, 3, 4, 6), normal(5, 3, 3, 3), normal(5)),
    example(normal(3, 1, 6, 4), normal(2, 1, 3, 5)),
    example(normal(2, 2, 2, 8), normal(3, 2, 1, 1), normal(3)),
    reference=lambda torch, x, weight, bias=None: torch.nn.functional.max_pool2d(
        torch.relu(torch.nn.functional.conv2d(x, weight, bias, padding="same")), 2
    ),
)
def conv2d_relu_max_pool2d(x: Array, weight: Array, bias: Array | None = None, /) -> Answer:
    """Greatest of each 2 by 2 pixels of the rectified convolution of images (N, C, H, W): (N, C_out, H/2, W/2).

    The same as ``max_pool2d(relu(conv2d(x, weight, bias, padding=(kh // 2, kw // 2))), 2)`` where :func:`can_fuse` says
    so: the filters (C_out, C, kh, kw) are of odd size, H and W are even. This is not checked again.

    The answer, and the gradient of x, lie in memory as (C, H, W, N). An x or g that does not has to be transposed.
    """
    batch, channels, height, width = x.shape
    out_channels, _, kh, kw = weight.shape
    windows = _windows(x, (kh, kw))  # (2, H, kh·kw·C, W/2·N)
    pooled, chosen = _pool(filter_matrix(weight) @ windows, bias)  # (C_out, H/2, W/2·N), (2, H, C_out, W/2·N)
    ans = pooled.reshape(out_channels, height // 2, width // 2, batch).transpose(3, 0, 1, 2)
    unpooled: list[tuple[Array, _Phases]] = []  # what the first vjp leaves for the second, which is given the same g

    def unpool(g: Array) -> _Phases:
        """Hand the gradient of each maximum on to the pixel that it came from, and 0 to the others."""
        phases = _Phases((batch, out_channels, height, width), (kh, kw), g.dtype)
        g = _batch_innermost(g).swapaxes(0, 1)  # (H/2, C_out, W/2, N)
        for row in (0, 1):
            out = phases.inside[:, row::2]  # (2, H/2, C_out, W/2, N)
            np.multiply(chosen[:, row::2].reshape(out.shape), g, out=out)
        return phases

    def gradient_of_x(g: Array) -> Array:
        phases = unpool(g)
        unpooled[:] = [(g, phases)]
        turned = weight[:, :, ::-1, ::-1].transpose(3, 1, 2, 0).reshape(kw, channels, kh * out_channels)
        gradient = np.empty((channels, height, width // 2, 2, batch), g.dtype)
        for phase in (0, 1):
            shifts = (phases.every_second_column(phase + shift - kw // 2) for shift in range(kw))
            products = (filters @ overlapping_rows(shift, kh) for filters, shift in zip(turned, shifts, strict=True))
            correlation = functools.reduce(np.add, products)  # (H, C, W/2·N)
            gradient[:, :, :, phase] = correlation.reshape(height, channels, width // 2, batch).swapaxes(0, 1)
        return gradient.reshape(channels, height, width, batch).transpose(3, 0, 1, 2)

    def gradient_of_weight(g: Array) -> Array:
        phases = unpooled.pop()[1] if unpooled and unpooled[0][0] is g else unpool(g)
        gradient_of_products = phases.inside.reshape(2, height, out_channels, width // 2 * batch)
        gradient: Array = (windows @ gradient_of_products.swapaxes(2, 3)).sum(axis=(0, 1))  # (kh·kw·C, C_out)
        return gradient.reshape(kh, kw, channels, out_channels).transpose(3, 2, 0, 1)

    def gradient_of_bias(g: Array) -> Array:
        gradient: Array = np.einsum("chwn,chwn->c", _batch_innermost(g), _batch_innermost(ans) > 0)
        return gradient

    return ans, gradient_of_x, gradient_of_weight, None if bias is None else gradient_of_bias


class _Phases:
    """Images with a border of zeros, even and odd columns apart.

    Attributes:
        padded: (2, H + kh - 1, C, W/2 + 2·margin, N).
        inside: the images themselves, a view (2, H, C, W/2, N).
    """

    def __init__(self, shape: tuple[int, ...], kernel: Pair, dtype: DTypeLike) -> None:
        batch, channels, height, width = shape
        top, self._margin = kernel[0] // 2, (kernel[1] // 2 + 1) // 2
        bottom, right = top + height, self._margin + width // 2
        self.padded = np.empty((2, bottom + top, channels, right + self._margin, batch), dtype)
        self.padded[:, :top] = self.padded[:, bottom:] = 0
        self.padded[:, :, :, : self._margin] = self.padded[:, :, :, right:] = 0
        self.inside = self.padded[:, top:bottom, :, self._margin : right]

    def every_second_column(self, first: int) -> Array:
        """W/2 columns of the padded images, those at ``first``, ``first`` + 2, ...: a view (H + kh - 1, C, W/2·N)."""
        _, _, channels, half_width, batch = self.inside.shape
        start = self._margin + first // 2
        columns = self.padded[first % 2, :, :, start : start + half_width]
        return columns.reshape(len(columns), channels, half_width * batch)


def _windows(x: Array, kernel: Pair) -> Array:
    """What lies beneath the filters at each pixel of images (N, C, H, W): (2, H, kh·kw·C, W/2·N)."""
    (batch, channels, height, width), (kh, kw) = x.shape, kernel
    phases = _Phases(x.shape, kernel, x.dtype)
    phases.inside[...] = x.reshape(batch, channels, height, width // 2, 2).transpose(4, 2, 1, 3, 0)
    shifts = np.empty((2, height + kh - 1, kw, channels, width // 2 * batch), x.dtype)
    for phase, shift in np.ndindex(2, kw):
        shifts[phase, :, shift] = phases.every_second_column(phase + shift - kw // 2)
    return overlapping_rows(shifts.reshape(2, height + kh - 1, kw * channels, width // 2 * batch), kh)


def _pool(products: Array, bias: Array | None) -> tuple[Array, Array]:
    """Take the maximum of 2 by 2 products (2, H, C_out, L), add the bias, rectify.

    Returns:
        The answer (C_out, H/2, L), and which products it came from, if it is above 0: booleans (2, H, C_out, L).
    """
    even, odd = products
    rows = np.maximum(even, odd)  # (H, C_out, L)
    upper, lower = rows[0::2], rows[1::2]
    ans = np.empty((rows.shape[1], len(upper), rows.shape[2]), products.dtype)
    pooled = ans.swapaxes(0, 1)  # (H/2, C_out, L)
    np.maximum(upper, lower, out=pooled)
    if bias is not None:
        pooled += bias[:, None]
    np.maximum(pooled, 0, out=pooled)
    # Of equals the first is chosen, row by row.
    is_upper = upper >= lower
    row_chosen = np.stack([is_upper, ~is_upper], axis=1) & (pooled > 0)[:, None]  # (H/2, 2, C_out, L)
    is_even = (even >= odd).reshape(row_chosen.shape)
    return ans, np.stack([row_chosen & is_even, row_chosen & ~is_even]).reshape(products.shape)


def _batch_innermost(a: Array) -> Array:
    """Images (N, C, H, W) as (C, H, W, N), contiguous; no copy if they lie so already."""
    return np.ascontiguousarray(a.transpose(1, 2, 3, 0))
