"""Functions that take elements out of a tensor by their place, or mark a place."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.compositions import gather, index_select
from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops.arguments import require_number, require_truth, require_whole
from npnn_cli.autograd.ops.elementwise import scale_gradient
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import by_convention, classes, example, normal
from npnn_cli.functional.elementwise import where
from npnn_cli.functional.inputs import array_of
from npnn_cli.registry import functions

__all__ = ["embedding", "gather", "index_select", "one_hot"]


@functions.register(
    example(classes(5, 4), normal(5, 3)),
    by_convention(classes(5, 2, 6), normal(5, 3), padding_idx=-1),
    by_convention(classes(3, 2, 4), normal(5, 3), scale_grad_by_freq=True),
    by_convention(classes(3, 7), normal(5, 3), padding_idx=1, scale_grad_by_freq=True),
    # No row is so long as to be changed, which would change an input.
    example(classes(5, 4), normal(5, 3), max_norm=20.0, norm_type=1.0, sparse=False),
    example(classes(5), normal(5, 3)),
    example(classes(5, 0, 2), normal(5, 3)),
)
def embedding(
    input: Any,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The row of ``weight`` (num_embeddings, embedding_dim) for each index in ``input``: (*, embedding_dim).

    See https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html.

    Args:
        input: whole numbers (*).
        weight: if ``max_norm`` is given, it is changed in place.
        padding_idx: the row that receives no gradient.
        max_norm: rows that are looked up and longer than this are first scaled down to it, which no gradient sees.
        norm_type: the p of the norm that is their length.
        scale_grad_by_freq: whether each row's gradient is divided by how often the row is looked up.
        sparse: only False: gradients are dense.

    Raises:
        TypeError, ValueError, IndexError: if indices are no whole numbers or outside, the weight is no matrix, or an
            option is out of range.
    """
    indices = _whole_numbers(input, "embedding")
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight must be (num_embeddings, embedding_dim), got shape {weight.shape}")
    require_truth(scale_grad_by_freq, "embedding: scale_grad_by_freq")
    require_truth(sparse, "embedding: sparse")
    if sparse:
        raise ValueError(f"embedding: sparse must be False, for gradients are dense, got {sparse!r}")
    for name, value in (("max_norm", 0 if max_norm is None else max_norm), ("norm_type", norm_type)):
        require_number(value, f"embedding: {name}")
        if value != value:  # it is the p of no norm, and no length is above it
            raise ValueError(f"embedding: {name} must not be nan")
    count, size = weight.shape
    if indices.size and not 0 <= indices.min() <= indices.max() < count:
        wrong = indices[(indices < 0) | (indices >= count)]
        raise IndexError(f"embedding: input must lie between 0 and {count - 1} for {count} rows, got {wrong[0]}")
    if max_norm is not None:
        require_floating(weight, "embedding", "weight")
        _shorten(weight, np.unique(indices), max_norm, norm_type)
    rows = index_select(weight, 0, indices.reshape(-1)).reshape(*indices.shape, size)
    if scale_grad_by_freq:
        share = 1 / np.bincount(indices.reshape(-1), minlength=count)[indices][..., None]
        rows = apply(scale_gradient, rows, factor=share.astype(rows.dtype))
    if padding_idx is None:
        return rows
    require_whole(padding_idx, "embedding: padding_idx")
    if not -count <= padding_idx < count:
        raise ValueError(f"embedding: padding_idx must be one of the {count} rows, got {padding_idx}")
    return where((indices == padding_idx % count)[..., None], rows.detach(), rows)


@np.errstate(all="ignore")  # as in PyTorch, of infinite rows nan remains, without a warning
def _shorten(weight: Tensor, rows: Array, max_norm: float, norm_type: float) -> None:
    """Scale those of these rows that are longer than ``max_norm`` down to it, in place."""
    data = array_of(weight)
    lengths = np.linalg.norm(data[rows], norm_type, axis=1)
    too_long = lengths > max_norm
    if not too_long.any():
        return
    if not data.flags.writeable:
        raise ValueError("embedding: max_norm changes the weight in place, got a weight that is read-only")
    data[rows[too_long]] *= (max_norm / (lengths[too_long] + 1e-7))[:, None]  # PyTorch's guard against a length of 0
    if isinstance(weight, Tensor):
        Tensor.note_change([weight])


@functions.register(
    example(classes(4, 5), num_classes=4),
    example(classes(4, 2, 3)),
    example(classes(4), num_classes=6),
    example(classes(4, 0), num_classes=3),
)
def one_hot(input: Any, num_classes: int = -1) -> Tensor:
    """Class indices (*) as rows (*, num_classes) of zeros, with a one in the place of the class.

    There are as many classes as the largest index asks for, unless ``num_classes`` is given.

    Raises:
        TypeError, ValueError, IndexError: if indices are no whole numbers or outside, or the classes are not known.
    """
    indices = _whole_numbers(input, "one_hot")
    require_whole(num_classes, "one_hot: num_classes")
    if num_classes == -1:
        if not indices.size:
            raise ValueError("one_hot: num_classes must be given where there is no index")
        num_classes = max(1, int(indices.max()) + 1)
    if num_classes < 1:
        raise ValueError(f"one_hot: num_classes must be at least 1, or -1 to infer it, got {num_classes}")
    wrong = indices[(indices < 0) | (indices >= num_classes)]
    if wrong.size:
        raise IndexError(f"one_hot: indices must lie between 0 and {num_classes - 1}, got {wrong[0]}")
    return Tensor((indices[..., None] == np.arange(num_classes)).astype(np.int64))


def _whole_numbers(indices: Any, op: str) -> Array:
    array = array_of(indices)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{op}: indices must be whole numbers, got {array.dtype}")
    return array
