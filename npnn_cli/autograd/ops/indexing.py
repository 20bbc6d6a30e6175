"""Ops that take elements out. An element that is taken twice gets the gradients of both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.dimensions import dim_of
from npnn_cli.autograd.ops.primitive import Answer, Array, OfPlaces, primitive
from npnn_cli.examples import classes, example, normal


@primitive(
    example(normal(4, 5), index=1),
    example(normal(4, 5), index=(slice(None, None, -2), slice(1, 4))),
    example(normal(4, 5), index=(None, ..., 2)),
    example(normal(4, 5), index=([0, 2, 2, -1],)),
    example(normal(4, 5), index=([0, 2, 2], [1, 3, 3])),
    example(normal(4, 5), index=np.array([True, False, True, True])),
    example(normal(3, 4, 5), index=(slice(None), np.array([[0, 1], [1, -1]]), slice(None, None, 2))),
    example(normal(3, 4, 5), index=([0, 2, 2], slice(1, 3), [[4], [0]])),
    example(normal(2, 3, 5), index=(..., np.array([True, False, True, False, True]), None)),
    # PyTorch lacks negative steps, so NumPy says which elements are taken and PyTorch takes them.
    reference=lambda torch, x, index: x.flatten()[
        torch.as_tensor(np.arange(x.numel()).reshape(x.shape)[index].copy())  # (what the index makes of positions)
    ],
)
def getitem(x: Array, /, index: Any) -> Answer:
    """Elements x[index], with NumPy's whole indexing."""
    ans = x[index]

    def gradient(g: Array) -> Array:
        spread = np.zeros(x.shape, g.dtype)
        if np.may_share_memory(ans, x):  # a view: every element was taken at most once
            spread[index] = g
        else:
            np.add.at(spread, index, g)
        return spread

    return ans, gradient


@primitive(
    example(normal(3, 4), classes(4, 2, 5), dim=-1),
    example(normal(2, 3, 5), classes(3, 2, 4, 3), dim=1),
    reference=lambda torch, x, index, dim: torch.gather(x, dim, index),
)
def gather(x: Array, index: Array, /, dim: int) -> Answer:
    """Pick along ``dim`` the elements at ``index``: for a matrix and dim 1, ans[i, j] = x[i, index[i, j]].

    Raises:
        TypeError, ValueError, IndexError: if the indices are no whole numbers, do not fit, or are outside of x.
    """
    dim, rows, at = dim_of(x, dim, "gather"), np.atleast_1d(x), np.atleast_1d(index)
    allowed = (*rows.shape[:dim], math.inf, *rows.shape[dim + 1 :])
    if at.ndim != rows.ndim or any(size > most for size, most in zip(at.shape, allowed, strict=True)):
        raise ValueError(
            f"gather: index must have as many dimensions as the input, and no larger sizes but along dim={dim}, "
            f"got shape {np.shape(index)} for the input {x.shape}"
        )
    _check_index(at, rows.shape[dim], "gather")
    place: list[Array] = list(np.indices(at.shape, sparse=True))
    place[dim] = at

    def gradient(g: Array) -> Array:
        return _added_up(g, np.asarray(np.ravel_multi_index(place, rows.shape)), x.shape)

    return rows[tuple(place)].reshape(np.shape(index)), gradient


@primitive(
    example(normal(4, 3), classes(4, 6), dim=0),
    example(normal(2, 3, 5), classes(3, 4), dim=-2),
    reference=lambda torch, x, index, dim: torch.index_select(x, dim, index),
)
def index_select(x: Array, index: Array, /, dim: int) -> Answer:
    """The slices of x along ``dim`` at the places ``index``, one after the other.

    Its own op because its gradient takes a fifth of the time of :func:`getitem`'s.

    Raises:
        TypeError, ValueError, IndexError: if the indices are no whole numbers, no vector, or outside of x.
    """
    dim, rows, index = dim_of(x, dim, "index_select"), np.atleast_1d(x), np.atleast_1d(index)
    if index.ndim > 1 or (x.ndim == 0 and index.size != 1):
        raise ValueError(
            f"index_select: expected a vector of indices, of a single number just one, got shape {index.shape} "
            f"for the input {x.shape}"
        )
    _check_index(index, rows.shape[dim], "index_select")
    ans = rows.take(index, axis=dim)

    def gradient(g: Array) -> Array:
        outer, inner = math.prod(rows.shape[:dim]), math.prod(rows.shape[dim + 1 :])
        slices = np.arange(outer)[:, None, None] * rows.shape[dim] + index[:, None]  # (outer, len(index), 1)
        return _added_up(g, slices * inner + np.arange(inner), x.shape)

    return (ans if x.ndim else ans.reshape(())), OfPlaces(gradient)


def _check_index(index: Array, size: int, op: str) -> None:
    if index.dtype.kind not in "iu":
        raise TypeError(f"{op}: indices must be whole numbers, got {index.dtype}")
    if index.size and not 0 <= index.min() <= index.max() < size:
        wrong = index[(index < 0) | (index >= size)]
        raise IndexError(f"{op}: indices must lie between 0 and {size - 1}, got {wrong[0]}")


def _added_up(g: Array, places: Array, shape: tuple[int, ...]) -> Array:
    """Add each element of g to an array of zeros, at its place in the flattened array."""
    spread = np.zeros(math.prod(shape), g.dtype)
    np.add.at(spread, places.reshape(-1), g.reshape(-1))  # on vectors, NumPy is five times faster
    return spread.reshape(shape)
