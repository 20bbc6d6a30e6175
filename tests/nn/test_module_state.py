"""What a module holds beside its parameters: buffers, shared parts, frozen parts; and its state on the way."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from npnn_cli import EarlyStopping, Tensor, nn
from npnn_cli.optim import SGD
from npnn_cli.torch_reference.counterparts import torch_module
from npnn_cli.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint


class Counter(nn.Module):
    """A module with a buffer of each kind, a parameter, and a sub-module under two names."""

    def __init__(self) -> None:
        self.inner = nn.Linear(2, 2)
        self.weight = nn.Parameter([1.0, 2.0])
        self.total = nn.Buffer(np.zeros(2))
        self.register_buffer("calls", np.array(0))
        self.register_buffer("cache", [0.0], persistent=False)
        self.register_buffer("absent", None)
        self.again = self.inner


def test_buffers_have_names_and_parameters_are_no_buffers():
    assert [name for name, _ in nn.Sequential(Counter()).named_buffers()] == ["0.total", "0.calls", "0.cache"]
    assert [name for name, _ in Counter().named_parameters()] == ["weight", "inner.weight", "inner.bias"]
    assert [name for name, _ in Counter().named_parameters("up", recurse=False)] == ["up.weight"]
    assert len(list(nn.Sequential(Counter()).buffers(recurse=False))) == 0


def test_a_state_dict_has_persistent_buffers_and_every_name_of_what_is_shared():
    assert list(Counter().state_dict()) == [
        "weight", "total", "calls", "inner.weight", "inner.bias", "again.weight", "again.bias",
    ]  # fmt: skip


class TorchCounter(torch.nn.Module):
    """The same in PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(2, 2)
        self.weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        self.register_buffer("total", torch.zeros(2))
        self.register_buffer("calls", torch.tensor(0))
        self.register_buffer("cache", torch.zeros(1), persistent=False)
        self.register_buffer("absent", None)
        self.again = self.inner


@pytest.mark.parametrize("remove_duplicate", [{}, {"remove_duplicate": False}])
@pytest.mark.parametrize("walk", ["named_parameters", "named_buffers", "named_modules", "named_children"])
def test_names_and_their_order_are_pytorchs(walk, remove_duplicate):
    options = {} if walk == "named_children" else remove_duplicate
    for ours, theirs in (
        (Counter(), TorchCounter()),
        (nn.Sequential(Counter(), nn.ReLU()), torch.nn.Sequential(TorchCounter(), torch.nn.ReLU())),
    ):
        expected = [name for name, _ in getattr(theirs, walk)(**options)]
        assert [name for name, _ in getattr(ours, walk)(**options)] == expected
        assert list(ours.state_dict()) == list(theirs.state_dict())


def test_parts_are_found_by_their_dotted_names():
    model = nn.Sequential(Counter())
    assert model.get_submodule("") is model
    assert model.get_submodule("0.again") is model[0].inner
    assert model.get_parameter("0.again.weight") is model[0].inner.weight
    assert model.get_buffer("0.total") is model[0].total
    for find, name in ((model.get_submodule, "0.iner"), (model.get_parameter, "0.total"), (model.get_buffer, "0.totl")):
        with pytest.raises(AttributeError, match=rf"Sequential has no \w+ '{name}'"):
            find(name)


def test_parts_are_registered_by_name_and_must_be_what_they_are_called():
    module = nn.Module()
    module.register_module("inner", nn.Linear(2, 1))
    module.add_module("other", nn.ReLU())
    module.register_parameter("scale", nn.Parameter([1.0]))
    module.register_parameter("bias", None)

    assert [name for name, _ in module.named_modules()] == ["", "inner", "other"]
    assert [name for name, _ in module.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    assert module.bias is None
    with pytest.raises(TypeError, match="Module: x must be a Parameter or None, got Tensor"):
        module.register_parameter("x", Tensor([1.0]))
    with pytest.raises(TypeError, match="x must be a Module or None, got 'ReLU'"):
        module.add_module("x", "ReLU")
    for name in ("", "a.b"):
        with pytest.raises(KeyError, match=r"must not be empty or hold a '\.'"):
            module.register_parameter(name, None)


def test_what_is_in_the_brackets_can_be_said_by_a_subclass():
    class Scale(nn.Module):
        def extra_repr(self):
            return "by two"

    assert repr(nn.Sequential(Scale())) == "Sequential(\n  (0): Scale(by two)\n)"


def test_arguments_of_forward_can_be_given_by_name():
    class Masked(nn.Module):
        def forward(self, input, other, *, mask=1):
            return (input + other) * mask

    assert Masked()([1.0], 2.0, mask=3).data.tolist() == [9.0]


def test_gradients_can_be_set_to_zero_or_forgotten():
    layer = nn.Linear(2, 1)
    layer(np.ones((1, 2), np.float32)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0, 0]]
    layer.zero_grad()
    assert layer.weight.grad is None
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad is None


def test_shared_modules_are_counted_once_unless_asked_otherwise():
    module = Counter()
    assert [name for name, _ in module.named_modules()] == ["", "inner"]
    assert [name for name, _ in module.named_modules(remove_duplicate=False)] == ["", "inner", "again"]
    assert list(module.modules()) == [module, module.inner]
    assert len(list(module.parameters())) == 3
    assert len(list(module.named_parameters(remove_duplicate=False))) == 5


def test_to_converts_floating_buffers_alone():
    module = Counter().to(np.float32)
    assert (module.total.dtype, module.calls.dtype) == (np.float32, np.array(0).dtype)


def test_what_is_set_in_place_of_a_buffer_is_one():
    module = Counter()
    module.cache = module.cache + 1
    module.total = module.total * 0.9 + Tensor(np.ones(2))

    assert isinstance(module.total, nn.Buffer)
    assert module.state_dict()["total"].tolist() == [1, 1]
    assert "cache" not in module.state_dict()


def test_a_plain_tensor_in_place_of_a_parameter_is_refused():
    module = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"Linear.weight is a parameter: set a Parameter"):
        module.weight = Tensor(np.ones((2, 2)))
    module.weight = nn.Parameter(np.ones((2, 2)))
    module.bias = None
    assert list(module.state_dict()) == ["weight"]


def test_loading_without_strict_sets_what_is_in_common_and_names_the_rest():
    module = nn.Linear(2, 1)
    keys = module.load_state_dict({"weight": np.ones((1, 2)), "extra": np.zeros(1)}, strict=False)

    assert keys == (["bias"], ["extra"])
    assert module.weight.data.tolist() == [[1, 1]]
    with pytest.raises(ValueError, match=r"weight: shape \(2, 1\), expected \(1, 2\)"):
        module.load_state_dict({"weight": np.ones((2, 1))}, strict=False)


def test_fractions_are_refused_where_whole_numbers_are_kept():
    layer = nn.BatchNorm1d(2)
    with pytest.raises(ValueError, match="num_batches_tracked: float64 elements, expected int64"):
        layer.load_state_dict({**layer.state_dict(), "num_batches_tracked": np.array(0.5)})


def test_frozen_parameters_get_no_gradient_and_stay():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    assert model[0].requires_grad_(False) is model[0]
    before, optimizer = model.state_dict(), SGD(model.parameters(), lr=1.0)

    model(np.ones((2, 3), np.float32)).sum().backward()
    optimizer.step()

    after = model.state_dict()
    assert model[0].weight.grad is None
    assert [np.array_equal(before[name], after[name]) for name in before] == [True, True, False, False]
    assert all(parameter.requires_grad for parameter in model.requires_grad_().parameters())


def test_apply_reaches_the_inner_modules_first():
    names = []
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    assert model.apply(lambda module: names.append(type(module).__name__)) is model
    assert names == ["Linear", "ReLU", "Sequential", "Sequential"]

    shared = []
    Counter().apply(lambda module: shared.append(type(module).__name__))
    assert shared == ["Linear", "Counter"]


def trained_batchnorm(seed=0):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.BatchNorm1d(12))
    rng = np.random.default_rng(seed)
    for _ in range(3):
        model(rng.normal(1, 2, (5, 2, 4, 4)).astype(np.float32))
    return model.eval()


X = np.random.default_rng(1).standard_normal((4, 2, 4, 4)).astype(np.float32)


def test_a_checkpoint_keeps_the_buffers(tmp_path):
    model = trained_batchnorm()
    save_checkpoint(tmp_path / "best.npz", Checkpoint(model.state_dict()))

    restored = trained_batchnorm(seed=2)
    restored.load_state_dict(load_checkpoint(tmp_path / "best.npz").weights)

    assert np.array_equal(restored(X).data, model(X).data)
    assert restored[1].num_batches_tracked.item() == 3


def test_early_stopping_restores_the_buffers_with_the_weights():
    model, stopper = trained_batchnorm(), EarlyStopping(patience=1)
    expected = model(X).data
    stopper(1.0, model)
    model.train()(X + 5)
    assert not np.array_equal(model.eval()(X).data, expected)

    assert stopper(2.0, model)
    assert np.array_equal(model(X).data, expected)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_has_buffers_of_its_own(duplicate):
    model = trained_batchnorm()
    twin = duplicate(model)
    model[1].running_mean.data += 1

    assert isinstance(twin[1].running_mean, nn.Buffer)
    assert not np.shares_memory(twin[1].running_mean.data, model[1].running_mean.data)
    assert list(twin.state_dict()) == list(model.state_dict())


def test_a_state_goes_to_pytorch_and_back_strictly():
    model = trained_batchnorm()
    counterpart = torch_module(model)
    with torch.no_grad():
        np.testing.assert_allclose(counterpart(torch.tensor(X)).numpy(), model(X).data, rtol=1e-4, atol=1e-5)

    back = trained_batchnorm(seed=2)
    back.load_state_dict({name: tensor.numpy() for name, tensor in counterpart.state_dict().items()})
    assert np.array_equal(back(X).data, model(X).data)
