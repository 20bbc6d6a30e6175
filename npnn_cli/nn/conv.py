"""Convolutional layers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.ops.convolution import Padding, padding_of_sides
from npnn_cli.autograd.ops.sizes import Pair, Single, pair, single
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.init import Init, initial_weight
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.registry import layers

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d"]

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


class _Convolution(Module):
    """What convolutions share: weight and bias, and the check of the options."""

    inferred = {"in_channels": lambda input_shape: input_shape[0]}
    own_options = frozenset({"init"})

    def _check_options(self) -> None:
        options = self.options
        sizes = ("in_channels", "out_channels", "kernel_size", "stride", "dilation", "groups")
        padding = [name for name in ("padding", "output_padding") if not isinstance(options.get(name, ""), str)]
        if any(np.min(options[name]) < 1 for name in sizes) or any(np.min(options[name]) < 0 for name in padding):
            given = ", ".join(f"{name}={options[name]}" for name in (*sizes, *padding))
            raise ValueError(f"{type(self).__name__}: sizes must be at least 1 and padding at least 0, got {given}")
        if options["padding"] == "same" and np.max(options["stride"]) > 1:
            raise ValueError(f"{type(self).__name__}: padding 'same' needs stride 1, got stride={options['stride']}")
        if options["in_channels"] % options["groups"] or options["out_channels"] % options["groups"]:
            raise ValueError(
                f"{type(self).__name__}: in_channels={options['in_channels']} and "
                f"out_channels={options['out_channels']} must be divisible by groups={options['groups']}"
            )

    def _draw(self, shape: tuple[int, ...], bias: int | None, init: Init, rng: np.random.Generator | None) -> None:
        self.weight = Parameter(initial_weight(init, shape, rng))
        self.bias = None if bias is None else Parameter(np.zeros(bias))


def _surrounded(layer: Conv1d | Conv2d, input: Tensor) -> tuple[Tensor, Any]:
    """The input, padded already unless that is with zeros, and the padding that is left to the op."""
    kernel = layer.weight.shape[2:]
    rank = len(kernel)
    fits = input.ndim > rank and input.shape[-rank - 1] == layer.weight.shape[1] * layer.groups
    if layer.padding_mode == "zeros" or not fits:
        return input, layer.padding  # an input that does not fit is for the op to refuse, by the shape that came
    padding = layer.padding if isinstance(layer.padding, str) else _for_each(layer.padding, rank)
    before, after = padding_of_sides(padding, kernel, _for_each(layer.dilation, rank))
    pad = [size for sides in zip(before[::-1], after[::-1], strict=True) for size in sides]  # the last dimension first
    return F.pad(input, pad, layer.padding_mode), 0


def _for_each(size: Any, rank: int) -> tuple[int, ...]:
    """The size in each of one or two directions."""
    return (single(size),) if rank == 1 else pair(size)


@layers.register(
    example(normal(2, 3, 5, 6), in_channels=3, out_channels=4, kernel_size=3, padding=1),
    example(
        normal(2, 3, 7, 6),
        in_channels=3,
        out_channels=2,
        kernel_size=(3, 2),
        stride=(2, 1),
        bias=False,
        init="xavier_uniform",
    ),
    example(normal(2, 4, 7, 6), in_channels=4, out_channels=6, kernel_size=3, padding="same", dilation=2, groups=2),
    example(
        normal(2, 3, 5, 6), in_channels=3, out_channels=2, kernel_size=(2, 4), padding="same", padding_mode="reflect"
    ),
    example(
        normal(2, 4, 5, 3),
        in_channels=4,
        out_channels=2,
        kernel_size=3,
        stride=2,
        padding=(1, 4),
        groups=2,
        padding_mode="replicate",
    ),
    example(normal(1, 3, 4, 5), in_channels=3, out_channels=2, kernel_size=3, padding=(0, 2), padding_mode="circular"),
)
class Conv2d(_Convolution):
    """Convolution of images (N, in_channels, H, W) to (N, out_channels, H_out, W_out).

    H_out = (H + 2 padding - dilation (kernel height - 1) - 1) // stride + 1, and likewise W_out; the padding "same"
    keeps H and W, "valid" is none. It is of zeros, or what :func:`~npnn_cli.functional.pad` makes in another
    ``padding_mode``. The weight (out_channels, in_channels/groups, kernel height, kernel width) is drawn by the
    initializer ``init``; the bias (out_channels,) starts at 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: Padding = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        init: Init = "kaiming_normal",
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._check_options()
        shape = (out_channels, in_channels // groups, *pair(kernel_size))
        self._draw(shape, out_channels if bias else None, init, rng)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.padding_mode = padding_mode

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of images.

        Raises:
            ValueError: if the input is not (N, in_channels, H, W), or smaller than the kernel.
            TypeError: if the input has another dtype than the weight.
        """
        input, padding = _surrounded(self, input)
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


@layers.register(
    example(normal(2, 3, 7), in_channels=3, out_channels=4, kernel_size=3, padding=1),
    example(normal(2, 3, 8), in_channels=3, out_channels=2, kernel_size=2, stride=2, bias=False, init="orthogonal"),
    example(normal(2, 4, 7), in_channels=4, out_channels=6, kernel_size=3, padding="same", dilation=2, groups=2),
    example(normal(2, 3, 5), in_channels=3, out_channels=2, kernel_size=3, padding=2, padding_mode="reflect"),
    example(normal(2, 3, 5), in_channels=3, out_channels=2, kernel_size=4, padding="same", padding_mode="circular"),
    example(normal(2, 3, 5), in_channels=3, out_channels=2, kernel_size=3, padding="valid", padding_mode="replicate"),
)
class Conv1d(_Convolution):
    """Convolution of signals (N, in_channels, L) to (N, out_channels, L_out).

    L_out = (L + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1; the padding "same" keeps L, "valid" is none.
    It is of zeros, or what :func:`~npnn_cli.functional.pad` makes in another ``padding_mode``. The weight
    (out_channels, in_channels/groups, kernel_size) is drawn by the initializer ``init``; the bias (out_channels,)
    starts at 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Single,
        stride: Single = 1,
        padding: Single | Literal["same", "valid"] = 0,
        dilation: Single = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        init: Init = "kaiming_normal",
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._check_options()
        shape = (out_channels, in_channels // groups, single(kernel_size))
        self._draw(shape, out_channels if bias else None, init, rng)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.padding_mode = padding_mode

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of signals.

        Raises:
            ValueError: if the input is not (N, in_channels, L), or shorter than the kernel.
            TypeError: if the input has another dtype than the weight.
        """
        input, padding = _surrounded(self, input)
        return F.conv1d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


@layers.register(
    example(normal(2, 3, 4, 5), in_channels=3, out_channels=4, kernel_size=2, stride=2, init="xavier_normal"),
    example(normal(2, 3, 4, 5), in_channels=3, out_channels=2, kernel_size=(3, 2), padding=1, dilation=2, bias=False),
    example(
        normal(2, 4, 3, 5), in_channels=4, out_channels=6, kernel_size=3, stride=(2, 3), output_padding=1, groups=2
    ),
)
class ConvTranspose2d(_Convolution):
    """Transposed convolution of images (N, in_channels, H, W) to (N, out_channels, H_out, W_out), to enlarge them.

    H_out = (H - 1) stride - 2 padding + dilation (kernel height - 1) + output_padding + 1, and likewise W_out. The
    weight (in_channels, out_channels/groups, kernel height, kernel width) is drawn by the initializer ``init``; the
    bias (out_channels,) starts at 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Pair = 1,
        padding_mode: Literal["zeros"] = "zeros",
        init: Init = "kaiming_normal",
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._check_options()
        shape = (in_channels, out_channels // groups, *pair(kernel_size))
        self._draw(shape, out_channels if bias else None, init, rng)
        self.stride, self.padding, self.output_padding = stride, padding, output_padding
        self.dilation, self.groups, self.padding_mode = dilation, groups, padding_mode

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a batch of images.

        Raises:
            ValueError: if the input is not (N, in_channels, H, W), or the output would have no pixel.
            TypeError: if the input has another dtype than the weight.
        """
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
