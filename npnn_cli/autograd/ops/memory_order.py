"""Arrays in the order in which they lie in memory, with as few axes as that allows: for passes along long rows.

Ops take arrays of any strides. Images (N, C, H, W) mostly lie as they are written, or between convolutions as
(C, H, W, N).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Sequence

from npnn_cli.autograd.ops.primitive import Array


class MemoryOrder:
    """The axes of an array, outermost in memory first; those that are neighbours there, and of one kind, are merged.

    Args:
        shape: of the array.
        strides: of the array.
        kinds: what kind each of its axes is.

    Attributes:
        shape: that of the array when its axes are merged.
    """

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], kinds: Sequence[Hashable]) -> None:
        self._shape = shape
        self._order = sorted(range(len(shape)), key=lambda axis: -abs(strides[axis]))
        self._back = [self._order.index(axis) for axis in range(len(shape))]
        self._merged = [list(axes) for _, axes in itertools.groupby(self._order, key=lambda axis: kinds[axis])]
        self.shape = self._merged_shape(shape)

    def axes(self, original: Iterable[int]) -> tuple[int, ...]:
        """The merged axes that consist of some of these axes."""
        wanted = set(original)
        return tuple(position for position, axes in enumerate(self._merged) if wanted & set(axes))

    def merge(self, a: Array) -> Array:
        """An array of any shape that broadcasts with the array's, its axes merged: a view if it lies as that does."""
        if a.ndim < len(self._shape):
            a = a.reshape((1,) * (len(self._shape) - a.ndim) + a.shape)
        return a.transpose(self._order).reshape(self._merged_shape(a.shape))

    def restore(self, merged: Array) -> Array:
        """The array of which this was merged: a view in which the axes stand in their order again."""
        sizes = [
            1 if size == 1 else self._shape[axis]
            for size, axes in zip(merged.shape, self._merged, strict=True)
            for axis in axes
        ]
        return merged.reshape(sizes).transpose(self._back)

    def _merged_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(math.prod(shape[axis] for axis in axes) for axes in self._merged)
