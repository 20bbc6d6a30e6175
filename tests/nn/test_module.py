"""Modules: names, modes, state dicts, and modules inside modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, functional, nn
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
    module(np.ones((2, 3))).sum().backward()
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
        module(np.ones((1, 3))).sum().backward()
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


class TestSequential:
    def test_is_a_sequence(self):
        modules = [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)]
        sequential = nn.Sequential(*modules)

        assert len(sequential) == 3
        assert list(sequential) == modules
        assert sequential[0] is modules[0]
        assert sequential[-1] is modules[2]

    def test_of_nothing_changes_nothing(self):
        x = Tensor([1.0, 2.0])
        assert nn.Sequential()(x) is x

    def test_inside_another_has_dotted_names(self):
        nested = nn.Sequential(nn.Sequential(nn.Linear(2, 2, bias=False)), nn.Linear(2, 2, bias=False))
        assert list(nested.state_dict()) == ["0.0.weight", "1.weight"]


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


def test_an_mlp_is_its_linear_layers_activations_and_dropouts():
    mlp = nn.MLP(3, [7, 6], 4, activation="Tanh", dropout=0.1)

    assert [type(module).__name__ for module in mlp] == [
        "Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear",
    ]  # fmt: skip
    assert [parameter.shape for parameter in mlp.parameters()] == [(7, 3), (7,), (6, 7), (6,), (4, 6), (4,)]
    assert len(nn.MLP(3, [], 4)) == 1


class TestWhatLayersRefuse:
    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda: nn.Linear(0, 3), "in_features=0"),
            (lambda: nn.Linear(3, -1), "out_features=-1"),
            (lambda: nn.Linear(3), "out_features"),
            (lambda: nn.Conv2d(1, 0, 3), "out_channels=0"),
            (lambda: nn.Conv2d(1, 2, (3, 0)), "kernel_size"),
            (lambda: nn.Conv2d(1, 2, 3, stride=0), "stride=0"),
            (lambda: nn.Conv2d(1, 2, 3, padding=-1), "padding=-1"),
            (lambda: nn.MaxPool2d(0), "kernel_size=0"),
            (lambda: nn.MaxPool2d(2, stride=(1, 0)), "stride"),
            (lambda: nn.Dropout(1.5), "got 1.5"),
            (lambda: nn.Dropout(-0.1), "got -0.1"),
        ],
    )
    def test_at_construction(self, build, message):
        with pytest.raises((TypeError, ValueError), match=message):
            build()

    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            (nn.Linear(3, 2), (5, 4)),
            (nn.Linear(3, 2), ()),
            (nn.Conv2d(3, 2, 3), (1, 2, 5, 5)),
            (nn.Conv2d(3, 2, 3), (5, 3)),
            (nn.Conv2d(3, 2, 3), (1, 3, 2, 5)),
            (nn.MaxPool2d(3), (1, 1, 2, 5)),
            (nn.MaxPool2d(3), (4, 9)),
            (nn.MaxPool2d(3, padding=2), (1, 1, 9, 9)),
            (nn.Flatten(), (5,)),
        ],
    )
    def test_at_call(self, layer, shape):
        with pytest.raises(ValueError, match=type(layer).__name__.lower().replace("maxpool", "max_pool") + r"|Linear"):
            layer(np.zeros(shape))


class TestDropout:
    def test_in_training_the_mean_stays(self):
        layer = nn.Dropout(0.3, rng=np.random.default_rng(0))
        output = layer(np.ones((200, 500))).data

        assert set(np.unique(output)) == {0, 1 / 0.7}
        assert (output == 0).mean() == pytest.approx(0.3, abs=0.005)

    def test_float32_stays_float32(self):
        assert nn.Dropout(0.3)(np.ones(3, np.float32)).dtype == np.float32

    def test_evaluation_passes_everything(self):
        x = Tensor([1.0, 2.0])
        assert nn.Dropout(0.9).eval()(x) is x

    @pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (1.0, 0.0)])
    def test_nothing_or_everything_can_be_dropped(self, p, kept):
        x = Tensor(np.ones(100), requires_grad=True)
        output = nn.Dropout(p)(x)
        output.sum().backward()
        assert np.array_equal(output.data, np.full(100, kept))
        assert np.array_equal(x.grad, output.data)

    def test_two_layers_of_one_generator_drop_differently_and_leave_it_as_it_was(self):
        rng = np.random.default_rng(0)
        before = rng.bit_generator.state
        first, second = (nn.Dropout(0.5, rng=rng)(np.ones(100)).data for _ in range(2))

        assert not np.array_equal(first, second)
        assert rng.bit_generator.state == before

    def test_every_call_drops_anew(self):
        layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
        assert not np.array_equal(layer(np.ones(100)).data, layer(np.ones(100)).data)

    def test_the_draws_are_the_same_for_both_dtypes(self):
        masks = [
            functional.dropout_mask((50,), 0.3, np.random.default_rng(0), dtype) for dtype in (np.float32, np.float64)
        ]
        assert np.array_equal(masks[0] == 0, masks[1] == 0)
