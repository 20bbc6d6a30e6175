"""Dropout layers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["Dropout", "Dropout2d"]


def _with_the_same_masks(torch: Any, layer: Dropout | Dropout2d) -> Any:
    """PyTorch's layer of the same name that drops what ``layer`` drops: PyTorch's own draws could not be compared."""
    twin = copy.deepcopy(layer)

    class SameMasks(getattr(torch.nn, type(layer).__name__)):  # type: ignore[misc]
        def forward(self, input: Any) -> Any:
            if not self.training or self.p == 1:
                return super().forward(input)
            kept = twin.train()(np.ones(tuple(input.shape))).data != 0
            return input * torch.as_tensor(kept) / (1 - self.p)

    return SameMasks(layer.p)


def _check_probability(layer: Module, p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{type(layer).__name__}: p is a probability between 0 and 1, got {p}")


@layers.register(example(normal(6, 5)), example(normal(2, 3, 4), p=0.2), reference=_with_the_same_masks)
class Dropout(Module):
    """In training, zero each element with probability ``p`` and scale the others by 1/(1-p); else change nothing.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        _check_probability(self, p)
        self.p = p
        (self.rng,) = (rng or np.random.default_rng()).spawn(1)  # a stream of its own

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements in training."""
        return F.dropout(input, self.p, self.training, rng=self.rng)


@layers.register(example(normal(4, 6, 2, 3)), example(normal(3, 5, 4), p=0.2), reference=_with_the_same_masks)
class Dropout2d(Module):
    """In training, zero each channel of images (N, C, H, W) or signals (N, C, L) with probability ``p``.

    The other channels are scaled by 1/(1-p). Neighbouring pixels are so alike that dropping single ones hides little.
    Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        _check_probability(self, p)
        self.p = p
        (self.rng,) = (rng or np.random.default_rng()).spawn(1)  # a stream of its own

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels in training.

        Raises:
            ValueError: if the input has another number of dimensions.
        """
        return F.dropout2d(input, self.p, self.training, rng=self.rng)
