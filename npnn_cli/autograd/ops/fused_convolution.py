"""Convolution, ReLU and max-pooling as one op: the numbers of the three in a row, in half of the time.

What makes it fast is where the numbers lie in memory, as in :mod:`npnn_cli.autograd.ops.row_convolution`: for the
products, images (N, C, H, W) are laid out as (H, C, W, N), and the columns of neighbouring rows of pixels overlap.
Moreover:

- Even and odd columns are kept apart, as two *phases*. Pooling then takes the maximum of two contiguous halves, and the
  products are small enough for what BLAS does best with few channels.
- The maximum is found before the bias and the ReLU. They keep the order, and have a quarter of the numbers to do.
- Where each maximum came from is noted at once, while the numbers are still in the cache.
- The gradient of the images is found for each column of the filters, in one product with the gradient itself, and then
  shifted and added. Nothing is copied to make columns.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from npnn_cli.aligned import aligned_empty
from npnn_cli.autograd.ops.activations import rectified
from npnn_cli.autograd.ops.convolution import Padding
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put
from npnn_cli.autograd.ops.row_convolution import batch_innermost, filter_matrix, overlapping_rows, rows_of_pixels
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.autograd.ops.slabs import meeting
from npnn_cli.autograd.threads import share
from npnn_cli.examples import example, normal


def can_fuse(
    images: tuple[int, ...],
    kernel_size: int | Pair,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    pool_kernel_size: int | Pair,
    pool_stride: int | Pair | None = None,
    pool_padding: int | Pair = 0,
) -> bool:
    """Whether conv2d, relu and max_pool2d with these options are :func:`conv2d_relu_max_pool2d`.

    They are if the convolution keeps the size of the images, and the pooling halves it: ``kernel_size`` odd, ``stride``
    1, ``padding`` half the kernel or "same"; ``pool_kernel_size`` 2, ``pool_stride`` 2 or None, ``pool_padding`` 0; and
    images of a shape (N, C, H, W) with even H and W.
    """
    kh, kw = pair(kernel_size)
    return (
        len(images) == 4
        and images[2] % 2 == images[3] % 2 == 0
        and kh % 2 == kw % 2 == 1
        and pair(stride) == (1, 1)
        and (padding == "same" or (padding != "valid" and pair(padding) == (kh // 2, kw // 2)))
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
    A bias so large that rounding makes equals of different sums may give another of them the gradient. Gradients that
    are not finite spread as in :func:`~npnn_cli.autograd.ops.pooling.max_pool2d`.

    The answer lies in memory as (C, H, W, N), and the gradient of x as (H, C, W, N), which saves the next such op in
    either direction a copy. An x or g whose samples are not innermost has to be transposed.
    """
    batch, _, height, width = x.shape
    out_channels, _, kh, kw = weight.shape
    half_height, half_row = height // 2, width // 2 * batch
    filters, windows = filter_matrix(weight), _windows(x, (kh, kw))  # (2, H, kh·kw·C, W/2·N)
    pooled = np.empty((out_channels, half_height, half_row), x.dtype)
    chosen = np.empty((2, half_height, 2, out_channels, half_row), bool)  # of each pair of rows: the upper, the lower

    def forward(pairs: slice) -> None:
        products = filters @ windows[:, 2 * pairs.start : 2 * pairs.stop]  # (2, rows, C_out, W/2·N)
        _pool(products, bias, out=pooled[:, pairs].swapaxes(0, 1), chosen=chosen[:, pairs])

    share(forward, half_height, chosen.size)

    def differentiate(g: Array, gradients: Gradients) -> None:
        g = rows_of_pixels(g)
        bordered = _unpool(g, chosen, kh // 2)
        if 0 in gradients:
            put(gradients, 0, _gradient_of_images(bordered, weight, x.shape))
        if 1 in gradients:
            put(gradients, 1, _gradient_of_filters(windows, bordered[:, kh // 2 : kh // 2 + height], weight.shape))
        if 2 in gradients:
            positive = (pooled > 0).astype(g.dtype)
            put(gradients, 2, np.vecdot(g, positive.swapaxes(0, 1)).sum(axis=0))

    ans = pooled.reshape(out_channels, half_height, width // 2, batch).transpose(3, 0, 1, 2)
    return ans, Joint(differentiate)


def _windows(x: Array, kernel: Pair) -> Array:
    """What lies beneath the filters at even and at odd columns of images (N, C, H, W): (2, H, kh·kw·C, W/2·N)."""
    (batch, channels, height, width), (kh, kw) = x.shape, kernel
    half_width, border = width // 2, kh // 2
    pixels = batch_innermost(x).reshape(channels, height, half_width, 2, batch).swapaxes(0, 1)
    shifts = aligned_empty((2, height + 2 * border, kw, channels, half_width, batch), x.dtype)
    shifts[:, :border] = shifts[:, border + height :] = 0

    def of_part(rows: slice) -> None:
        for tap in _taps(kw, half_width):
            place = shifts[tap.window_phase, border + rows.start : border + rows.stop, tap.column]
            place[:, :, : tap.windows.start] = place[:, :, tap.windows.stop :] = 0
            place[:, :, tap.windows] = pixels[rows, :, tap.pixels, tap.pixel_phase]

    share(of_part, height, shifts.size)
    return overlapping_rows(shifts.reshape(2, height + 2 * border, kw * channels, half_width * batch), kh)


class _Tap(NamedTuple):
    """One column of the filters beneath which the windows of one phase have pixels of another, or of the same.

    Attributes:
        window_phase: of the windows.
        column: of the filters.
        pixel_phase: of the pixels.
        windows: those that have a pixel there, by their number in the phase.
        pixels: these pixels, by theirs.
    """

    window_phase: int
    column: int
    pixel_phase: int
    windows: slice
    pixels: slice


@functools.cache
def _taps(kw: int, half_width: int) -> list[_Tap]:
    """All of them. Of each phase of the pixels, the first is one whose windows and pixels have the same numbers."""
    distances = [(phase, column, phase + column - kw // 2) for phase, column in np.ndindex(2, kw)]
    return [
        _Tap(phase, column, distance % 2, *meeting(half_width, 1, distance // 2, half_width))
        for phase, column, distance in sorted(distances, key=lambda place: abs(place[2] // 2))
    ]


def _pool(products: Array, bias: Array | None, out: Array, chosen: Array) -> None:
    """Take the maximum of 2 by 2 products, add the bias, rectify.

    Args:
        products: of each phase, (2, rows, C_out, L).
        bias: (C_out,), or None.
        out: where to write the result, (rows/2, C_out, L).
        chosen: where to write which products it came from, if it is above 0: (2, rows/2, 2, C_out, L), by phase, pair
            of rows and row of the pair.
    """
    even, odd = products
    rows = np.maximum(even, odd)
    upper, lower = rows[0::2], rows[1::2]
    np.maximum(upper, lower, out=out)
    if bias is not None:
        out += bias[:, None]
    rectified(out, out=out)
    # Of equals the first is chosen, row by row.
    positive, is_even = out > 0, (even >= odd).reshape(chosen.shape[1:])
    is_upper = (upper >= lower) & positive
    for row, is_row in enumerate((is_upper, is_upper ^ positive)):
        np.logical_and(is_row, is_even[:, row], out=chosen[0, :, row])
        np.logical_xor(is_row, chosen[0, :, row], out=chosen[1, :, row])


def _unpool(g: Array, chosen: Array, border: int) -> Array:
    """Hand the gradient of each maximum on to the product that it came from, and 0 to the others.

    Args:
        g: (H/2, C_out, L).
        chosen: as :func:`_pool` wrote it, (2, H/2, 2, C_out, L).
        border: so many rows of zeros are put above and below.

    Returns:
        The gradient of the products of each phase, (2, H + 2·border, C_out, L).
    """
    half_height, out_channels, length = g.shape
    bordered = aligned_empty((2, 2 * half_height + 2 * border, out_channels, length), g.dtype)
    inside = bordered[:, border : border + 2 * half_height]
    bordered[:, :border] = bordered[:, border + 2 * half_height :] = 0

    def of_part(pairs: slice) -> None:
        for row in (0, 1):
            out = inside[:, 2 * pairs.start + row : 2 * pairs.stop : 2]
            np.multiply(g[pairs], chosen[:, pairs, row], out=out)

    share(of_part, half_height, chosen.size)
    return bordered


def _gradient_of_filters(windows: Array, g: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of filters of this shape, given that of the products of each phase, (2, H, C_out, L)."""
    out_channels, channels, kh, kw = shape
    of_rows = np.empty((2, g.shape[1], kh * kw * channels, out_channels), g.dtype)

    def of_part(rows: slice) -> None:
        np.matmul(windows[:, rows], g[:, rows].swapaxes(2, 3), out=of_rows[:, rows])

    share(of_part, g.shape[1], g.size)
    gradient: Array = of_rows.sum(axis=(0, 1)).reshape(kh, kw, channels, out_channels)
    return gradient.transpose(3, 2, 0, 1)


def _gradient_of_images(bordered: Array, weight: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of the images, given that of the products of each phase with a border above and below.

    Args:
        bordered: (2, H + kh - 1, C_out, W/2·N).
        weight: (C_out, C, kh, kw).
        shape: of the images, (N, C, H, W).
    """
    (batch, channels, height, width), (out_channels, _, kh, kw) = shape, weight.shape
    half_width = width // 2
    turned = weight[:, :, ::-1].transpose(3, 1, 2, 0).reshape(kw * channels, kh * out_channels)
    beneath = overlapping_rows(bordered, kh)  # (2, H, kh·C_out, W/2·N)
    images = np.empty((height, channels, half_width, 2, batch), bordered.dtype)

    def of_part(rows: slice) -> None:
        products = turned @ beneath[:, rows]  # (2, rows, kw·C, W/2·N)
        of_columns = products.reshape(*products.shape[:2], kw, channels, half_width, batch)
        _shift_and_add(of_columns, out=images[rows])

    share(of_part, height, bordered.size)
    return images.reshape(height, channels, width, batch).transpose(3, 1, 0, 2)


def _shift_and_add(of_columns: Array, out: Array) -> None:
    """Add up, for each pixel, what each column of the filters has of the windows in which the pixel lies.

    Args:
        of_columns: (2, rows, kw, C, W/2, N), by the phase of the windows' middle and by column of the filters; spoiled.
        out: where to write the sums, (rows, C, W/2, 2, N), the phases of the pixels side by side.
    """
    _, _, kw, _, half_width, _ = of_columns.shape
    for pixel_phase in (0, 1):
        first, *others = (tap for tap in _taps(kw, half_width) if tap.pixel_phase == pixel_phase)
        total = of_columns[first.window_phase, :, first.column]  # (rows, C, W/2, N), where they belong already
        for tap in others:
            total[:, :, tap.pixels] += of_columns[tap.window_phase, :, tap.column, :, tap.windows]
        out[:, :, :, pixel_phase] = total
