"""Activation functions as layers, elementwise on any shape."""

from __future__ import annotations

from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, nonzero, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["ReLU", "Sigmoid", "Tanh"]


@layers.register(example(nonzero(3, 4)))
class ReLU(Module):
    """Rectifier max(x, 0)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return input.relu()


@layers.register(example(normal(3, 4)))
class Sigmoid(Module):
    """Logistic function 1 / (1 + e ** -x)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return input.sigmoid()


@layers.register(example(normal(3, 4)))
class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return input.tanh()
