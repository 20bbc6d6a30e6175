"""Pooling layer."""

from __future__ import annotations

from npnn_cli import functional as F
from npnn_cli.autograd.ops.convolution import Pair, pair
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import distinct, example
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["MaxPool2d"]


@layers.register(
    example(distinct(2, 3, 4, 6), kernel_size=2),
    example(distinct(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1), padding=(1, 0)),
)
class MaxPool2d(Module):
    """Greatest element of each window of images (N, C, H, W); the stride is the kernel size unless given."""

    def __init__(self, kernel_size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0) -> None:
        if min(pair(kernel_size)) < 1 or (stride is not None and min(pair(stride)) < 1) or min(pair(padding)) < 0:
            raise ValueError(
                f"MaxPool2d: kernel_size and stride must be at least 1 and padding at least 0, "
                f"got {kernel_size=}, {stride=}, {padding=}"
            )
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of images.

        Raises:
            ValueError: if the images are smaller than the window.
        """
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding)
