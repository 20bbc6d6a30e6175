"""Normalization layers that treat each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.registry import layers

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm"]


def _shape(owner: Module, normalized_shape: int | tuple[int, ...]) -> tuple[int, ...]:
    shape = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    if not shape or min(shape) < 1:
        raise ValueError(f"{type(owner).__name__}: sizes must be at least 1, got {normalized_shape=}")
    return shape


@layers.register(
    example(normal(5, 3), normalized_shape=3),
    example(normal(5, 2, 3), normalized_shape=3, eps=0.1, bias=False),
    example(normal(5, 3), normalized_shape=3, elementwise_affine=False),
)
class LayerNorm(Module):
    """Normalize each sample over its last dimensions: (x - mean) / √(variance + eps) · weight + bias.

    ``normalized_shape`` is the size of the last dimension, or the sizes of several, and the shape of weight (from 1)
    and bias (from 0). Ba et al., "Layer normalization", 2016.
    """

    inferred = {"normalized_shape": lambda input_shape: input_shape[-1]}

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape, self.eps = _shape(self, normalized_shape), eps
        self.weight = Parameter(np.ones(self.normalized_shape)) if elementwise_affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape)) if elementwise_affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each sample.

        Raises:
            ValueError: if the last sizes are others.
        """
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


@layers.register(
    example(normal(5, 3), normalized_shape=3),
    example(normal(5, 2, 3), normalized_shape=3, eps=0.1, elementwise_affine=False),
)
class RMSNorm(Module):
    """Divide each sample by its root mean square over its last dimensions: x / √(mean(x²) + eps) · weight.

    ``normalized_shape`` is the size of the last dimension, or the sizes of several, and the shape of the weight (from
    1); ``eps`` is the dtype's machine epsilon unless given.
    Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """

    inferred = {"normalized_shape": lambda input_shape: input_shape[-1]}

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        self.normalized_shape, self.eps = _shape(self, normalized_shape), eps
        self.weight = Parameter(np.ones(self.normalized_shape)) if elementwise_affine else None

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each sample.

        Raises:
            ValueError: if the last sizes are others.
        """
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)


@layers.register(
    example(normal(2, 6), num_groups=3, num_channels=6),
    example(normal(2, 6, 3, 5), num_groups=2, num_channels=6, eps=0.1, bias=False),
    example(normal(2, 4, 5), num_groups=1, num_channels=4, affine=False),
)
class GroupNorm(Module):
    """Normalize each group of channels of each sample (N, C, ...): (x - mean) / √(variance + eps) · weight + bias.

    The weight (num_channels,) starts at 1, the bias (num_channels,) at 0. Wu and He, "Group normalization", 2018.
    """

    inferred = {"num_channels": lambda input_shape: input_shape[0]}

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, bias: bool = True
    ) -> None:
        if num_groups < 1 or num_channels < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels=} must be divisible by {num_groups=}, both at least 1")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = Parameter(np.ones(num_channels)) if affine else None
        self.bias = Parameter(np.zeros(num_channels)) if affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each sample.

        Raises:
            ValueError: if the input is not (N, num_channels, ...).
        """
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm: expected an input (N, num_channels={self.num_channels}, ...), got shape {input.shape}"
            )
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)
