"""Batch normalization layers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.dtypes import get_default_dtype
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Buffer, Module, Parameter
from npnn_cli.registry import layers

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _BatchNorm(Module):
    """Normalize each channel over the batch: (x - mean) / √(variance + eps) · weight + bias.

    In training, mean and variance are those of the batch, and the running ones move towards them; in evaluation, the
    running ones are used. Ioffe and Szegedy, "Batch normalization", 2015.

    Args:
        num_features: number of channels.
        eps: keeps the divisor away from 0.
        momentum: how far the running statistics move at each batch; None for the average of all batches so far.
        affine: whether to learn weight (num_features,), from 1, and bias (num_features,), from 0.
        track_running_stats: whether to keep running statistics; without, the batch's are used in evaluation too.
        bias: whether there is a bias, if there is a weight.
    """

    inferred = {"num_features": lambda input_shape: input_shape[0]}
    dimensions: ClassVar[dict[int, str]]  # of an input: how many, and what they are

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        bias: bool = True,
    ) -> None:
        if num_features < 1:
            raise ValueError(f"{type(self).__name__}: num_features must be at least 1, got {num_features}")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = Parameter(np.ones(num_features)) if affine else None
        self.bias = Parameter(np.zeros(num_features)) if affine and bias else None
        dtype = get_default_dtype()
        self.running_mean = Buffer(np.zeros(num_features, dtype)) if track_running_stats else None
        self.running_var = Buffer(np.ones(num_features, dtype)) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.array(0, np.int64)) if track_running_stats else None

    def forward(self, input: Tensor) -> Tensor:
        """Normalize a batch.

        Raises:
            ValueError: if the shape does not fit, or a channel has only one value in training.
        """
        if input.ndim not in self.dimensions or input.shape[1] != self.num_features:
            expected = " or ".join(self.dimensions.values()).replace("C", f"num_features={self.num_features}")
            raise ValueError(f"{type(self).__name__}: expected an input {expected}, got shape {input.shape}")
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.data += 1
            momentum = 1 / self.num_batches_tracked.item() if momentum is None else momentum
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or self.running_mean is None,
            momentum=momentum or 0.0,
            eps=self.eps,
        )


@layers.register(
    example(normal(5, 3), num_features=3),
    example(normal(4, 3, 6), num_features=3, eps=0.1, momentum=None, bias=False),
    example(normal(5, 3), num_features=3, affine=False, track_running_stats=False),
)
class BatchNorm1d(_BatchNorm):
    """Batch normalization of features (N, C) or signals (N, C, L), with the options of PyTorch's."""

    dimensions = {2: "(N, C)", 3: "(N, C, L)"}


@layers.register(
    example(normal(4, 3, 5, 2), num_features=3),
    example(normal(4, 3, 5, 2), num_features=3, eps=0.1, momentum=None, bias=False),
    example(normal(4, 3, 5, 2), num_features=3, affine=False, track_running_stats=False),
)
class BatchNorm2d(_BatchNorm):
    """Batch normalization of images (N, C, H, W), with the options of PyTorch's."""

    dimensions = {4: "(N, C, H, W)"}
