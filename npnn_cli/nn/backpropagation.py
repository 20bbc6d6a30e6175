"""Backpropagation through ops in a row, without a graph.

A graph serves computations of any shape. Where each op is fed with the answer of the one before, and the last is the
loss, a list of them will do: through it forward, and then backward the other way round. The ops are the same as those
that a graph would record, and so are the gradients to the last bit; but noting them and finding the way back takes 5 to
6 % of a step of a small network (784-64-10, batches of 64).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npnn_cli.autograd.graph import free_buffer, is_grad_enabled
from npnn_cli.autograd.ops.primitive import Array, Gradients
from npnn_cli.autograd.refusals import REFUSALS
from npnn_cli.nn.container import Sequential
from npnn_cli.nn.fusion import Step
from npnn_cli.nn.loss import Loss
from npnn_cli.nn.module import Module

Backward = Callable[[], None]


class OpsInARow:
    """The ops of a model and its loss, where each is fed with the answer of the one before.

    Those of the model are looked for when :attr:`Module.replacements` or the shape or dtype of the inputs is another
    than the last time; and in every step as long as a graph is needed. The loss is asked in every step, for its answer
    may depend on anything.

    Args:
        model: in training mode.
        loss: of its outputs.
    """

    def __init__(self, model: Module, loss: Loss) -> None:
        self._model, self._loss = model, loss
        self._found_for: Any = None
        self._row: Sequence[Step] = ()

    def __reduce__(self) -> tuple[type[OpsInARow], tuple[Module, Loss]]:
        """A copy looks anew: another process counts replacements of its own."""
        return type(self), (self._model, self._loss)

    def loss_of(self, inputs: Array, targets: Array) -> tuple[float, Backward] | None:
        """The loss of a batch, and a function that gives every parameter its gradient.

        What overflows in either has NumPy's warnings, unless ``np.errstate`` says otherwise.

        Args:
            inputs: (N, ...).
            targets: of the batch.

        Returns:
            None where a graph is needed: if the loss is no single op; if the model is more than ops in a row, or has
            not been called on such inputs yet, which shows what ops it takes; if a gradient is not to go to the place
            that an optimizer has made for it; or if an op refuses its inputs, which a graph can explain.
        """
        row = self._row_for(inputs)
        places = _places(row)
        if not places or not is_grad_enabled() or "forward" in vars(self._loss):
            self._found_for = None  # the graph may show other ops
            return None
        joints: list[Any] = []
        x = inputs
        try:
            of_loss: Any = self._loss.op_on(targets)
            if of_loss is None:
                return None
            for step in row:
                op: Any = step.op
                x, joint = op(x, *step.arguments)
                joints.append(joint)
            value, derivative, _ = of_loss(x, targets)
        except REFUSALS:
            return None

        def backward() -> None:
            g: Any = derivative(np.asarray(1, value.dtype))
            for step, joint, gradients in zip(reversed(row), reversed(joints), reversed(places), strict=True):
                joint.differentiate(g, gradients)
                for position, parameter, _ in step.links:
                    parameter.grad = gradients[position]
                g = gradients.get(0)

        return float(value), backward

    def _row_for(self, inputs: Array) -> Sequence[Step]:
        sought = Module.replacements, type(self._model), inputs.dtype, inputs.shape
        if sought != self._found_for:
            self._row = _planned_steps(self._model, inputs)
            self._found_for = sought
        return self._row


def _planned_steps(model: Module, inputs: Array) -> list[Step]:
    """The steps in which a Sequential is known to pass such inputs through its layers; none if there is more to it."""
    kind = type(model)
    if not isinstance(model, Sequential) or "forward" in vars(model):
        return []
    if kind.forward is not Sequential.forward or kind.__call__ is not Module.__call__:
        return []
    return model.plans.of(inputs) or []


def _places(row: Sequence[Step]) -> list[Gradients]:
    """For each op, by position, where the gradients of its parameters are to be written.

    Empty if a step is not one op, or if a parameter has no place, or other data than its op was chosen for. A
    parameter that stands twice in the row has a place only once, and gradients that would have to be added.
    """
    places: list[Gradients] = []
    for step in row:
        if step.op is None:
            return []
        gradients: Gradients = {0: None} if places else {}  # the input of the first op needs none
        for position, parameter, data in step.links:
            place = free_buffer(parameter)
            if place is None or parameter.data is not data or not parameter.requires_grad:
                return []
            gradients[position] = place
        places.append(gradients)
    return places
