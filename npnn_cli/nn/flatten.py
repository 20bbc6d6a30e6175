"""Layers that change only the shape."""

from __future__ import annotations

import math

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["Flatten", "Unflatten"]


@layers.register(example(normal(2, 3, 4, 5)), example(normal(2, 3, 4, 5), start_dim=-3, end_dim=2))
class Flatten(Module):
    """Merge the dimensions from ``start_dim`` to ``end_dim``: (N, C, H, W) becomes (N, C·H·W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Merge the dimensions.

        Raises:
            IndexError: if there is no such dimension.
        """
        return F.flatten(input, self.start_dim, self.end_dim)


@layers.register(
    example(normal(2, 12), dim=1, unflattened_size=(3, 4)),
    example(normal(2, 6, 5), dim=-2, unflattened_size=(1, -1, 2)),
)
class Unflatten(Module):
    """Split the dimension ``dim`` into several, whose sizes are ``unflattened_size``; one may be -1, and follows."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        if not unflattened_size or min(unflattened_size) < -1 or unflattened_size.count(-1) > 1:
            raise ValueError(
                "Unflatten: unflattened_size must hold at least one size, and at most one may be -1, "
                f"got {unflattened_size}"
            )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """Split the dimension.

        Raises:
            IndexError: if there is no such dimension.
            ValueError: if its size is not the product of the sizes.
        """
        if not -input.ndim <= self.dim < input.ndim:
            raise IndexError(f"Unflatten: dim {self.dim} is none of the dimensions of an input of shape {input.shape}")
        dim = self.dim % input.ndim
        size, known = input.shape[dim], math.prod(size for size in self.unflattened_size if size != -1)
        sizes = [size // max(known, 1) if part == -1 else part for part in self.unflattened_size]
        if math.prod(sizes) != size:
            raise ValueError(
                f"Unflatten: dimension {self.dim} of shape {input.shape} cannot be split into {self.unflattened_size}"
            )
        return input.reshape(*input.shape[:dim], *sizes, *input.shape[dim + 1 :])
