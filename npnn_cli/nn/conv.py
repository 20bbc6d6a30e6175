"""Convolutional layer."""

from __future__ import annotations

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.ops.convolution import Pair, pair
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.init import initial_weight
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.registry import layers

__all__ = ["Conv2d"]


@layers.register(
    example(normal(2, 3, 5, 6), in_channels=3, out_channels=4, kernel_size=3, padding=1),
    example(normal(2, 3, 7, 6), in_channels=3, out_channels=2, kernel_size=(3, 2), stride=(2, 1), bias=False),
)
class Conv2d(Module):
    """Convolution of images (N, in_channels, H, W) to (N, out_channels, H_out, W_out).

    H_out = (H + 2 padding - kernel height) // stride + 1, and likewise W_out. The weight (out_channels, in_channels,
    kernel height, kernel width) is drawn by the initializer ``init``; the bias (out_channels,) starts at 0.
    """

    inferred = {"in_channels": lambda input_shape: input_shape[0]}
    own_options = frozenset({"init"})

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        bias: bool = True,
        init: str = "kaiming_normal",
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if min(in_channels, out_channels, *pair(kernel_size), *pair(stride)) < 1 or min(pair(padding)) < 0:
            raise ValueError(
                f"Conv2d: sizes must be at least 1 and padding at least 0, "
                f"got {in_channels=}, {out_channels=}, {kernel_size=}, {stride=}, {padding=}"
            )
        self.weight = Parameter(initial_weight(init, (out_channels, in_channels, *pair(kernel_size)), rng))
        self.bias = Parameter(np.zeros(out_channels)) if bias else None
        self.stride, self.padding = stride, padding

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of images.

        Raises:
            ValueError: if the input is not (N, in_channels, H, W), or smaller than the kernel.
        """
        return F.conv2d(input, self.weight, self.bias, stride=self.stride, padding=self.padding)
