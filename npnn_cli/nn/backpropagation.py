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
from npnn_cli.autograd.ops.primitive import Array, Gradients, Joint
from npnn_cli.autograd.refusals import REFUSALS
from npnn_cli.nn.container import Sequential
from npnn_cli.nn.fusion import Step, kind_of
from npnn_cli.nn.loss import Loss
from npnn_cli.nn.module import Module

Backward = Callable[[], None]


def loss_in_a_row(model: Module, loss: Loss, inputs: Array, targets: Array) -> tuple[float, Backward] | None:
    """The loss of a batch, and a function that gives every parameter its gradient.

    What overflows in either has NumPy's warnings, unless ``np.errstate`` says otherwise.

    Args:
        model: in training mode.
        loss: of its outputs.
        inputs: (N, ...).
        targets: of the batch.

    Returns:
        None where a graph is needed: if the model is more than ops in a row, or has not been called on such inputs yet,
        which shows what ops it takes; if a gradient is not to go to the place that an optimizer has made for it; or if
        an op refuses its inputs, which a graph can explain.
    """
    row = _ops_in_a_row(model, inputs)
    places = _places(row)
    if not row or places is None or not is_grad_enabled():
        return None
    links = []
    x = inputs
    try:
        for step, gradients in zip(row, places, strict=True):
            assert step.op is not None
            x, *vjps = step.op(x, *[None if parameter is None else parameter.data for parameter in step.parameters])
            joint = vjps[0]
            assert isinstance(joint, Joint)
            links.append((joint, step.parameters, gradients))
        of_loss = loss.op_on(x, targets)
        if of_loss is None:
            return None
        value, *vjps = of_loss(x, targets)
    except REFUSALS:
        return None
    derivative = vjps[0]
    assert callable(derivative)

    def backward() -> None:
        g: Any = derivative(np.asarray(1, value.dtype))
        for joint, parameters, gradients in reversed(links):
            joint.differentiate(g, gradients)
            for position, parameter in enumerate(parameters, start=1):
                if parameter is not None:
                    parameter.grad = gradients[position]
            g = gradients.get(0)

    return float(value), backward


def _ops_in_a_row(model: Module, inputs: Array) -> list[Step]:
    """The steps in which a Sequential passes such inputs through ops; none if there is more to it."""
    if not isinstance(model, Sequential) or type(model).forward is not Sequential.forward or "forward" in vars(model):
        return []
    steps = model.plans.of(inputs) or []
    return steps if all(step.op is not None for step in steps) else []


def _places(row: Sequence[Step]) -> list[Gradients] | None:
    """For each op, by position, where the gradients of its parameters are to be written; None if one has no place.

    Nor has one that is no longer of the shape and dtype for which its op was chosen.
    A parameter that stands twice in the row has a place only once, and gradients that would have to be added.
    """
    places: list[Gradients] = []
    for step in row:
        gradients: Gradients = {0: None} if places else {}
        for position, (parameter, kind) in enumerate(zip(step.parameters, step.kinds, strict=True), start=1):
            if parameter is None:
                continue
            place = free_buffer(parameter) if parameter.requires_grad and kind_of(parameter) == kind else None
            if place is None:
                return None
            gradients[position] = place
        places.append(gradients)
    return places
