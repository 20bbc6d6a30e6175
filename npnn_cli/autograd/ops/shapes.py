"""Ops that move elements without changing them. Their answers may be views of their inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import example, normal


def unpacked(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes that were given as several numbers, or as one sequence of them."""
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int | np.integer) else sizes


@primitive(
    example(normal(2, 3, 4), shape=(6, 4)), example(normal(2, 6), shape=(3, -1)), example(normal(), shape=(1, 1))
)
def reshape(x: Array, /, shape: tuple[int, ...]) -> Answer:
    """Same elements in another shape; one size may be -1, and follows from the others."""
    return x.reshape(shape), lambda g: g.reshape(x.shape)


@primitive(example(normal(2, 3, 4), dims=(2, 0, 1)), example(normal(2, 3), dims=(1, 0)))
def permute(x: Array, /, dims: tuple[int, ...]) -> Answer:
    """Reorder the dimensions: the i-th of the answer is ``dims[i]`` of x."""
    return x.transpose(dims), lambda g: g.transpose(np.argsort([dim % x.ndim for dim in dims]))


@primitive(example(normal(2, 3, 4), dim0=0, dim1=-1), example(normal(2, 3), dim0=0, dim1=1))
def transpose(x: Array, /, dim0: int, dim1: int) -> Answer:
    """Swap two dimensions."""
    return x.swapaxes(dim0, dim1), lambda g: g.swapaxes(dim0, dim1)


@primitive(example(normal(2, 3, 4), start_dim=1), example(normal(2, 3, 4, 5), start_dim=1, end_dim=-2))
def flatten(x: Array, /, start_dim: int = 0, end_dim: int = -1) -> Answer:
    """Merge the dimensions from ``start_dim`` to ``end_dim`` (inclusive) into one.

    Raises:
        ValueError: if x has no such dimensions, or they are in the wrong order.
    """
    start, end = (normalize_axis_index(dim, max(x.ndim, 1), "flatten") for dim in (start_dim, end_dim))
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in the shape {x.shape}")
    merged = math.prod(x.shape[start : end + 1])
    return x.reshape(*x.shape[:start], merged, *x.shape[end + 1 :]), lambda g: g.reshape(x.shape)


@primitive(
    example(normal(4, 5), index=1),
    example(normal(4, 5), index=(slice(None, None, -2), slice(1, 4))),
    example(normal(4, 5), index=(None, ..., 2)),
    example(normal(4, 5), index=([0, 2, 2, -1],)),
    example(normal(4, 5), index=([0, 2, 2], [1, 3, 3])),
    # PyTorch lacks negative steps, so NumPy says which elements are taken and PyTorch takes them.
    reference=lambda torch, x, index: x.flatten()[
        torch.as_tensor(np.arange(x.numel()).reshape(x.shape)[index].copy())  # (what the index makes of positions)
    ],
)
def getitem(x: Array, /, index: Any) -> Answer:
    """Elements x[index], with NumPy's whole indexing; an element taken twice gets both gradients."""
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
    example(normal(3, 4), dim=1, index=np.array([[0, 0, 3], [1, 2, 1]])),
    example(normal(3, 4), dim=0, index=np.array([[2, 0, 1, 1]])),
)
def gather(x: Array, /, dim: int, index: Array) -> Answer:
    """Pick along ``dim`` the elements at ``index``: for a matrix and dim 1, ans[i, j] = x[i, index[i, j]].

    See https://pytorch.org/docs/stable/generated/torch.gather.html.
    """
    place: list[Array] = list(np.indices(index.shape, sparse=True))
    place[dim] = index

    def gradient(g: Array) -> Array:
        spread = np.zeros(x.shape, g.dtype)
        np.add.at(spread, tuple(place), g)
        return spread

    return x[tuple(place)], gradient
