"""What all optimizers share: parameter groups, and the state kept per parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.registry import Component

State = dict[str, Any]


class Optimizer(Component):
    """Changes parameters by their gradients.

    A subclass defines :meth:`update`, the rule for one parameter. Its options are read from the parameter's group at
    every step, so that a scheduler, or a user, can change ``param_groups[i]["lr"]`` as in PyTorch.

    Attributes:
        param_groups: dictionaries of ``params`` (a list) and every option.
        state: what the rule keeps for each parameter, by the parameter.

    Raises:
        TypeError: if ``params`` is a lone tensor.
        ValueError: if there is no parameter, or an option is out of its range.
    """

    injected: ClassVar[frozenset[str]] = frozenset({"params"})

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(f"{type(self).__name__}: expected an iterable of parameters, got one: put it in a list")
        entries: list[Any] = list(params)
        if not entries:
            raise ValueError(f"{type(self).__name__}: got no parameters to optimize")
        groups = entries if isinstance(entries[0], dict) else [{"params": entries}]
        self.param_groups: list[dict[str, Any]] = [
            {**self.options, **group, "params": list(group["params"])} for group in groups
        ]
        self.state: dict[Tensor, State] = {p: {} for group in self.param_groups for p in group["params"]}

    def require(self, **conditions: bool) -> None:
        """Raise a ValueError that names each option whose condition does not hold."""
        wrong = [f"{name}={self.options[name]}" for name, holds in conditions.items() if not holds]
        if wrong:
            raise ValueError(f"{type(self).__name__}: out of range: {', '.join(wrong)}")

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.state:
            parameter.zero_grad()

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.update(parameter.data, parameter.grad, self.state[parameter], **group)

    def update(self, w: Array, g: Array, state: State, **options: Any) -> None:
        """Change the weights ``w`` in place by the gradient ``g``."""
        raise NotImplementedError(f"{type(self).__name__} must define update")


def moving_average(state: State, name: str, value: Array, beta: float) -> Array:
    """Update the exponential moving average m = β·m + (1-β)·value kept under ``name`` (from 0), and return it."""
    average: Array = state.setdefault(name, np.zeros_like(value))
    average *= beta
    average += (1 - beta) * value
    return average
