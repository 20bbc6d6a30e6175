"""Module: a part of a network, with parameters, a training mode, and a forward computation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.dtypes import get_default_dtype
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.registry import Component


class Parameter(Tensor):
    """A tensor that training changes. It requires a gradient, and has the default dtype unless one is given."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: DTypeLike | None = None) -> None:
        super().__init__(data, requires_grad, dtype or get_default_dtype())


class Module(Component):
    """A layer, or a network of layers.

    A subclass sets its parameters and sub-modules as attributes and defines :meth:`forward`. Their dotted names, the
    keys of the state dict, are the attributes' names.
    See https://pytorch.org/docs/stable/generated/torch.nn.Module.html.
    """

    # Options of npnn's own, which PyTorch's module of the same name does not have.
    own_options: frozenset[str] = frozenset()
    training: bool = True

    def forward(self, input: Tensor) -> Tensor:
        """Compute the output from the input."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def __call__(self, input: Any, *others: Any) -> Tensor:
        """Same as :meth:`forward`; an array as the first input is taken for a tensor."""
        return self.forward(input if isinstance(input, Tensor) else Tensor(input), *others)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one, by name."""
        yield from ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all modules inside it, by dotted name."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters by dotted name, one that is shared only under its first."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{prefix}.{name}" if prefix else name, value

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once."""
        yield from (parameter for _, parameter in self.named_parameters())

    def train(self, mode: bool = True) -> Self:
        """Set this module and all inside it to training mode (dropout drops)."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set this module and all inside it to evaluation mode (dropout passes everything)."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def to(self, dtype: DTypeLike) -> Self:
        """Convert all parameters to a floating dtype."""
        for parameter in self.parameters():
            parameter.data = parameter.data.astype(dtype)
            parameter.grad = None
        return self

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters by dotted name, in PyTorch's names and layout."""
        return {name: parameter.data.copy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Set all parameters, each keeping its dtype.

        Raises:
            ValueError: if a name is missing or unknown, or a shape differs; nothing is changed then.
        """
        parameters = dict(self.named_parameters())
        mistakes = [f"missing: {name}" for name in parameters if name not in state_dict]
        mistakes += [f"unknown: {name}" for name in state_dict if name not in parameters]
        mistakes += [
            f"{name}: shape {np.shape(state_dict[name])}, expected {parameter.shape}"
            for name, parameter in parameters.items()
            if name in state_dict and np.shape(state_dict[name]) != parameter.shape
        ]
        if mistakes:
            raise ValueError(f"the state dict does not fit {type(self).__name__}:\n  " + "\n  ".join(mistakes))
        for name, parameter in parameters.items():
            np.copyto(parameter.data, state_dict[name])

    def __repr__(self) -> str:
        children = [f"  ({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if children:
            return "\n".join([f"{type(self).__name__}(", *children, ")"])
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"
