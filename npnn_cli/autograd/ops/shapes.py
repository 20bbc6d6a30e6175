"""Ops that move elements without changing them. Their answers may be views of their inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.dimensions import along, dim_of, dims_in_order
from npnn_cli.autograd.ops.primitive import VJP, Answer, Array, primitive
from npnn_cli.examples import example, normal


def unpacked(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes that were given as several numbers, or as one sequence of them."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], Iterable) else sizes


def _check_sequence(numbers: Any, op: str, name: str) -> None:
    if not isinstance(numbers, tuple | list):
        raise TypeError(f"{op}: {name} must be a tuple of whole numbers, got {numbers!r}")


@primitive(
    example(normal(2, 3, 4), shape=(6, 4)),
    example(normal(2, 6), shape=(3, -1)),
    example(normal(), shape=(1, 1)),
    example(normal(0, 3), shape=(3, 0)),
)
def reshape(x: Array, /, shape: tuple[int, ...]) -> Answer:
    """Same elements in another shape; one size may be -1, and follows from the others.

    Raises:
        ValueError: if the shape has another number of elements.
    """
    _check_sequence(shape, "reshape", "shape")
    try:
        if min(shape, default=0) < -1:  # which NumPy takes for -1
            raise ValueError
        return x.reshape(shape), lambda g: g.reshape(x.shape)
    except ValueError:
        raise ValueError(f"reshape: the {x.size} elements of shape {x.shape} do not fit the shape {shape}") from None


@primitive(
    example(normal(2, 3, 4), dims=(2, 0, 1)),
    example(normal(2, 3), dims=(1, 0)),
    example(normal(2, 0, 4), dims=(-1, 0, 1)),
    example(normal(), dims=()),
)
def permute(x: Array, /, dims: tuple[int, ...]) -> Answer:
    """Reorder the dimensions: the i-th of the answer is ``dims[i]`` of x.

    Raises:
        ValueError, IndexError: if ``dims`` does not name each dimension once.
    """
    _check_sequence(dims, "permute", "dims")
    try:
        return x.transpose(dims), lambda g: g.transpose(np.argsort([dim % x.ndim for dim in dims]))
    except ValueError:
        dims_in_order(x, dims, "permute", "dims")
        raise ValueError(f"permute: dims must name each dimension of the shape {x.shape} once, got {dims}") from None


@primitive(
    example(normal(2, 3, 4), dim0=0, dim1=-1), example(normal(2, 3), dim0=0, dim1=1), example(normal(), dim0=0, dim1=-1)
)
def transpose(x: Array, /, dim0: int, dim1: int) -> Answer:
    """Swap two dimensions.

    Raises:
        TypeError, IndexError: if a dimension is no whole number, or x has no such dimension.
    """
    for name, dim in (("dim0", dim0), ("dim1", dim1)):
        dims_in_order(x, dim, "transpose", name)
    if x.ndim == 0:  # it has one dimension to name, and none to swap
        return x.view(), lambda g: g
    return x.swapaxes(dim0, dim1), lambda g: g.swapaxes(dim0, dim1)


@primitive(
    example(normal(2, 3, 4), start_dim=1),
    example(normal(2, 3, 4, 5), start_dim=1, end_dim=-2),
    example(normal()),
    example(normal(0, 3)),
)
def flatten(x: Array, /, start_dim: int = 0, end_dim: int = -1) -> Answer:
    """Merge the dimensions from ``start_dim`` to ``end_dim`` (inclusive) into one.

    Raises:
        IndexError: if x has no such dimensions.
        ValueError: if they are in the wrong order.
    """
    (start,) = dims_in_order(x, start_dim, "flatten", "start_dim")
    (end,) = dims_in_order(x, end_dim, "flatten", "end_dim")
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in the shape {x.shape}")
    merged = math.prod(x.shape[start : end + 1])
    return x.reshape(*x.shape[:start], merged, *x.shape[end + 1 :]), lambda g: g.reshape(x.shape)


@primitive(
    example(normal(3, 1), size=(3, 4)),
    example(normal(2, 1, 3), size=(4, -1, 5, -1)),
    example(normal(), size=(2, 3)),
    example(normal(2, 1), size=(2, 0)),
)
def expand(x: Array, /, size: tuple[int, ...]) -> Answer:
    """Repeat along dimensions of size 1, and along new ones in front, without a copy; -1 keeps a size.

    Raises:
        ValueError: if x does not broadcast to this size.
    """
    _check_sequence(size, "expand", "size")
    new = len(size) - x.ndim
    sizes = tuple(x.shape[i - new] if each == -1 and i >= new else each for i, each in enumerate(size))
    try:
        return np.broadcast_to(x, sizes), lambda g: g
    except ValueError:
        raise ValueError(f"expand: an input of shape {x.shape} does not broadcast to the size {size}") from None


@primitive(
    example(normal(2, 3), normal(4, 3)),
    example(normal(2, 3, 1), normal(2, 1, 1), normal(2, 0, 1), dim=-2),
    example(normal(0), normal(2, 3), dim=1),
    reference=lambda torch, *arrays, **options: torch.cat(arrays, **options),
)
def cat(*arrays: Array, dim: int = 0) -> Answer:
    """Lay arrays side by side along ``dim``. An empty vector fits beside every shape, and adds nothing.

    Raises:
        ValueError: if there is none, or their other sizes differ.
    """
    shaped = [x for x in arrays if np.shape(x) != (0,)] or list(arrays[:1])
    if not shaped or not all(np.ndim(x) for x in shaped):
        raise ValueError(f"cat: expected at least one tensor, and none without dimensions, got {_shapes(arrays)}")
    dim = dim_of(shaped[0], dim, "cat")
    floating = [x.dtype for x in arrays if x.dtype.kind == "f"]
    dtype = np.result_type(*(floating or [x.dtype for x in arrays]))  # whole numbers take the dtype of floats
    try:
        ans = np.concatenate(shaped, axis=dim, dtype=dtype)
    except ValueError:
        raise ValueError(f"cat: sizes must be equal along all dimensions but {dim}, got {_shapes(arrays)}") from None
    ends = itertools.accumulate(0 if x.shape == (0,) else x.shape[dim] for x in arrays)
    return ans, *(_part_of_gradient(x, dim, end) for x, end in zip(arrays, ends, strict=True))


def _part_of_gradient(x: Array, dim: int, end: int) -> VJP:
    if x.shape == (0,):
        return lambda g: np.zeros(0, g.dtype)
    return lambda g: g[along(dim, slice(end - x.shape[dim], end))]


def _shapes(arrays: tuple[Array, ...]) -> str:
    return "the shapes " + ", ".join(str(np.shape(x)) for x in arrays) if arrays else "none"
