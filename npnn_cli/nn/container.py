"""Modules made of other modules, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.dropout import Dropout
from npnn_cli.nn.fusion import Plans, forward_in_order
from npnn_cli.nn.linear import Linear
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["MLP", "Sequential"]


class Sequential(Module):
    """Modules in a row, each fed with the output of the one before. They are named "0", "1", ..."""

    def __init__(self, *modules: Module) -> None:
        self.modules_in_order = modules
        self._plans: Plans = {}

    def forward(self, input: Tensor) -> Tensor:
        """Pass the input through all modules in order."""
        return forward_in_order(self.modules_in_order, input, self._plans)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules, by their position."""
        yield from ((str(position), module) for position, module in enumerate(self.modules_in_order))

    def __len__(self) -> int:
        return len(self.modules_in_order)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules_in_order)

    def __getitem__(self, position: int) -> Module:
        return self.modules_in_order[position]


@layers.register(
    example(normal(5, 3), in_features=3, hidden_features=[7, 6], out_features=4, activation="Tanh"),
    example(normal(5, 3), in_features=3, hidden_features=[7, 6], out_features=4, activation="Sigmoid", dropout=0.3),
)
class MLP(Sequential):
    """Multi-layer perceptron: Linear layers with an activation, and dropout if asked for, after each but the last.

    Args:
        in_features: size of an input.
        hidden_features: sizes of the hidden layers.
        out_features: size of an output.
        activation: name of the activation layer.
        dropout: probability with which an activation is dropped in training.
        rng: for the initial weights and dropout.
    """

    inferred = {"in_features": lambda input_shape: input_shape[-1]}

    def __init__(
        self,
        in_features: int,
        hidden_features: Sequence[int],
        out_features: int,
        activation: str = "ReLU",
        dropout: float = 0.0,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        modules: list[Module] = []
        for size in hidden_features:
            modules += [Linear(in_features, size, rng=rng), layers[activation].component()]
            modules += [Dropout(dropout, rng=rng)] if dropout else []
            in_features = size
        super().__init__(*modules, Linear(in_features, out_features, rng=rng))
