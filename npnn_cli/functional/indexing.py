"""Functions that take elements out of a tensor by their place, or mark a place."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.compositions import gather, index_select
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import classes, example, normal
from npnn_cli.functional.elementwise import where
from npnn_cli.registry import functions

__all__ = ["embedding", "gather", "index_select", "one_hot"]


@functions.register(
    example(classes(5, 4), normal(5, 3)),
    # Not among the indices, for finite differences find a slope where padding shall have none.
    example(classes(4, 2, 6), normal(5, 3), padding_idx=-1),
    example(classes(5), normal(5, 3)),
    example(classes(5, 0, 2), normal(5, 3)),
)
def embedding(input: Any, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """The row of ``weight`` (num_embeddings, embedding_dim) for each index in ``input``: (*, embedding_dim).

    The row ``padding_idx`` receives no gradient.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html.

    Raises:
        TypeError, ValueError, IndexError: if indices are no whole numbers or outside, or the weight is no matrix.
    """
    indices = _whole_numbers(input, "embedding")
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight must be (num_embeddings, embedding_dim), got shape {weight.shape}")
    count, size = weight.shape
    if indices.size and not 0 <= indices.min() <= indices.max() < count:
        wrong = indices[(indices < 0) | (indices >= count)]
        raise IndexError(f"embedding: input must lie between 0 and {count - 1} for {count} rows, got {wrong[0]}")
    rows = index_select(weight, 0, indices.reshape(-1)).reshape(*indices.shape, size)
    if padding_idx is None:
        return rows
    if not isinstance(padding_idx, int | np.integer):
        raise TypeError(f"embedding: padding_idx must be a whole number, got {padding_idx!r}")
    if not -count <= padding_idx < count:
        raise ValueError(f"embedding: padding_idx must be one of the {count} rows, got {padding_idx}")
    return where((indices == padding_idx % count)[..., None], rows.detach(), rows)


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
    if not isinstance(num_classes, int | np.integer):
        raise TypeError(f"one_hot: num_classes must be a whole number, got {num_classes!r}")
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
    array = indices.data if isinstance(indices, Tensor) else np.asarray(indices)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{op}: indices must be whole numbers, got {array.dtype}")
    return array
