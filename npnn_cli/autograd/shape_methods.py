"""The tensor's methods that move its elements, or take some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from npnn_cli.autograd import compositions
from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.ops import indexing, linear_algebra, shapes
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.ops.shapes import unpacked

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor


class ShapeMethods:
    """Base of Tensor: shapes and indexing. Sizes and dims are given as numbers or as one tuple."""

    __slots__ = ()
    data: Array

    def reshape(self, *shape: Any) -> Tensor:
        """Same elements in another shape; one size may be -1, and follows from the others."""
        return apply(shapes.reshape, self, shape=unpacked(shape))

    def view(self, *shape: Any) -> Tensor:
        """Same as :meth:`reshape`: how the elements lie in memory is no matter of shapes here, and never in the way."""
        return apply(shapes.reshape, self, shape=unpacked(shape))

    def expand(self, *size: Any) -> Tensor:
        """Repeat along dimensions of size 1, and along new ones in front, without a copy; -1 keeps a size."""
        return apply(shapes.expand, self, size=unpacked(size))

    def permute(self, *dims: Any) -> Tensor:
        """Reorder the dimensions."""
        return apply(shapes.permute, self, dims=unpacked(dims))

    def transpose(self, *dims: int) -> Tensor:
        """Swap two dimensions: ``transpose(dim0, dim1)``; without arguments, reverse them all as NumPy does."""
        if not dims:
            return self.permute(*reversed(range(self.data.ndim)))
        if len(dims) != 2:
            raise TypeError(f"transpose: swaps two dimensions, got {len(dims)}; to reorder them all, use permute{dims}")
        return apply(shapes.transpose, self, dim0=dims[0], dim1=dims[1])

    @property
    def T(self) -> Tensor:  # noqa: N802 - the name in mathematics, NumPy and PyTorch
        """All dimensions reversed: for a matrix, its transpose."""
        return self.transpose()

    flatten = lift(shapes.flatten)
    squeeze = compositions.squeeze
    unsqueeze = compositions.unsqueeze
    chunk = compositions.chunk
    roll = compositions.roll

    def split(self: Any, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """The parts along ``dim``, all of one size (the last may be smaller), or of the given sizes."""
        return compositions.split(self, split_size, dim)

    def flip(self: Any, *dims: Any) -> Tensor:
        """Reverse the order along each of some dimensions."""
        return compositions.flip(self, unpacked(dims))

    # Products

    matmul = lift(linear_algebra.matmul)
    bmm = compositions.bmm
    outer = compositions.outer

    # Indexing

    gather = compositions.gather
    index_select = compositions.index_select

    def __getitem__(self, index: Any) -> Tensor:
        """The elements at an index, with NumPy's whole indexing; tensors may stand for arrays in it."""
        return apply(indexing.getitem, self, index=_arrays(index))


def _arrays(index: Any) -> Any:
    """An index in which tensors are replaced by their arrays."""
    if isinstance(index, tuple):
        return tuple(map(_arrays, index))
    return index.data if isinstance(index, ShapeMethods) else index
