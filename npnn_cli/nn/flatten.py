"""Layer that changes only the shape."""

from __future__ import annotations

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["Flatten"]


@layers.register(example(normal(2, 3, 4, 5)), example(normal(2, 3, 4, 5), start_dim=2, end_dim=-1))
class Flatten(Module):
    """Merge the dimensions from ``start_dim`` to ``end_dim``: (N, C, H, W) becomes (N, C·H·W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Merge the dimensions."""
        return F.flatten(input, self.start_dim, self.end_dim)
