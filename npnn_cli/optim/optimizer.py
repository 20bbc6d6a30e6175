"""What all optimizers share: parameter groups, weight decay, and the state of the update rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.optim.packing import ParameterBlock, State, aligned_zeros, pack
from npnn_cli.options import Component, refuse_misfits

__all__ = ["Optimizer", "Options", "Params", "State", "kept", "moving_average"]

Params = Iterable[Tensor] | Iterable[dict[str, Any]]
Options = Mapping[str, Any]


class Optimizer(Component):
    """Changes parameters by their gradients.

    A subclass defines :meth:`update`, the rule. It is run on whole blocks of parameters, see
    :mod:`npnn_cli.optim.packing`. The options are read from the group at every step, so that a scheduler, or a user,
    can change ``param_groups[i]["lr"]`` as in PyTorch. Two options mean the same for all, where a subclass has them:
    ``maximize`` turns the gradient g around, and ``weight_decay`` λ then adds λ·w to it, or, with
    ``decoupled_weight_decay``, shrinks w by the factor 1 - lr·λ instead.
    See https://pytorch.org/docs/stable/optim.html.

    Attributes:
        param_groups: dictionaries of ``params`` (a list) and every option.
        tried: for each option the values whose combinations are proved against PyTorch, one by one.
        counters: the names of those parts of the state that are numbers.

    Raises:
        TypeError: if ``params`` is a lone tensor or nothing iterable, or something in it is no tensor.
        ValueError: if there is no parameter, one is there twice or is no leaf, or an option is out of its range.
    """

    injected: ClassVar[frozenset[str]] = frozenset({"params"})
    tried: ClassVar[Mapping[str, Sequence[Any]]] = {}
    counters: ClassVar[frozenset[str]] = frozenset({"step"})

    def __init__(self, params: Params) -> None:
        if isinstance(params, Tensor):
            raise TypeError(f"{type(self).__name__}: expected an iterable of parameters, got one: put it in a list")
        if not isinstance(params, Iterable):
            raise TypeError(f"{type(self).__name__}: expected an iterable of parameters, got {params!r}")
        entries: list[Any] = list(params)
        if not entries:
            raise ValueError(f"{type(self).__name__}: got no parameters to optimize")
        self.param_groups: list[dict[str, Any]] = []
        self._blocks: list[list[ParameterBlock]] = []
        for group in entries if isinstance(entries[0], dict) else [{"params": entries}]:
            self.add_param_group(group)

    def require(self, **conditions: bool) -> None:
        """Raise a ValueError that names each option whose condition does not hold, or that is infinite."""
        wrong = [
            f"{name}={self.options[name]}"
            for name, holds in conditions.items()
            if not holds or self.options[name] in (math.inf, -math.inf)
        ]
        if wrong:
            raise ValueError(f"{type(self).__name__}: out of range: {', '.join(wrong)}")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more parameters: ``params``, and the options that differ from the optimizer's own.

        Raises:
            TypeError, ValueError: if the group is no dictionary with ``params`` that can be optimized, or an option is
                not what the constructor takes.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(f"{type(self).__name__}: a group must be a dictionary with params, got {param_group!r}")
        refuse_misfits(type(self), param_group)
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(parameter) for group in self.param_groups for parameter in group["params"]}
        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"{type(self).__name__}: params must be tensors, got {type(parameter).__name__}")
            if not parameter.is_leaf:
                raise ValueError(f"{type(self).__name__}: params must be leaves, got a tensor that an op made")
            if id(parameter) in known:
                raise ValueError(f"{type(self).__name__}: a parameter of shape {parameter.shape} is there twice")
            known.add(id(parameter))
        group = {**self.options, **param_group, "params": params}
        self.param_groups.append(group)
        self._blocks.append(pack(params, {p: self.initial_state(p.data, **group) for p in params}))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or set them to 0."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad = np.zeros_like(parameter.grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: computes the gradients first, and returns the loss, which is returned.
        """
        loss = None if closure is None else closure()
        for group, blocks in zip(self.param_groups, self._blocks, strict=True):
            for block in blocks.copy():
                for part in [block] if block.gather_gradients() else _split(block, blocks):
                    self.update(part.weights, _adjusted_gradients(part, group), part.state, group, part.scratch)
                    Tensor.note_change(part.parameters)
        return loss

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Change the weights in place.

        Args:
            w: the weights of many parameters, one after the other.
            g: their gradients, to be read only, and before anything is written to ``scratch``, which may be ``g``.
            state: what the rule keeps, empty at first: arrays like ``w``, and numbers.
            options: the group's.
            scratch: an array like ``w`` for what is computed on the way. It is ``g`` where weight decay or ``maximize``
                have changed the gradients: the fewer arrays a rule goes through, the more of them stay in the cache.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update")

    def initial_state(self, w: Array, **options: Any) -> State:
        """What is kept for a parameter before its first step: nothing, unless a subclass says otherwise."""
        return {}

    @property
    def state(self) -> dict[Tensor, State]:
        """What the rule has kept for each parameter so far. Its arrays are the optimizer's own, not copies."""
        states: dict[Tensor, State] = {}
        for blocks in self._blocks:
            for block in blocks:
                states |= dict(zip(block.parameters, block.states(), strict=True))
        return states

    def state_dict(self) -> dict[str, Any]:
        """A copy of state and options in PyTorch's layout, in which the parameters are numbered over all groups.

        ``{"state": {0: {"exp_avg": array, "step": 3}, ...}, "param_groups": [{"lr": 0.1, ..., "params": [0, ...]}]}``
        """
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        number = {parameter: position for position, parameter in enumerate(parameters)}
        states = self.state
        return {
            "state": {
                number[p]: {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in s.items()}
                for p in parameters
                if (s := states[p])
            },
            "param_groups": [{**group, "params": [number[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options; they may come from PyTorch, whose tensors are read as arrays.

        Raises:
            ValueError: if groups, their sizes or the shape of a state do not fit; nothing is changed then.
            TypeError, ValueError: if an option is not what the constructor takes; nor then.
        """
        saved_groups = state_dict["param_groups"]
        sizes, saved_sizes = (
            [len(group["params"]) for group in groups] for groups in (self.param_groups, saved_groups)
        )
        if sizes != saved_sizes:
            raise ValueError(
                f"{type(self).__name__}: the state dict has parameter groups of {saved_sizes} parameters, "
                f"the optimizer has groups of {sizes}"
            )
        groups, blocks = [], []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            numbers = zip(group["params"], saved["params"], strict=True)
            states = {p: self._state_of(p, state_dict["state"].get(number, {})) for p, number in numbers}
            refuse_misfits(type(self), saved)
            groups.append({**group, **saved, "params": group["params"]})
            blocks.append(states)
        for group, new in zip(self.param_groups, groups, strict=True):
            group.update(new)
        self._blocks = [pack(group["params"], states) for group, states in zip(groups, blocks, strict=True)]

    def _state_of(self, parameter: Tensor, saved: Mapping[str, Any]) -> State:
        state: State = {}
        for name, value in saved.items():
            if name in self.counters:
                state[name] = float(value)
            elif value is not None:  # PyTorch's SGD says None where there is no momentum yet
                state[name] = np.asarray(value).astype(parameter.dtype)
                if state[name].shape != parameter.shape:
                    raise ValueError(
                        f"{type(self).__name__}: the state dict has {name} of shape {state[name].shape} "
                        f"for a parameter of shape {parameter.shape}"
                    )
        return state


def _split(block: ParameterBlock, blocks: list[ParameterBlock]) -> list[ParameterBlock]:
    """Split a block, if some of its parameters have gradients, and return those parts that can be updated.

    From now on, its parameters do not have the same number of steps behind them.
    """
    if all(parameter.grad is None for parameter in block.parameters):
        return []
    position = blocks.index(block)
    blocks[position : position + 1] = parts = block.split()
    return [part for part in parts if part.gather_gradients()]


def _adjusted_gradients(block: ParameterBlock, options: Options) -> Array:
    """The gradients, turned around if they are to be climbed, after weight decay (which may change the weights).

    Returns:
        The block's gradients, or its scratch if anything about them had to be changed.
    """
    g = block.gradients
    weight_decay, maximize = options.get("weight_decay", 0.0), options.get("maximize", False)
    if weight_decay and options.get("decoupled_weight_decay", False):
        block.weights *= 1 - options["lr"] * weight_decay
    elif weight_decay:
        decay = np.multiply(block.weights, weight_decay, out=block.scratch)
        return np.subtract(decay, g, out=decay) if maximize else np.add(decay, g, out=decay)
    return np.negative(g, out=block.scratch) if maximize else g


def kept(state: State, name: str, like: Array) -> Array:
    """The array that is kept under ``name``, zeros (like.size,) at first."""
    if name not in state:
        state[name] = aligned_zeros(like.size, like.dtype)
    array: Array = state[name]
    return array


def moving_average(state: State, name: str, value: Array, beta: float) -> Array:
    """Update the exponential moving average m = β·m + (1-β)·value kept under ``name`` (from 0), and return it.

    ``value`` is spoiled.
    """
    average = kept(state, name, value)
    value *= 1 - beta
    average *= beta
    average += value
    return average
