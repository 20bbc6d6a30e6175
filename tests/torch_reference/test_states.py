"""State dicts go to PyTorch and back, strictly, and mean the same there: every layer and loss, on all its examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, no_grad
from npnn_cli.nn import Module
from npnn_cli.registry import layers, losses
from npnn_cli.torch_reference.counterparts import torch_module

EXAMPLES = [
    pytest.param(entry, example, id=f"{entry.name} {number}")
    for kind in (layers, losses)
    for entry in kind.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize(("entry", "example"), EXAMPLES)
# PyTorch tells that it may come to understand signals (N, C, L) otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:dropout2d")


def draw(example, seed) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(draw_input(rng)) for draw_input in example.inputs]


def trained(entry, example, seed) -> Module:
    """The component as it might be in the middle of a training: no weight is 0, no statistic at its start."""
    module: Module = entry.build(**example.options, rng=np.random.default_rng(seed)).to(np.float64)
    rng = np.random.default_rng(seed + 10)
    for parameter in module.parameters():
        parameter.data[...] = rng.normal(0, 0.5, parameter.shape)
    with no_grad():
        module(*draw(example, seed + 20))
    return module.eval()


def ours(module, example):
    with no_grad():
        return module(*(Tensor(array) for array in draw(example, 0))).data


def theirs(module, example):
    with torch.no_grad():
        return module(*(torch.tensor(array) for array in draw(example, 0))).numpy()


@every_example
def test_there_they_give_the_same_outputs(entry, example):
    module = trained(entry, example, 1)
    counterpart = torch_module(trained(entry, example, 2))

    state = {name: torch.tensor(array) for name, array in module.state_dict().items()}
    assert str(counterpart.load_state_dict(state, strict=True)) == "<All keys matched successfully>"
    np.testing.assert_allclose(theirs(counterpart, example), ours(module, example), rtol=0, atol=1e-12)


@every_example
def test_from_there_they_give_the_same_outputs(entry, example):
    counterpart = torch_module(trained(entry, example, 1))
    module = trained(entry, example, 2)

    keys = module.load_state_dict({name: tensor.numpy() for name, tensor in counterpart.state_dict().items()})
    assert keys == ([], [])
    np.testing.assert_allclose(ours(module, example), theirs(counterpart, example), rtol=0, atol=1e-12)


@every_example
def test_names_order_shapes_and_dtypes_are_the_same(entry, example):
    module = trained(entry, example, 1)
    counterpart = torch_module(module)

    expected = [(name, tuple(t.shape), t.numpy().dtype) for name, t in counterpart.state_dict().items()]
    assert [(name, array.shape, array.dtype) for name, array in module.state_dict().items()] == expected
