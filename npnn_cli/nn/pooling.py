"""Pooling layers, and their opposite, upsampling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from npnn_cli import functional as F
from npnn_cli.autograd.ops.adaptive_pooling import OutputSize
from npnn_cli.autograd.ops.sizes import Pair, Single, pair, single
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import distinct, example, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = [
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "Upsample",
]


def _check_windows(
    layer: Module, kernel: Iterable[int], stride: Iterable[int], padding: Iterable[int], dilation: Iterable[int] = (1,)
) -> None:
    if min(*kernel, *stride, *dilation) < 1 or min(padding) < 0:
        names = ("kernel_size", "stride", "dilation", "padding")
        given = ", ".join(f"{name}={layer.options[name]}" for name in names if name in layer.options)
        raise ValueError(f"{type(layer).__name__}: sizes must be at least 1 and padding at least 0, got {given}")


@layers.register(
    example(distinct(2, 3, 4, 6), kernel_size=2),
    example(distinct(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1), padding=(1, 0)),
    example(distinct(2, 3, 6, 8), kernel_size=3, stride=2, padding=1, dilation=(1, 2), ceil_mode=True),
)
class MaxPool2d(Module):
    """Greatest element of each window of images (N, C, H, W); the stride is the kernel size unless given.

    Args:
        kernel_size: height and width of the window.
        stride: from one window to the next.
        padding: around the images; it is never the greatest.
        dilation: from one element of a window to the next.
        ceil_mode: whether a last window may stick out of the padding.
        return_indices: whether the output is a tuple (values, indices), where an index is the place in the flattened
            image. No option of a spec, for the next layer could not take it.
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        ceil_mode: bool = False,
        *,
        return_indices: bool = False,
    ) -> None:
        _check_windows(self, pair(kernel_size), pair(1 if stride is None else stride), pair(padding), pair(dilation))
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode, self.return_indices = dilation, ceil_mode, return_indices

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of images.

        Raises:
            ValueError: if the images are smaller than the window.
        """
        windows = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        return F.max_pool2d(input, *windows, self.return_indices)


@layers.register(
    example(distinct(2, 3, 6), kernel_size=2),
    example(distinct(2, 3, 7), kernel_size=3, stride=2, padding=1),
    example(distinct(2, 3, 8), kernel_size=2, stride=3, dilation=2, ceil_mode=True),
)
class MaxPool1d(Module):
    """Greatest element of each window of signals (N, C, L); the stride is the kernel size unless given.

    Options as MaxPool2d's.
    """

    def __init__(
        self,
        kernel_size: Single,
        stride: Single | None = None,
        padding: Single = 0,
        dilation: Single = 1,
        ceil_mode: bool = False,
        *,
        return_indices: bool = False,
    ) -> None:
        strides = [single(1 if stride is None else stride)]
        _check_windows(self, [single(kernel_size)], strides, [single(padding)], [single(dilation)])
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode, self.return_indices = dilation, ceil_mode, return_indices

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of signals.

        Raises:
            ValueError: if the signals are shorter than the window.
        """
        windows = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        return F.max_pool1d(input, *windows, self.return_indices)


@layers.register(
    example(normal(2, 3, 4, 6), kernel_size=2),
    example(normal(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1), padding=(1, 0), divisor_override=4),
    example(normal(2, 3, 5, 8), kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
)
class AvgPool2d(Module):
    """Mean of each window of images (N, C, H, W); the stride is the kernel size unless given.

    Args:
        kernel_size: height and width of the window.
        stride: from one window to the next.
        padding: zeros around the images.
        ceil_mode: whether a last window may stick out of the padding.
        count_include_pad: whether the zeros of the padding count in a mean.
        divisor_override: by what to divide a window's sum instead of the number of its elements.
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        _check_windows(self, pair(kernel_size), pair(1 if stride is None else stride), pair(padding))
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of images.

        Raises:
            ValueError: if the images are smaller than the window.
        """
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


@layers.register(
    example(normal(2, 3, 6), kernel_size=2),
    example(normal(2, 3, 8), kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
)
class AvgPool1d(Module):
    """Mean of each window of signals (N, C, L); the stride is the kernel size unless given. Options as AvgPool2d's."""

    def __init__(
        self,
        kernel_size: Single,
        stride: Single | None = None,
        padding: Single = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        _check_windows(self, [single(kernel_size)], [single(1 if stride is None else stride)], [single(padding)])
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of signals.

        Raises:
            ValueError: if the signals are shorter than the window.
        """
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


@layers.register(
    example(normal(2, 3, 7, 5), output_size=(3, 2)),
    example(normal(2, 3, 4, 6), output_size=1),
    example(normal(2, 3, 4, 2), output_size=(None, 3)),
)
class AdaptiveAvgPool2d(Module):
    """Mean of each of ``output_size`` windows that cover images (N, C, H, W); None keeps a size."""

    def __init__(self, output_size: OutputSize) -> None:
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of images.

        Raises:
            ValueError: if the input is no batch of images, or a size is less than 1.
        """
        return F.adaptive_avg_pool2d(input, self.output_size)


@layers.register(
    example(distinct(2, 3, 7, 5), output_size=(3, 2)),
    example(distinct(2, 3, 4, 6), output_size=1),
    example(distinct(2, 3, 4, 2), output_size=(None, 3)),
)
class AdaptiveMaxPool2d(Module):
    """Greatest element of each of ``output_size`` windows that cover images (N, C, H, W); None keeps a size.

    ``return_indices`` as MaxPool2d's.
    """

    def __init__(self, output_size: OutputSize, *, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of images.

        Raises:
            ValueError: if the input is no batch of images, or a size is less than 1.
        """
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


@layers.register(
    example(normal(2, 3, 4, 3), scale_factor=2.0),
    example(normal(2, 3, 4, 3), scale_factor=(0.6, 1.7)),
    example(normal(2, 3, 4, 5), size=(7, 3), mode="nearest"),
    example(normal(2, 3, 4, 3), scale_factor=(0.6, 1.7), recompute_scale_factor=True),
)
class Upsample(Module):
    """Resize signals (N, C, L) or images (N, C, H, W), each element of the answer being the nearest of the input.

    Args:
        size: of a signal or image in the answer; or else
        scale_factor: by what to multiply each size.
        mode: only ``nearest``.
        align_corners: only None, for the mode has no corners to align.
        recompute_scale_factor: whether the nearest elements follow from the sizes alone, and not from the factor that
            made them.
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: Literal["nearest"] = "nearest",
        align_corners: Literal[None] = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ValueError(f"Upsample: expected either size or scale_factor, got {size=}, {scale_factor=}")
        if recompute_scale_factor and size is not None:
            raise ValueError(f"Upsample: recompute_scale_factor is for a scale_factor, got {size=}")
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Resize a batch.

        Raises:
            ValueError: if the options do not fit the input's shape.
        """
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )
