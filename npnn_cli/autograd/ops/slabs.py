"""What the windows along one direction of an array have in them: sums and maxima, and the way back.

All elements that stand at the same place of their windows are a slab of the array: windows of three make three long
operations. What windows over rows and columns have in them is found in one direction after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npnn_cli.autograd.ops.primitive import VJP, Array
from npnn_cli.autograd.threads import outermost, share_along


@dataclass(frozen=True)
class Slabs:
    """Where windows lie along one direction, those at once that can be treated so.

    Attributes:
        size: how many elements there are along it.
        count: how many windows.
        groups: windows that are treated at once: where they stand in a row of all windows, and for each place in a
            window the elements that they have there. Windows that stick out are in several groups, each with those
            places that lie inside for all of its windows. Two windows of three over six elements, side by side, are one
            group: all windows, with the elements 0 and 3 in the first place, 1 and 4 in the second, 2 and 5 in the
            third: ``(slice(None), (slice(0, 4, 3), slice(1, 5, 3), slice(2, 6, 3)))``.
        overlap: whether an element may be in several windows.
    """

    size: int
    count: int
    groups: tuple[tuple[slice, tuple[slice, ...]], ...]
    overlap: bool

    @property
    def lengths(self) -> list[int]:
        """How many elements each window has."""
        lengths = [0] * self.count
        for windows, places in self.groups:
            for window in range(*windows.indices(self.count)):
                lengths[window] += len(places)
        return lengths

    @property
    def are_each_in_one_group(self) -> bool:
        """Whether no window is in several groups."""
        in_groups = sum(len(range(*windows.indices(self.count))) for windows, _ in self.groups)
        return in_groups == sum(map(bool, self.lengths))

    @property
    def are_disjoint_and_cover_all(self) -> bool:
        """Whether each element is in one window."""
        return not self.overlap and sum(self.lengths) == self.size


def sliding(size: int, count: int, kernel: int, stride: int, dilation: int = 1, padding: int = 0) -> Slabs:
    """So many windows of ``kernel`` elements, ``dilation`` apart, each ``stride`` after the one before.

    The first begins ``padding`` before the first element. Places that stick out of the elements are left out.
    """
    reach = dilation * (kernel - 1) + 1
    taps = [meeting(count, stride, place - padding, size) for place in range(0, reach, dilation)]
    if all(windows == slice(0, count) for windows, _ in taps):
        return Slabs(size, count, ((slice(None), tuple(place for _, place in taps)),), overlap=reach > stride)
    return Slabs(size, count, tuple((windows, (place,)) for windows, place in taps), overlap=reach > stride)


def meeting(count: int, step: int, start: int, size: int) -> tuple[slice, slice]:
    """Which of the places 0, 1, ... ``count`` - 1 meet an element of a row of this size, and which elements they meet.

    Place p stands at the element ``start`` + p · ``step``, if there is one.
    """
    first = min(max(0, -(start // step)), count)
    end = min(max(first, -((start - size) // step)), count)
    return slice(first, end), slice(start + first * step, start + (end - 1) * step + 1 if end > first else 0, step)


def adaptive(size: int, count: int) -> Slabs:
    """So many windows that cover all: the i-th is from floor(i s/c) to ceil((i+1) s/c)."""
    if count and size % count == 0:
        return sliding(size, count, size // count, size // count)
    windows = [range(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
    return irregular(size, windows, overlap=True)


def irregular(size: int, windows: Sequence[range], *, overlap: bool) -> Slabs:
    """These windows, of which some may be empty."""
    groups = tuple(
        (slice(i, i + 1), tuple(slice(place, place + 1) for place in window))
        for i, window in enumerate(windows)
        if len(window)
    )
    return Slabs(size, len(windows), groups, overlap)


def pool_means(x: Array, rows: Slabs, columns: Slabs, divisor: Array) -> tuple[Array, VJP]:
    """The sum of each window of images (N, C, H, W) by a divisor, and the derivative."""
    ans = _resized(x, rows.count, columns.count)
    cut = outermost(x, (0, 1))

    def forward(x: Array, ans: Array) -> None:
        sums(sums(x, 2, rows), 3, columns, out=ans)
        ans /= divisor

    def backward(slope: Array, g: Array) -> None:
        spread(spread(g / divisor, 3, columns), 2, rows, out=slope)

    def gradient(g: Array) -> Array:
        slope = np.empty_like(x)
        share_along(cut, backward, slope, g)
        return slope

    share_along(cut, forward, x, ans)
    return ans, gradient


def pool_maxima(x: Array, rows: Slabs, columns: Slabs) -> tuple[Array, VJP]:
    """The greatest element of each window of images (N, C, H, W), and the derivative; the first of equals gets all."""
    of_rows, ans = _resized(x, x.shape[2], columns.count), _resized(x, rows.count, columns.count)
    cut = outermost(x, (0, 1))

    def forward(x: Array, of_rows: Array, ans: Array) -> None:
        maxima(x, 3, columns, out=of_rows)
        maxima(of_rows, 2, rows, out=ans)

    def backward(x: Array, of_rows: Array, g: Array, slope: Array) -> None:
        spread_to_maxima(spread_to_maxima(g, of_rows, 2, rows), x, 3, columns, out=slope)

    def gradient(g: Array) -> Array:
        slope = np.empty_like(x)
        share_along(cut, backward, x, of_rows, g, slope)
        return slope

    share_along(cut, forward, x, of_rows, ans)
    return ans, gradient


def sums(x: Array, axis: int, slabs: Slabs, out: Array | None = None) -> Array:
    """The sum of each window along an axis of x; of an empty window, 0."""
    at_once = slabs.are_each_in_one_group
    ans = _array(x, axis, slabs.count, out, filled=at_once and all(slabs.lengths))
    before = (slice(None),) * axis
    for window, places in slabs.groups:
        total, elements = ans[*before, window], [x[*before, place] for place in places]
        if not at_once:
            for element in elements:
                total += element
        elif len(elements) == 1:
            total[...] = elements[0]
        else:
            np.add(elements[0], elements[1], out=total)
            for element in elements[2:]:
                total += element
    return ans


def spread(g: Array, axis: int, slabs: Slabs, out: Array | None = None) -> Array:
    """Give each element what the windows in which it stands have along an axis of g: the transpose of :func:`sums`."""
    ans = _array(g, axis, slabs.size, out, filled=slabs.are_disjoint_and_cover_all)
    before = (slice(None),) * axis
    for window, places in slabs.groups:
        for place in places:
            if slabs.overlap:
                ans[*before, place] += g[*before, window]
            else:
                ans[*before, place] = g[*before, window]
    return ans


def maxima(x: Array, axis: int, slabs: Slabs, out: Array | None = None) -> Array:
    """The greatest element of each window along an axis of x; nan if there is one."""
    ans = _array(x, axis, slabs.count, out, filled=True)
    before = (slice(None),) * axis
    for window, places in slabs.groups:
        greatest, (first, *others) = ans[*before, window], [x[*before, place] for place in places]
        if not others:
            greatest[...] = first
        for position, other in enumerate(others):
            np.maximum(greatest if position else first, other, out=greatest)
    return ans


def spread_to_maxima(g: Array, x: Array, axis: int, slabs: Slabs, out: Array | None = None) -> Array:
    """Give the first greatest element of each window what the window has along an axis of g, and 0 to the others."""
    ans = _array(x, axis, slabs.size, out, filled=slabs.are_disjoint_and_cover_all)
    before = (slice(None),) * axis
    for window, places in slabs.groups:
        elements = [x[*before, place] for place in places]
        greatest = [elements[0]]  # of those up to each place
        for more in elements[1:-1]:
            greatest.append(np.maximum(greatest[-1], more))
        left = g[*before, window]
        for position in range(len(places) - 1, 0, -1):
            last, so_far = elements[position], greatest[position - 1]
            is_last = last > so_far
            _write_masked(left, is_last, ans[*before, places[position]], slabs.overlap)
            is_before = np.greater_equal(so_far, last, out=is_last)  # neither, where one is nan
            if position == 1:
                _write_masked(left, is_before, ans[*before, places[0]], slabs.overlap)
            else:
                left = left * is_before
        if len(places) == 1:
            _write_masked(left, True, ans[*before, places[0]], slabs.overlap)
    return ans


def _write_masked(g: Array, mask: Array | bool, out: Array, overlap: bool) -> None:
    if overlap:
        out += g * mask
    else:
        np.multiply(g, mask, out=out)


def _resized(images: Array, height: int, width: int) -> Array:
    """An array for images of another size, in the same memory order."""
    return np.empty_like(images, shape=(*images.shape[:2], height, width))


def _array(like: Array, axis: int, size: int, out: Array | None, *, filled: bool) -> Array:
    """``out``, or an array of another size along an axis, in the same memory order; zeros if it will not be filled."""
    ans = np.empty_like(like, shape=(*like.shape[:axis], size, *like.shape[axis + 1 :])) if out is None else out
    if not filled:
        ans[...] = 0
    return ans
