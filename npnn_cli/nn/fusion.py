"""Layers in a row that one op computes faster than one after the other, with the same result.

A :class:`~npnn_cli.nn.Sequential` looks here when it first meets inputs of a shape; the layers themselves know nothing
of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeGuard, TypeVar

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.ops.fused_convolution import can_fuse, conv2d_relu_max_pool2d
from npnn_cli.autograd.ops.linear_stack import linear_relu_stack
from npnn_cli.autograd.ops.primitive import Array, Primitive
from npnn_cli.autograd.ops.sizes import pair
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.nn.activation import ReLU
from npnn_cli.nn.conv import Conv2d
from npnn_cli.nn.flatten import Flatten
from npnn_cli.nn.linear import Linear
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.nn.pooling import MaxPool2d

M = TypeVar("M", bound=Module)


class Step(NamedTuple):
    """Layers that are computed at once.

    Attributes:
        modules: these layers.
        op: computes them from the input and the parameters of them all; None for a single layer, which does so itself.
        parameters: those that the op takes, in its order; None for one that is not there.
        arguments: their data when the op was chosen, on whose shape and dtype the choice rests.
        links: of those that are there, the position among the inputs of the op, the parameter, and its data then.
    """

    modules: Sequence[Module]
    op: Primitive | None = None
    parameters: Sequence[Parameter | None] = ()
    arguments: Sequence[Array | None] = ()
    links: Sequence[tuple[int, Parameter, Array]] = ()

    @property
    def is_up_to_date(self) -> bool:
        """Whether the parameters still have the data for which the op was chosen."""
        return all(parameter.data is data for _, parameter, data in self.links)

    def __call__(self, input: Tensor) -> Tensor:
        """Pass the input through the layers."""
        return self.modules[0](input) if self.op is None else apply(self.op, input, *self.parameters)


class Plans(dict[tuple[str, tuple[int, ...]], list[Step]]):
    """The steps that were found best for each dtype and shape of a sample.

    They hold as long as no part of any module is replaced, and :attr:`Step.is_up_to_date`.
    """

    replacements = 0

    def __reduce__(self) -> tuple[type[Plans], tuple[()]]:
        """A copy plans anew: its modules are others, and another process counts replacements of its own."""
        return Plans, ()

    def of(self, input: Array) -> list[Step] | None:
        """The steps for a batch of inputs, if they have been found already."""
        if self.replacements != Module.replacements:
            self.clear()
            self.replacements = Module.replacements
        return self.get((input.dtype.char, input.shape[1:]))

    def forget_outdated(self) -> None:
        """Drop what holds no longer, and with it the data that it was found for."""
        for key, steps in list(self.items()):
            if not all(step.is_up_to_date for step in steps):
                del self[key]


def forward_in_order(modules: Sequence[Module], input: Tensor, plans: Plans) -> Tensor:
    """Pass the input through all modules in order, those that can be fused at once.

    Args:
        modules: those that the plans are for.
        input: (N, ...).
        plans: as far as they go; what is missing is added.
    """
    known = plans.of(input.data)
    if known is not None and all(step.is_up_to_date for step in known):
        for step in known:
            input = step(input)
        return input
    plans.forget_outdated()
    key = input.dtype.char, input.shape[1:]
    steps: list[Step] = []
    while modules:
        step = _first_step(modules, input)
        input = step(input)
        steps.append(step)
        modules = modules[len(step.modules) :]
    plans[key] = steps
    return input


def _first_step(modules: Sequence[Module], input: Tensor) -> Step:
    """The most layers at the beginning that can be computed at once from an input of this shape and dtype."""
    step, shape = Step(modules[:1]), input.shape
    if _pools_at_once(modules[:3], shape):
        step = _at_once(modules[:3], conv2d_relu_max_pool2d)
    elif (count := _length_of_stack(modules, shape)) > 0:
        step = _at_once(modules[:count], linear_relu_stack)
    of_one_dtype = all(parameter is None or parameter.dtype == input.dtype for parameter in step.parameters)
    return step if of_one_dtype else Step(modules[:1])  # whose op refuses another


def _at_once(modules: Sequence[Module], op: Primitive) -> Step:
    layers = (module for module in modules if isinstance(module, Linear | Conv2d))
    parameters = [parameter for layer in layers for parameter in (layer.weight, layer.bias)]
    arguments = [None if parameter is None else parameter.data for parameter in parameters]
    links = [(position, p, p.data) for position, p in enumerate(parameters, start=1) if p is not None]
    return Step(modules, op, parameters, arguments, links)


def _length_of_stack(modules: Sequence[Module], shape: tuple[int, ...]) -> int:
    """How many layers at the beginning are Linear, with a ReLU between each two, perhaps after a Flatten.

    0 if fewer than two of them are Linear and have a bias, or if they do not fit the input or one another.
    """
    first = modules[0]
    start = 1 if _is_plain(first, Flatten) and (first.start_dim, first.end_dim) == (1, -1) else 0
    if not start and len(shape) != 2:
        return 0
    features, end = math.prod(shape[1:]), start
    for position in range(start, len(modules), 2):
        linear, before = modules[position], modules[position - 1]
        if not _is_plain(linear, Linear) or linear.bias is None or linear.weight.shape[1] != features:
            break
        if position > start and not _is_plain(before, ReLU):
            break
        features, end = linear.weight.shape[0], position + 2
    length = end - 1  # without a ReLU after the last Linear
    return length if length - start >= 3 else 0


def _is_plain(module: Module, kind: type[M]) -> TypeGuard[M]:
    """Whether this is a module of that class and no subclass, which has not been given another ``forward``."""
    return type(module) is kind and "forward" not in vars(module)


def _pools_at_once(modules: Sequence[Module], shape: tuple[int, ...]) -> bool:
    """Whether these are a convolution, a ReLU and a pooling, no subclasses, that fit one another and the images."""
    if len(modules) < 3:
        return False
    convolution, relu, pooling = modules
    if not (_is_plain(convolution, Conv2d) and _is_plain(relu, ReLU) and _is_plain(pooling, MaxPool2d)):
        return False
    _, in_channels, *kernel_size = convolution.weight.shape
    return (
        convolution.groups == 1
        and convolution.padding_mode == "zeros"
        and not pooling.return_indices
        and pair(convolution.dilation) == pair(pooling.dilation) == (1, 1)
        and shape[1:2] == (in_channels,)
        and can_fuse(
            shape,
            (kernel_size[0], kernel_size[1]),
            stride=convolution.stride,
            padding=convolution.padding,
            pool_kernel_size=pooling.kernel_size,
            pool_stride=pooling.stride,
            pool_padding=pooling.padding,
        )
    )
