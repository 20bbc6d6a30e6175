"""The layer that changes nothing."""

from __future__ import annotations

from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["Identity"]


@layers.register(example(normal(2, 3)))
class Identity(Module):
    """The input as it is: where a layer is expected and none is wanted."""

    def forward(self, input: Tensor) -> Tensor:
        """Change nothing."""
        return input
