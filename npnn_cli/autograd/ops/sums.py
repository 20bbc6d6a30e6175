"""Sums over some axes of arrays that lie in memory as their shape says, at the speed of BLAS.

A product with ones takes a third of the time of NumPy's ``sum``, which adds up short rows pairwise.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.ops.primitive import Array


def sum_of(a: Array, axes: Sequence[int]) -> Array:
    """The sum over these axes, which stay with size 1; of no axes, the array itself."""
    last = a.ndim - 1
    if last in axes:
        of_rows = (a @ _ones(a.shape[last], a.dtype))[..., None]
        return of_rows if len(axes) == 1 else sum_of(of_rows, [axis for axis in axes if axis != last])
    if last - 1 in axes:
        of_columns = _ones(a.shape[last - 1], a.dtype)[None] @ a
        return of_columns if len(axes) == 1 else sum_of(of_columns, [axis for axis in axes if axis != last - 1])
    total: Array = a.sum(axis=tuple(axes), keepdims=True) if axes else a
    return total


def sum_of_products(a: Array, b: Array, axes: Sequence[int]) -> Array:
    """The sum of a · b, where b broadcasts to a's shape, over these axes, which stay with size 1; of none, a · b."""
    last = a.ndim - 1
    if last in axes and b.shape[-1:] == a.shape[-1:]:
        return sum_of(np.vecdot(a, b)[..., None], [axis for axis in axes if axis != last])
    return sum_of(a * b, axes)


@functools.lru_cache
def _ones(count: int, dtype: DTypeLike) -> Array:
    ones = np.ones(count, dtype)
    ones.flags.writeable = False  # it is everybody's
    return ones
