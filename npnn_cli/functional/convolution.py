"""Convolutions."""

from __future__ import annotations

from typing import Any

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import convolution, transposed_convolution
from npnn_cli.autograd.ops.sizes import Single, single
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.registry import functions

__all__ = ["conv1d", "conv2d", "conv_transpose2d"]

conv2d = lift(convolution.conv2d)
conv_transpose2d = lift(transposed_convolution.conv_transpose2d)


@functions.register(
    example(normal(2, 3, 7), normal(4, 3, 2), normal(4)),
    example(normal(2, 4, 8), normal(6, 2, 3), normal(6), stride=2, padding=1, dilation=2, groups=2),
    example(normal(2, 3, 7), normal(4, 3, 3), padding="same"),
    example(normal(3, 7), normal(4, 3, 2), normal(4), padding=1),
)
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Single = 1,
    padding: Single | str = 0,
    dilation: Single = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate signals (N, C, L) or (C, L) with filters (C_out, C/groups, kernel).

    It is :func:`conv2d` of images of height 1.

    Raises:
        ValueError: if the shapes do not fit one another.
        TypeError: if the dtypes differ.
    """
    stride, dilation = (single(stride, "conv1d: stride"),), (single(dilation, "conv1d: dilation"),)
    padding = padding if isinstance(padding, str) else (single(padding, "conv1d: padding"),)
    convolution.check_convolution("conv1d", input, weight, bias, stride, padding, dilation, groups)
    answer = conv2d(
        input.reshape(*input.shape[:-1], 1, input.shape[-1]),
        weight.reshape(*weight.shape[:2], 1, weight.shape[2]),
        bias,
        stride=(1, *stride),
        padding=padding if isinstance(padding, str) else (0, *padding),
        dilation=(1, *dilation),
        groups=groups,
    )
    return answer.reshape(*answer.shape[:-2], answer.shape[-1])
