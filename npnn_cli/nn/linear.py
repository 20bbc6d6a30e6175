"""Fully connected layer."""

from __future__ import annotations

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.init import Init, initial_weight
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.registry import layers

__all__ = ["Linear"]


@layers.register(
    example(normal(5, 3), in_features=3, out_features=4),
    example(normal(2, 5, 3), in_features=3, out_features=4, bias=False, init="xavier_uniform"),
    example(normal(5, 3), in_features=3, out_features=4, init={"type": "kaiming_normal", "nonlinearity": "tanh"}),
)
class Linear(Module):
    """Affine map x Wᵀ + b of inputs (..., in_features) to outputs (..., out_features).

    The weight (out_features, in_features) is drawn by the initializer ``init``, which suits a ReLU unless another is
    named; the bias (out_features,) starts at 0.
    """

    inferred = {"in_features": lambda input_shape: input_shape[-1]}
    own_options = frozenset({"init"})

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init: Init = "kaiming_normal",
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if in_features < 1 or out_features < 1:
            raise ValueError(f"Linear: sizes must be at least 1, got {in_features=}, {out_features=}")
        # In memory the weights of one input lie side by side, which makes the product with a batch faster.
        self.weight = Parameter(np.asfortranarray(initial_weight(init, (out_features, in_features), rng)))
        self.bias = Parameter(np.zeros(out_features)) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        """Map the last dimension from in_features to out_features.

        Raises:
            ValueError: if the last dimension has another size.
            TypeError: if the input has another dtype than the weight.
        """
        in_features = self.weight.shape[1]
        if input.ndim == 0 or input.shape[-1] != in_features:
            raise ValueError(f"Linear: expected in_features={in_features} as the last size, got shape {input.shape}")
        return F.linear(input, self.weight, self.bias)
