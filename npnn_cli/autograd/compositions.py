"""Functions under PyTorch's names that are methods of the tensor, too, and are made of ops: they need no derivative."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.dtypes import require_floating, require_one_dtype
from npnn_cli.autograd.ops import elementwise, indexing, linear_algebra, shapes
from npnn_cli.autograd.ops.arguments import require_whole
from npnn_cli.autograd.ops.dimensions import Dim, along, dim_of, dims_in_order
from npnn_cli.examples import classes, example, nonzero, normal, uniform
from npnn_cli.registry import functions

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor

# Shapes


@functions.register(
    example(normal(1, 3, 1, 2)),
    example(normal(1, 3, 1, 2), dim=-2),
    example(normal(1, 3, 1, 2), dim=(0, 1, 2)),
    example(normal(1, 0, 1), dim=0),
    example(normal(), dim=0),
)
def squeeze(input: Tensor, dim: Dim = None) -> Tensor:
    """Leave out the dimensions of size 1: all of them, or those among ``dim``."""
    dims = range(input.ndim) if dim is None else dims_in_order(input, dim, "squeeze")
    kept = tuple(size for d, size in enumerate(input.shape) if size != 1 or d not in dims)
    return apply(shapes.reshape, input, shape=kept)


@functions.register(example(normal(3, 2), dim=1), example(normal(3, 2), dim=-1), example(normal(), dim=0))
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Put in a dimension of size 1, which is then dimension ``dim``."""
    return apply(shapes.reshape, input, shape=_with_new_dimension(input, dim, "unsqueeze"))


def _with_new_dimension(input: Tensor, dim: int, op: str) -> tuple[int, ...]:
    rank = input.ndim + 1
    require_whole(dim, f"{op}: dim")
    if not -rank <= dim < rank:
        raise IndexError(f"{op}: dim must lie between {-rank} and {rank - 1} for the shape {input.shape}, got {dim}")
    return (*input.shape[: dim % rank], 1, *input.shape[dim % rank :])


def _several(function: Any, *tensors: Any, **options: Any) -> Any:
    """Call a function that takes its tensors in a list."""
    return function(tensors, **options)


@functions.register(
    example(normal(2, 3), normal(4, 3)),
    example(normal(2, 1, 3), normal(2, 4, 3), normal(2, 0, 3), dim=-2),
    example(normal(5)),
    call=_several,
)
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Lay tensors side by side along ``dim``; their other sizes must be equal.

    Raises:
        ValueError: if there is none, or they do not fit.
    """
    return apply(shapes.cat, *_sequence(tensors, "cat"), dim=dim)


@functions.register(
    example(normal(2, 3), normal(2, 3)),
    example(normal(2, 3), normal(2, 3), normal(2, 3), dim=-1),
    example(normal(), normal()),
    example(normal(0, 3), normal(0, 3), dim=1),
    call=_several,
)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Lay tensors of one shape side by side along a new dimension, which is then dimension ``dim``.

    Raises:
        ValueError: if there is none, or their shapes differ.
    """
    tensors = _sequence(tensors, "stack")
    shapes_found = [np.shape(tensor) for tensor in tensors]
    if len(set(shapes_found)) != 1:
        raise ValueError(f"stack: expected at least one tensor, all of one shape, got the shapes {shapes_found}")
    shape = _with_new_dimension(tensors[0], dim, "stack")
    rows = [apply(shapes.reshape, tensor, shape=shape) for tensor in tensors]
    return apply(shapes.cat, *rows, dim=dim)


def _sequence(tensors: Sequence[Tensor], op: str) -> Sequence[Tensor]:
    if not isinstance(tensors, Sequence) or not all(hasattr(tensor, "dtype") for tensor in tensors):
        raise TypeError(f"{op}: expected a list or a tuple of tensors, got {type(tensors).__name__}")
    return tensors


@functions.register(
    example(normal(7, 2), split_size_or_sections=3),
    example(normal(2, 7), split_size_or_sections=(2, 0, 5), dim=-1),
    example(normal(0, 3), split_size_or_sections=2),
)
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """The parts of a tensor along ``dim``, all of one size (the last may be smaller), or of the given sizes.

    Raises:
        ValueError: if a size is negative, or the sizes do not add up.
    """
    d, sizes = _dimension_to_split(tensor, dim, "split"), split_size_or_sections
    total = tensor.shape[d]
    if not isinstance(sizes, Sequence):
        require_whole(sizes, "split: split_size_or_sections")
        if sizes < 0 or (sizes == 0 and total):
            raise ValueError(f"split: split_size must be at least 1 for the shape {tensor.shape}, got {sizes}")
        count = max(1, -(-total // max(sizes, 1)))
        sizes = [sizes] * (count - 1) + [total - sizes * (count - 1)]
    if min(sizes, default=0) < 0 or sum(sizes) != total:
        raise ValueError(f"split: sections must add up to {total}, the size of dimension {dim}, got {tuple(sizes)}")
    ends = [0, *itertools.accumulate(sizes)]
    parts = (along(d, slice(start, end)) for start, end in itertools.pairwise(ends))
    return tuple(apply(indexing.getitem, tensor, index=part) for part in parts)


@functions.register(
    example(normal(7, 2), chunks=3),
    example(normal(2, 6), chunks=4, dim=1),
    example(normal(0, 3), chunks=2),
)
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of a tensor along ``dim``, all of one size (the last may be smaller).

    Raises:
        ValueError: if ``chunks`` is less than 1.
    """
    total = input.shape[_dimension_to_split(input, dim, "chunk")]
    require_whole(chunks, "chunk: chunks")
    if chunks < 1:
        raise ValueError(f"chunk: chunks must be at least 1, got {chunks}")
    return split(input, -(-total // chunks) if total else [0] * chunks, dim)


def _dimension_to_split(tensor: Tensor, dim: int, op: str) -> int:
    if tensor.ndim == 0:
        raise ValueError(f"{op}: expected a tensor with at least one dimension, got a single number")
    return dim_of(tensor, dim, op)


@functions.register(
    example(normal(3, 4), dims=(1,)), example(normal(2, 3, 4), dims=(0, -1)), example(normal(), dims=())
)
def flip(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Reverse the order along each of the dimensions ``dims``."""
    reversed_ones = dims_in_order(input, dims, "flip", "dims")
    index = tuple(slice(None, None, -1) if d in reversed_ones else slice(None) for d in range(input.ndim))
    return apply(indexing.getitem, input, index=index)


@functions.register(
    example(normal(3, 4), shifts=5),
    example(normal(3, 4), shifts=-1, dims=1),
    example(normal(2, 3, 4), shifts=(1, -2, 1), dims=(0, -1, 0)),
    example(normal(), shifts=1),
    example(normal(0, 3), shifts=2, dims=0),
)
def roll(input: Tensor, shifts: int | Sequence[int], dims: Dim = None) -> Tensor:
    """Move the elements along each of ``dims`` by as many places as ``shifts`` says; what goes out comes in again.

    Without ``dims``, the elements are moved in the order of the flattened tensor.

    Raises:
        ValueError: if there is not one shift for each of the ``dims``.
    """
    if dims is None:
        flat = apply(shapes.reshape, input, shape=(-1,))
        return apply(shapes.reshape, roll(flat, shifts, 0), shape=input.shape)
    shifts, dims = (each if isinstance(each, Sequence) else (each,) for each in (shifts, dims))
    for shift in shifts:
        require_whole(shift, "roll: shifts")
    if len(shifts) != len(dims) or not shifts:
        raise ValueError(f"roll: shifts must be as many as dims, got {shifts} for {dims}")
    if input.ndim == 0:
        raise IndexError(f"roll: a single number has no dimensions to roll along, got dims {dims}")
    for shift, dim in zip(shifts, dims, strict=True):
        (d,) = dims_in_order(input, dim, "roll", "dims")
        cut = -shift % max(input.shape[d], 1)
        input = cat(
            [apply(indexing.getitem, input, index=along(d, part)) for part in (slice(cut, None), slice(cut))], d
        )
    return input


# Products


@functions.register(example(normal(3), normal(4)), example(normal(3), normal(3)), example(normal(0), normal(4)))
def outer(input: Tensor, vec2: Any) -> Tensor:
    """Products of each element of one vector (n,) with each of another (m,): (n, m).

    Raises:
        ValueError: if they are no vectors.
    """
    left, right = input.shape, np.shape(vec2)
    if len(left) != 1 or len(right) != 1:
        raise ValueError(f"outer: expected two vectors, got the shapes {left} and {right}")
    return apply(elementwise.mul, unsqueeze(input, 1), vec2)


@functions.register(
    example(normal(5, 2, 3), normal(5, 3, 4)),
    example(normal(2, 3, 3), normal(2, 3, 3)),
    example(normal(0, 2, 3), normal(0, 3, 4)),
)
def bmm(input: Tensor, mat2: Any) -> Tensor:
    """Matrix products of a batch, (b, n, m) times (b, m, p): (b, n, p). Unlike in matmul, nothing is broadcast.

    Raises:
        ValueError: if the shapes are others.
    """
    left, right = input.shape, np.shape(mat2)
    if len(left) != 3 or len(right) != 3 or left[0] != right[0] or left[2] != right[1]:
        raise ValueError(f"bmm: expected the shapes (b, n, m) and (b, m, p), got {left} and {right}")
    return apply(linear_algebra.matmul, input, mat2)


# Indexing


@functions.register(
    example(normal(3, 4), classes(4, 3, 6), dim=1),
    example(normal(2, 3, 5), classes(3, 1, 4, 2), dim=-2),
    example(normal(4), classes(4, 6), dim=0),
    example(normal(), classes(1), dim=0),
    call=lambda gather, x, index, dim: gather(x, dim, index),
)
def gather(input: Tensor, dim: int, index: Any) -> Tensor:
    """Pick along ``dim`` the elements at ``index``: for a matrix and dim 1, answer[i, j] = input[i, index[i, j]].

    The index has as many dimensions as the input; along the others it may be smaller.
    See https://pytorch.org/docs/stable/generated/torch.gather.html.

    Raises:
        TypeError, ValueError, IndexError: if the indices are no whole numbers, do not fit, or are outside.
    """
    return apply(indexing.gather, input, index, dim=dim)


@functions.register(
    example(normal(4, 3), classes(4, 6), dim=0),
    example(normal(2, 3, 5), classes(3, 4), dim=-2),
    example(normal(4, 3), classes(4, 0), dim=0),
    call=lambda index_select, x, index, dim: index_select(x, dim, index),
)
def index_select(input: Tensor, dim: int, index: Any) -> Tensor:
    """The slices of a tensor along ``dim`` at the places ``index``, one after the other; one may be taken repeatedly.

    Raises:
        TypeError, ValueError, IndexError: if the indices are no whole numbers, no vector, or outside.
    """
    return apply(indexing.index_select, input, index, dim=dim)


# Activations


@functions.register(
    example(nonzero(3, 4), uniform(0.1, 0.4, 1)),
    example(nonzero(2, 3, 4), normal(3)),
    example(nonzero(5), uniform(0.1, 0.4)),
    example(nonzero(), normal(1)),
)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Rectifier with learned leaks: x above 0, weight · x elsewhere.

    The weight is one number, or one for each channel of an input (N, C, ...).
    He et al., "Delving deep into rectifiers", ICCV 2015.

    Raises:
        ValueError: if the weight is neither.
        TypeError: if the input is not floating, or the weight has another dtype.
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.size not in (1, channels):
        raise ValueError(
            f"prelu: expected a weight of shape (1,) or ({channels},) for the input {input.shape}, got {weight.shape}"
        )
    require_floating(input, "prelu")
    require_one_dtype("prelu", input=input, weight=weight)
    slopes = weight.reshape(()) if weight.size == 1 else weight.reshape(-1, *[1] * (input.ndim - 2))
    return apply(elementwise.where, input > 0, input, input * slopes)
