"""Vectors in place of whole numbers, which stand for words, characters or categories."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import by_convention, classes, example
from npnn_cli.functional.inputs import array_of
from npnn_cli.nn.init import Init, initial_weight
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.registry import layers

__all__ = ["Embedding"]


@layers.register(
    example(classes(5, 4), num_embeddings=5, embedding_dim=3),
    by_convention(classes(5, 2, 6), num_embeddings=5, embedding_dim=3, padding_idx=-1),
    by_convention(classes(3, 2, 4), num_embeddings=5, embedding_dim=3, scale_grad_by_freq=True),
    # No vector is so long as to be changed, which would change a parameter.
    example(classes(5, 4), num_embeddings=5, embedding_dim=3, max_norm=20.0, norm_type=1.0),
    example(classes(5, 2), num_embeddings=5, embedding_dim=2, init={"type": "uniform", "a": -0.1, "b": 0.1}),
)
class Embedding(Module):
    """A vector (embedding_dim,) in place of each whole number from 0 to num_embeddings - 1.

    Inputs (*) become outputs (*, embedding_dim).
    The weight (num_embeddings, embedding_dim) holds the vectors; it is drawn by the initializer ``init``. The vector of
    ``padding_idx``, which stands for nothing, is 0 at first and receives no gradient.

    Args:
        num_embeddings: how many vectors there are.
        embedding_dim: the size of each.
        padding_idx: of the vector that stands for nothing.
        max_norm: vectors that are looked up and longer than this are scaled down to it, in the weight itself.
        norm_type: the p of the norm that is their length.
        scale_grad_by_freq: whether each vector's gradient is divided by how often the batch has it.
        sparse: only False: gradients are dense.
        init: draws the weight.
    """

    own_options = frozenset({"init"})

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: Literal[False] = False,
        init: Init = "normal",
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(f"Embedding: sizes must be at least 1, got {num_embeddings=}, {embedding_dim=}")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx must be one of the {num_embeddings} numbers, got {padding_idx}")
        weight = initial_weight(init, (num_embeddings, embedding_dim), rng)
        if padding_idx is not None:
            weight[padding_idx] = 0
        self.weight = Parameter(weight)
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: Literal[False] = False,
    ) -> Self:
        """The layer with a copy of these vectors.

        Args:
            embeddings: the vectors, (num_embeddings, embedding_dim).
            freeze: whether training leaves them as they are.
            padding_idx: of the vector that receives no gradient; it is taken as it is, not set to 0.
            max_norm: vectors longer than this are scaled down to it, in this copy.
            norm_type: the p of the norm that is their length.
            scale_grad_by_freq: whether each vector's gradient is divided by how often the batch has it.
            sparse: only False.

        Raises:
            ValueError: if the vectors are no matrix, or an option is out of range.
            TypeError: if an option is of another type.
        """
        vectors = array_of(embeddings)
        if vectors.ndim != 2:
            raise ValueError(f"Embedding: expected embeddings (num_embeddings, embedding_dim), got {vectors.shape}")
        count, size = vectors.shape
        layer = cls(count, size, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, init="zeros")
        layer.weight = Parameter(vectors.copy(), requires_grad=not freeze)
        return layer

    def forward(self, input: Tensor) -> Tensor:
        """Look up the vectors.

        Raises:
            TypeError: if the input is not of whole numbers.
            IndexError: if a number is outside.
        """
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )
