"""Layers in a row that one op computes faster than one after the other, with the same result.

A :class:`~npnn_cli.nn.Sequential` looks here at every forward pass; the layers themselves know nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.ops.fused_convolution import can_fuse, conv2d_relu_max_pool2d
from npnn_cli.autograd.ops.linear_stack import linear_relu_stack
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.nn.activation import ReLU
from npnn_cli.nn.conv import Conv2d
from npnn_cli.nn.flatten import Flatten
from npnn_cli.nn.linear import Linear
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.nn.pooling import MaxPool2d


def forward_in_order(modules: Sequence[Module], input: Tensor) -> Tensor:
    """Pass the input through all modules in order, those that can be fused at once."""
    position = 0
    while position < len(modules):
        module = modules[position]
        if type(module) is Conv2d and _pools_at_once(modules[position : position + 3], input.shape):
            input = apply(conv2d_relu_max_pool2d, input, module.weight, module.bias)
            position += 3
        elif (parameters := _stack(modules, position, input.shape)) is not None:
            input = apply(linear_relu_stack, input, *parameters)
            position += len(parameters) - 1 + (type(module) is Flatten)  # of L Linear and L - 1 ReLU
        else:
            input = module(input)
            position += 1
    return input


def _stack(modules: Sequence[Module], position: int, shape: tuple[int, ...]) -> list[Parameter] | None:
    """The parameters of the Linear layers with ReLUs between them that begin here, perhaps after a Flatten.

    None if there are no two of these layers, if one has no bias, or if they do not fit the input or one another.
    """
    module = modules[position]
    if type(module) is Flatten and (module.start_dim, module.end_dim) == (1, -1):
        position += 1
    elif len(shape) != 2:
        return None
    features, parameters = math.prod(shape[1:]), []
    while position < len(modules):
        linear = modules[position]
        if type(linear) is not Linear or linear.bias is None or linear.weight.shape[1] != features:
            break
        features = linear.weight.shape[0]
        parameters += [linear.weight, linear.bias]
        if position + 1 == len(modules) or type(modules[position + 1]) is not ReLU:
            break
        position += 2
    return parameters if len(parameters) > 2 else None


def _pools_at_once(modules: Sequence[Module], shape: tuple[int, ...]) -> bool:
    """Whether these are a convolution, a ReLU and a pooling, no subclasses, that fit one another and the images."""
    if [type(module) for module in modules] != [Conv2d, ReLU, MaxPool2d]:
        return False
    convolution, _, pooling = modules
    return _sizes_fit(convolution.options, pooling.options, shape)


def _sizes_fit(convolution: Mapping[str, Any], pooling: Mapping[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether the fused op can stand for a convolution and a pooling with these options, on inputs of this shape."""
    plain = convolution["groups"] == 1 and convolution["dilation"] in (1, (1, 1))
    return (
        plain
        and shape[1:2] == (convolution["in_channels"],)
        and can_fuse(
            shape,
            convolution["kernel_size"],
            stride=convolution["stride"],
            padding=convolution["padding"],
            pool_kernel_size=pooling["kernel_size"],
            pool_stride=pooling["stride"],
            pool_padding=pooling["padding"],
        )
    )
