"""Modules: names, modes, state dicts, and modules inside modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli.optim import SGD


class Residual(nn.Module):
    """A module as a user would write one: attributes, a forward, and a weight used twice."""

    def __init__(self, features: int) -> None:
        self.inner = nn.Sequential(nn.Linear(features, 5), nn.Tanh(), nn.Linear(5, features))
        self.scale = nn.Parameter(np.full(features, 0.5))
        self.again = self.inner

    def forward(self, input):
        return input * self.scale + self.again(self.inner(input))


NAMES = ["scale", "inner.0.weight", "inner.0.bias", "inner.2.weight", "inner.2.bias"]


def test_parameters_have_dotted_names_and_a_shared_one_appears_once():
    assert [name for name, _ in Residual(3).named_parameters()] == NAMES
    assert len(list(Residual(3).parameters())) == len(NAMES)


def test_a_shared_layer_gets_the_gradients_of_all_its_uses():
    layer = nn.Linear(3, 3, bias=False)
    x = np.ones((2, 3), np.float32)

    nn.Sequential(layer, layer)(x).sum().backward()
    twice = layer.weight.grad
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    for twin in (first, second):
        twin.load_state_dict(layer.state_dict())
    nn.Sequential(first, second)(x).sum().backward()

    np.testing.assert_allclose(twice, first.weight.grad + second.weight.grad, rtol=1e-6)


def test_modes_reach_all_modules_inside():
    module = Residual(3).eval()
    assert [inner.training for _, inner in module.named_modules()] == [False] * len(list(module.named_modules()))
    assert module.train() is module
    assert module.inner[1].training


def test_zero_grad_reaches_all_parameters():
    module = Residual(3)
    module(np.ones((2, 3), np.float32)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    module.zero_grad()
    assert all(parameter.grad is None for parameter in module.parameters())


def test_to_converts_parameters_and_what_they_compute():
    module = Residual(3).to(np.float64)
    assert {parameter.dtype for parameter in module.parameters()} == {np.dtype(np.float64)}
    assert module(np.ones((2, 3))).dtype == np.float64


class TestStateDict:
    def test_names_and_shapes_are_pytorchs(self):
        ours = nn.Sequential(nn.Conv2d(2, 3, (4, 5)), nn.ReLU(), nn.Flatten(), nn.Linear(7, 6)).state_dict()
        theirs = torch.nn.Sequential(
            torch.nn.Conv2d(2, 3, (4, 5)), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(7, 6)
        ).state_dict()

        assert {name: array.shape for name, array in ours.items()} == {
            name: tuple(tensor.shape) for name, tensor in theirs.items()
        }

    def test_loading_keeps_dtypes_and_the_arrays_themselves(self):
        module = nn.Linear(3, 2)
        optimizer = SGD(module.parameters(), lr=1.0)
        held = module.weight.data

        module.load_state_dict({"weight": np.ones((2, 3)), "bias": [1, 2]})
        module(np.ones((1, 3), np.float32)).sum().backward()
        optimizer.step()

        assert module.weight.data is held
        assert held.dtype == np.float32
        assert held.tolist() == [[0] * 3] * 2
        assert module.bias.data.tolist() == [0, 1]

    def test_all_mistakes_are_told_at_once_and_nothing_is_changed(self):
        module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
        before = module.state_dict()
        state = {**before, "0.weight": np.zeros((3, 2)), "extra": np.zeros(1)}
        del state["1.bias"]

        with pytest.raises(ValueError, match="Sequential") as error:
            module.load_state_dict(state)

        assert "missing: 1.bias" in str(error.value)
        assert "unknown: extra" in str(error.value)
        assert "0.weight: shape (3, 2), expected (2, 3)" in str(error.value)
        assert all(np.array_equal(array, before[name]) for name, array in module.state_dict().items())


def test_repr_shows_the_structure():
    assert repr(nn.Sequential(nn.Linear(3, 4, bias=False), nn.Sequential(nn.ReLU(), nn.Dropout(0.2)))) == (
        "Sequential(\n"
        "  (0): Linear(in_features=3, out_features=4, bias=False, init='kaiming_normal')\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Dropout(p=0.2)\n"
        "  )\n"
        ")"
    )


def test_a_module_without_forward_says_so():
    class Unfinished(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished must define forward"):
        Unfinished()(Tensor(1.0))
