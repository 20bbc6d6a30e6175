"""What all optimizers share: parameter groups, and the state of the update rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.optim.packing import ParameterBlock, State, pack
from npnn_cli.registry import Component

__all__ = ["Optimizer", "State", "moving_average"]


class Optimizer(Component):
    """Changes parameters by their gradients.

    A subclass defines :meth:`update`, the rule. It is run on whole blocks of parameters, see
    :mod:`npnn_cli.optim.packing`. The options are read from the group at every step, so that a scheduler, or a user,
    can change ``param_groups[i]["lr"]`` as in PyTorch.

    Attributes:
        param_groups: dictionaries of ``params`` (a list) and every option.

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
        self._blocks = [pack(group["params"]) for group in self.param_groups]

    def require(self, **conditions: bool) -> None:
        """Raise a ValueError that names each option whose condition does not hold."""
        wrong = [f"{name}={self.options[name]}" for name, holds in conditions.items() if not holds]
        if wrong:
            raise ValueError(f"{type(self).__name__}: out of range: {', '.join(wrong)}")

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for position, group in enumerate(self.param_groups):
            self._blocks[position] = list(_usable(self._blocks[position]))
            for block in self._blocks[position]:
                if block.parameters[0].grad is not None:
                    block.gather_gradients()
                    self.update(block.weights, block.gradients, block.state, **group)

    def update(self, w: Array, g: Array, state: State, **options: Any) -> None:
        """Change the weights ``w`` in place by the gradient ``g``, which may be spoiled; both are one-dimensional."""
        raise NotImplementedError(f"{type(self).__name__} must define update")


def _usable(blocks: Iterable[ParameterBlock]) -> Iterator[ParameterBlock]:
    """The blocks; those are split up whose parameters do not all have a gradient, or whose data were replaced."""
    for block in blocks:
        have_gradient = [parameter.grad is not None for parameter in block.parameters]
        if block.is_packed() and (all(have_gradient) or not any(have_gradient)):
            yield block
        else:
            yield from block.split()


def moving_average(state: State, name: str, value: Array, beta: float) -> Array:
    """Update the exponential moving average m = β·m + (1-β)·value kept under ``name`` (from 0), and return it."""
    if name not in state:
        state[name] = np.zeros_like(value)
    average: Array = state[name]
    average *= beta
    average += (1 - beta) * value
    return average
