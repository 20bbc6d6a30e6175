"""Every example of every registered optimizer, and steps of them, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import nn
from npnn_cli.registry import optimizers
from npnn_cli.torch_reference.counterparts import to_torch, torch_optimizer

EXAMPLES = [
    pytest.param(entry, example, id=f"{entry.name} {number}")
    for entry in optimizers.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize(("entry", "example"), EXAMPLES)

# No two are alike: matrices in both memory orders, more and fewer dimensions, a single number.
SHAPES = [(3, 2), (2, 4), (2, 1, 3, 2), (5,), ()]


def parameters(dtype=np.float64) -> list[nn.Parameter]:
    rng = np.random.default_rng(0)
    arrays = [np.asarray(rng.standard_normal(shape)) for shape in SHAPES]
    arrays[1] = np.asfortranarray(arrays[1])
    return [nn.Parameter(array, dtype=dtype) for array in arrays]


def set_gradients(params, step):
    """Give every parameter a gradient, the same for the same step."""
    rng = np.random.default_rng(step)
    for parameter in params:
        parameter.grad = np.asarray(rng.standard_normal(parameter.shape), parameter.dtype)


def train(optimizer, params, steps):
    for step in steps:
        set_gradients(params, step)
        optimizer.step()


def beside_torch(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    theirs = [to_torch(parameter.data, requires_grad=True) for parameter in params]
    return params, optimizer, theirs, torch_optimizer(optimizer, theirs)


def step_both(params, optimizer, theirs, their_optimizer, step, missing=()):
    set_gradients(params, step)
    for position, (parameter, tensor) in enumerate(zip(params, theirs, strict=True)):
        if position in missing:
            parameter.grad = None
        tensor.grad = None if parameter.grad is None else to_torch(parameter.grad)
    optimizer.step()
    their_optimizer.step()


def in_torch(state_dict):
    """The state dict with tensors in it."""
    states = {
        number: {name: to_torch(np.asarray(value, np.float64)) for name, value in state.items()}
        for number, state in state_dict["state"].items()
    }
    return {"state": states, "param_groups": state_dict["param_groups"]}


def assert_equal(params, theirs, atol=1e-12):
    for parameter, tensor in zip(params, theirs, strict=True):
        np.testing.assert_allclose(parameter.data, tensor.detach().numpy(), rtol=1e-11, atol=atol)
