"""Convolution over rows of pixels: where the numbers lie in memory, and what is multiplied, to make it fast.

In memory the images (N, C, H, W) lie as (H, C, W, N). The columns of a row of pixels are then a stretch of the images
themselves, once they are there in each shift to the left and right: the columns of neighbouring rows overlap, and need
no copies of their own. With the batch innermost, all passes over the data run along long rows of neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.ops.sizes import Pair
from npnn_cli.autograd.ops.slabs import meeting
from npnn_cli.autograd.threads import share


@dataclass(frozen=True)
class RowConvolution:
    """How images become the answer of a convolution, and the other way round.

    Attributes:
        shape: of the images, (N, C, H, W).
        kernel: height and width of the filters.
        stride: from one window to the next.
        before: how many zeros to put above and to the left of the images.
        after: how many below and to the right.
        dilation: the distance between the pixels under a filter.
        groups: into how many parts the channels fall, each with its own filters.
    """

    shape: tuple[int, ...]
    kernel: Pair
    stride: Pair
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilation: Pair
    groups: int

    @property
    def output(self) -> Pair:
        """Height and width of the answer."""
        height, width = (
            (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
            for size, before, after, dilation, kernel, stride in zip(
                self.shape[2:], self.before, self.after, self.dilation, self.kernel, self.stride, strict=True
            )
        )
        return height, width

    def columns(self, images: Array) -> Array:
        """What lies beneath the filters at each pixel of the answer: (groups, H_out, kh·kw·C/groups, W_out·N)."""
        (batch, channels, height, width), (kh, kw), (_, out_width) = self.shape, self.kernel, self.output
        members, top, padded_height = channels // self.groups, self.before[0], height + self.before[0] + self.after[0]
        rows = batch_innermost(images).reshape(self.groups, members, height, width, batch).swapaxes(1, 2)
        shifts = np.empty((self.groups, padded_height, kw, members, out_width, batch), images.dtype)
        inside, kept = meeting(padded_height, 1, -top, height)
        shifts[:, : inside.start] = shifts[:, inside.stop :] = 0

        def of_part(groups: slice, members: slice) -> None:
            for tap in range(kw):
                to, origin = self._meeting(1, tap)
                place = shifts[groups, inside, tap, members]
                place[:, :, :, : to.start] = place[:, :, :, to.stop :] = 0
                place[:, :, :, to] = rows[groups, kept, members, origin]

        self._share_channels(of_part, shifts.size)
        return overlapping_rows(
            shifts.reshape(self.groups, padded_height, kw * members, out_width * batch),
            kh,
            self.stride[0],
            self.dilation[0],
        )

    def correlate(self, columns: Array, weight: Array) -> Array:
        """Filters (C_out, C/groups, kh, kw) times columns: images (N, C_out, H_out, W_out)."""
        groups, height, _, length = columns.shape
        ans = np.empty((groups, len(weight) // groups, height, length), np.result_type(weight, columns))
        _shared_product(self._filters(weight), columns, out=ans.swapaxes(1, 2))
        return ans.reshape(len(weight), *self.output, self.shape[0]).transpose(3, 0, 1, 2)

    def gradient_of_weight(self, columns: Array, g: Array) -> Array:
        """The sum over all places of g (N, C_out, H_out, W_out) times columns: filters (C_out, C/groups, kh, kw)."""
        rows = self._rows(g).swapaxes(2, 3)  # (groups, H_out, W_out·N, C_out/groups)
        products = np.empty((*columns.shape[:3], rows.shape[3]), np.result_type(columns, g))
        _shared_product(columns, rows, out=products)
        gradient: Array = products.sum(axis=1)  # (groups, kh·kw·C/groups, C_out/groups)
        gradient = gradient.reshape(self.groups, *self.kernel, -1, gradient.shape[2])
        return gradient.transpose(0, 4, 3, 1, 2).reshape(g.shape[1], -1, *self.kernel)

    def transpose(self, g: Array, weight: Array) -> Array:
        """Give each pixel of the images (N, C, H, W) what the windows in which it lies have of g, times the filters."""
        return self._transpose_by_rows(g, weight) if self.stride[0] == 1 else self._transpose_by_taps(g, weight)

    def _transpose_by_rows(self, g: Array, weight: Array) -> Array:
        """With stride 1 from row to row, this is a convolution of g with the filters turned upside down.

        Its products are found for each column of the filters by itself, but all at once, and then shifted and added.
        The rows of g need no copies but a border, and BLAS reads each number for more products than it would in turn.
        """
        (batch, channels, height, _), (kh, kw), (out_height, out_width) = self.shape, self.kernel, self.output
        border = self.dilation[0] * (kh - 1)
        bordered = np.empty((self.groups, height + border, g.shape[1] // self.groups, out_width * batch), g.dtype)
        inside, kept = meeting(height + border, 1, self.before[0] - border, out_height)
        bordered[:, : inside.start] = bordered[:, inside.stop :] = 0
        bordered[:, inside] = self._rows(g)[:, kept]
        members = channels // self.groups
        turned = weight[:, :, ::-1].reshape(self.groups, -1, members, kh, kw).transpose(0, 4, 2, 3, 1)
        turned = np.ascontiguousarray(turned).reshape(self.groups, 1, kw * members, -1)
        beneath = overlapping_rows(bordered, kh, 1, self.dilation[0])
        products = np.empty((self.groups, height, kw * members, out_width * batch), np.result_type(g, weight))
        _shared_product(turned, beneath, out=products)
        of_columns = products.reshape(self.groups, height, kw, members, out_width, batch)

        def add(of_images: Array, groups: slice, members: slice) -> None:
            for tap in range(kw):
                origin, to = self._meeting(1, tap)
                of_images[:, :, :, to] += of_columns[groups, :, tap, members, origin].swapaxes(1, 2)

        return self._added_up(add, products)

    def _transpose_by_taps(self, g: Array, weight: Array) -> Array:
        """The gradient of the columns, of which the pixels beneath each tap of the filters are then added up."""
        (kh, kw), (out_height, out_width), members = self.kernel, self.output, self.shape[1] // self.groups
        filters, rows = self._filters(weight), self._rows(g)
        products = np.empty((self.groups, out_height, filters.shape[3], rows.shape[3]), np.result_type(g, weight))
        _shared_product(filters.swapaxes(2, 3), rows, out=products)
        of_taps = products.reshape(self.groups, out_height, kh, kw, members, out_width, self.shape[0])

        def add(of_images: Array, groups: slice, members: slice) -> None:
            for i, j in np.ndindex(kh, kw):
                (origin_rows, to_rows), (origin, to) = self._meeting(0, i), self._meeting(1, j)
                of_tap = of_taps[groups, origin_rows, i, j, members, origin].swapaxes(1, 2)
                of_images[:, :, to_rows, to] += of_tap

        return self._added_up(add, products)

    def _meeting(self, axis: int, tap: int) -> tuple[slice, slice]:
        """Which windows along an axis of the images have a pixel beneath this tap of the filters, and which pixels."""
        start = tap * self.dilation[axis] - self.before[axis]
        return meeting(self.output[axis], self.stride[axis], start, self.shape[2 + axis])

    def _added_up(self, add: Callable[[Array, slice, slice], None], products: Array) -> Array:
        """Images (N, C, H, W) of what ``add`` adds to a part of them, (groups, C/groups, H, W, N), from products."""
        batch, channels, height, width = self.shape
        images = np.zeros((self.groups, channels // self.groups, height, width, batch), products.dtype)
        self._share_channels(lambda groups, members: add(images[groups, members], groups, members), products.size)
        return images.reshape(channels, height, width, batch).transpose(3, 0, 1, 2)

    def _share_channels(self, work: Callable[[slice, slice], None], elements: int) -> None:
        """Let threads share a work on some of the groups and some of the channels in each."""
        if self.groups > 1:
            share(lambda part: work(part, slice(None)), self.groups, elements)
        else:
            share(lambda part: work(slice(None), part), self.shape[1], elements)

    def _filters(self, weight: Array) -> Array:
        """Filters as rows, (groups, 1, C_out/groups, kh·kw·C/groups)."""
        rows = np.ascontiguousarray(filter_matrix(weight))  # BLAS takes no steps backward
        return rows.reshape(self.groups, 1, len(weight) // self.groups, -1)

    def _rows(self, g: Array) -> Array:
        """A gradient (N, C_out, H_out, W_out) as (groups, H_out, C_out/groups, W_out·N)."""
        rows = rows_of_pixels(g)
        height, channels, length = rows.shape
        return rows.reshape(height, self.groups, channels // self.groups, length).swapaxes(0, 1)


def batch_innermost(a: Array) -> Array:
    """Images (N, C, H, W) as (C, H, W, N), contiguous; no copy if they lie so already."""
    return np.ascontiguousarray(a.transpose(1, 2, 3, 0))


def rows_of_pixels(g: Array) -> Array:
    """Images (N, C, H, W) as (H, C, W·N); no copy if they lie as (C, H, W, N) or (H, C, W, N)."""
    batch, channels, height, width = g.shape
    return g.transpose(2, 1, 3, 0).reshape(height, channels, width * batch)


def overlapping_rows(a: Array, count: int, stride: int = 1, dilation: int = 1) -> Array:
    """Each ``count`` rows of (..., rows, C, L), ``dilation`` apart, as a matrix: (..., positions, count·C, L).

    It is a view of a if the rows are neighbours. They must follow one another without gaps: the strides of ``a`` are
    those of (..., rows·C, L).
    """
    *outer, rows, channels, length = a.shape
    *outer_strides, row, channel, element = a.strides
    positions = (rows - dilation * (count - 1) - 1) // stride + 1
    if dilation > 1 and count > 1:
        shape, strides = (*outer, positions, count, channels, length), (stride * row, dilation * row, channel, element)
        apart = as_strided(a, shape, (*outer_strides, *strides), writeable=False)
        return apart.reshape(*outer, positions, count * channels, length)
    step = channel if channels > 1 else row  # of a single channel, NumPy does not keep the stride
    shape = (*outer, positions, count * channels, length)
    return as_strided(a, shape, (*outer_strides, stride * row, step, element), writeable=False)


def filter_matrix(weight: Array) -> Array:
    """Filters (C_out, C, kh, kw) as rows (C_out, kh·kw·C)."""
    return weight.transpose(0, 2, 3, 1).reshape(len(weight), math.prod(weight.shape[1:]))


def _shared_product(a: Array, b: Array, out: Array) -> None:
    """Matrix products (groups, rows of pixels, ...), shared between threads.

    They are cut along groups or rows of pixels, or where there is only one of each, along the longer side of ``out``.
    """
    groups, rows, height, width = out.shape
    axis = 0 if groups > 1 else 1 if rows > 1 else 2 if height > width else 3

    def of_part(part: slice) -> None:
        place = (slice(None),) * axis + (part,)
        np.matmul(
            a[place] if axis < 3 and a.shape[axis] > 1 else a,
            b[place] if axis != 2 and b.shape[axis] > 1 else b,
            out=out[place],
        )

    share(of_part, out.shape[axis], a.size + b.size + out.size)
