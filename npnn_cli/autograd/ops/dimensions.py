"""Which dimensions of an array a ``dim`` names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from npnn_cli.autograd.ops.arguments import is_whole

Dim = int | Sequence[int] | None


class Shaped(Protocol):
    """An array or a tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each dimension."""

    @property
    def ndim(self) -> int:
        """Number of dimensions."""


def dims_of(x: Shaped, dim: Dim, op: str) -> tuple[int, ...]:
    """The dimensions that ``dim`` names, counted from the front; None and an empty sequence name all.

    A single number (0-d) may be reduced along dim 0 or -1, as in PyTorch, and has no dimension to name.

    Raises:
        TypeError, IndexError, ValueError: as :func:`dims_in_order` does.
    """
    if dim is None or (isinstance(dim, Sequence) and not dim):
        return tuple(range(x.ndim))
    dims = dims_in_order(x, dim, op)
    return tuple(sorted(dims)) if x.ndim else ()


def dim_of(x: Shaped, dim: int, op: str) -> int:
    """The one dimension that ``dim`` names, counted from the front. Raises what :func:`dims_in_order` does."""
    if isinstance(dim, Sequence) or dim is None:
        raise TypeError(f"{op}: dim must be one whole number, got {dim!r}")
    return dims_in_order(x, dim, op)[0]


def dims_in_order(x: Shaped, dim: int | Sequence[int], op: str, name: str = "dim") -> tuple[int, ...]:
    """The dimensions that ``dim`` names, in this order, counted from the front. A single number (0-d) has one.

    Raises:
        TypeError: if ``dim`` is no whole number.
        IndexError: if x has no such dimension.
        ValueError: if a dimension is named twice.
    """
    named = tuple(dim) if isinstance(dim, Sequence) else (dim,)
    if not all(is_whole(d) for d in named):
        raise TypeError(f"{op}: {name} must be a whole number, or several, got {dim!r}")
    rank = max(x.ndim, 1)
    if not all(-rank <= d < rank for d in named):
        raise IndexError(f"{op}: {name} must lie between {-rank} and {rank - 1} for the shape {x.shape}, got {dim}")
    dims = tuple(int(d) % rank for d in named)
    if len(set(dims)) < len(dims):
        raise ValueError(f"{op}: {name} names a dimension twice, got {dim} for the shape {x.shape}")
    return dims


def along(dim: int, part: Any) -> tuple[Any, ...]:
    """The index that takes ``part`` along one dimension, counted from the front, and everything along the others."""
    return (slice(None),) * dim + (part,)
