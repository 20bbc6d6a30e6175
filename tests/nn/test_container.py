"""Modules made of other modules: lists, rows, and rows with their input added."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli.torch_reference.counterparts import torch_module

LISTS = [nn.ModuleList, lambda modules: nn.Sequential(*modules)]
every_list = pytest.mark.parametrize("make", LISTS, ids=["ModuleList", "Sequential"])


def three():
    return [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)]


@every_list
class TestLists:
    def test_are_sequences(self, make):
        modules = three()
        row = make(modules)

        assert len(row) == 3
        assert list(row) == modules
        assert row[0] is modules[0]
        assert row[-1] is modules[2]
        with pytest.raises(IndexError):
            row[3]

    def test_a_slice_is_of_the_same_kind_and_shares_the_modules(self, make):
        row = make(three())
        part = row[1:]

        assert type(part) is type(row)
        assert list(part) == [row[1], row[2]]
        assert list(part.state_dict()) == ["1.weight", "1.bias"]

    def test_modules_are_added_and_taken_out_as_of_a_list(self, make):
        linear, relu, last = three()
        row = make([linear])

        assert row.append(last) is row
        assert row.insert(1, relu) is row
        assert list(row.extend([nn.Tanh()]))[:3] == [linear, relu, last]
        assert list(row.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
        row[1] = nn.Sigmoid()
        del row[-1]
        assert [type(module).__name__ for module in row] == ["Linear", "Sigmoid", "Linear"]
        del row[1:]
        assert list(row) == [linear]

    @pytest.mark.parametrize("wrong", ["ReLU", nn.ReLU, None, [nn.ReLU()]])
    def test_what_is_no_module_is_refused(self, make, wrong):
        row = make(three())
        for add in (row.append, lambda module: row.insert(0, module), lambda module: row.__setitem__(0, module)):
            with pytest.raises(TypeError, match=f"{type(row).__name__}: expected a module, got "):
                add(wrong)
        with pytest.raises(TypeError, match="expected a module"):
            make([wrong])
        assert len(row) == 3


def test_a_list_of_modules_names_them_and_computes_nothing():
    class Towers(nn.Module):
        def __init__(self):
            self.towers = nn.ModuleList(nn.Linear(2, 1, bias=False) for _ in range(2))

        def forward(self, input):
            return self.towers[0](input) + self.towers[1](input)

    towers = Towers()
    assert list(towers.state_dict()) == ["towers.0.weight", "towers.1.weight"]
    towers(np.ones((3, 2), np.float32)).sum().backward()
    assert all(parameter.grad is not None for parameter in towers.parameters())
    with pytest.raises(NotImplementedError, match="ModuleList must define forward"):
        towers.towers(np.ones((3, 2)))


class TestSequential:
    def test_of_nothing_changes_nothing(self):
        x = Tensor([1.0, 2.0])
        assert nn.Sequential()(x) is x

    def test_inside_another_has_dotted_names(self):
        nested = nn.Sequential(nn.Sequential(nn.Linear(2, 2, bias=False)), nn.Linear(2, 2, bias=False))
        assert list(nested.state_dict()) == ["0.0.weight", "1.weight"]

    def test_what_is_added_later_is_computed_and_has_a_counterpart(self):
        row = nn.Sequential(nn.Linear(3, 4)).append(nn.Tanh())
        x = np.ones((2, 3), np.float32)

        assert np.array_equal(row(x).data, row[0](x).tanh().data)
        np.testing.assert_allclose(torch_module(row)(torch.tensor(x)).detach().numpy(), row(x).data, rtol=1e-6)


class TestResidual:
    def test_adds_the_input_to_what_the_layers_make_of_it(self):
        inner = nn.Linear(3, 3)
        x = Tensor(np.ones((2, 3), np.float32))

        assert np.array_equal(nn.Residual([inner, nn.Tanh()])(x).data, (inner(x).tanh() + x).data)

    def test_or_to_what_the_projection_makes_of_it(self):
        inner, projection = nn.Linear(3, 4), nn.Linear(3, 4)
        x = Tensor(np.ones((2, 3), np.float32))

        assert np.array_equal(nn.Residual([inner], projection)(x).data, (inner(x) + projection(x)).data)
        assert list(nn.Residual([inner], projection).state_dict()) == [
            "layers.0.weight", "layers.0.bias", "projection.weight", "projection.bias",
        ]  # fmt: skip

    def test_nothing_is_stretched_to_fit(self):
        x = np.ones((2, 3), np.float32)
        with pytest.raises(ValueError, match=r"the layers give the shape \(2, 1\), but the input has \(2, 3\): add"):
            nn.Residual([nn.Linear(3, 1)])(x)
        with pytest.raises(ValueError, match=r"\(2, 1\), but the projection has \(2, 4\): change it"):
            nn.Residual([nn.Linear(3, 1)], nn.Linear(3, 4))(x)

    def test_needs_layers(self):
        with pytest.raises(ValueError, match="Residual: needs at least one layer"):
            nn.Residual([])
        with pytest.raises(TypeError, match="expected a module, got 'ReLU'"):
            nn.Residual(["ReLU"])
        with pytest.raises(TypeError, match="Residual: projection must be a module, got 'ReLU'"):
            nn.Residual([nn.ReLU()], "ReLU")


class TestMLP:
    def test_is_its_linear_layers_activations_and_dropouts(self):
        mlp = nn.MLP(3, [7, 6], 4, activation="Tanh", dropout=0.1)

        assert [type(module).__name__ for module in mlp] == [
            "Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear",
        ]  # fmt: skip
        assert [parameter.shape for parameter in mlp.parameters()] == [(7, 3), (7,), (6, 7), (6,), (4, 6), (4,)]
        assert len(nn.MLP(3, [], 4)) == 1

    def test_an_activation_can_have_options_and_each_layer_has_its_own(self):
        mlp = nn.MLP(3, [7, 6], 4, activation={"type": "PReLU", "init": 0.1})

        assert mlp[1].weight.data.tolist() == pytest.approx([0.1])
        assert mlp[1] is not mlp[3]
