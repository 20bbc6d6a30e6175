"""What a backward pass needs cannot be changed before it, or the change is noticed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn, no_grad
from npnn_cli.nn import init
from npnn_cli.optim import SGD
from npnn_cli.registry import optimizers

X = np.array([[1.0, 2.0], [3.0, 4.0]])


class TestResults:
    def test_are_read_only_where_they_are_recorded(self):
        x = Tensor(X, requires_grad=True)
        y = x.exp()

        with pytest.raises(ValueError, match="read-only"):
            y.data[0, 0] = 0
        with pytest.raises(ValueError, match="read-only"):
            y.data += 1
        with pytest.raises(ValueError, match="read-only"):
            y.numpy()[...] = 0
        with pytest.raises(ValueError, match="read-only"):
            y.reshape(4).data[0] = 0
        y.sum().backward()
        assert np.array_equal(x.grad, np.exp(X))

    def test_are_free_where_they_are_not(self):
        x = Tensor(X, requires_grad=True)
        with no_grad():
            y = x.exp()
        z = Tensor(X).exp()
        for result in (y, z):
            result.data[...] = 0

    def test_leave_the_array_of_a_leaf_as_it_is(self):
        x = Tensor(np.array(3.0), requires_grad=True)
        x.transpose(0, -1)  # of a single number, that is the number
        x.data[...] = 2.0

    def test_become_parameters_and_buffers_that_can_be_changed(self):
        result = Tensor(X, requires_grad=True) * 2
        for tensor in (nn.Parameter(result, dtype=np.float64), nn.Buffer(result)):
            tensor.data[...] = 0
        assert np.array_equal(result.data, 2 * X)


def test_an_element_cannot_be_set():
    x = Tensor(X)
    with pytest.raises(TypeError, match="a Tensor's elements cannot be set, for a derivative may need them"):
        x[0, 0] = 1.0


@pytest.mark.parametrize("change", [lambda x: x.__iadd__, lambda x: x.add_, lambda x: x.zero_, lambda x: x.fill_])
def test_there_are_no_in_place_methods(change):
    with pytest.raises(AttributeError):
        change(Tensor(X))


def test_augmented_assignment_makes_a_new_tensor():
    x = Tensor(X.copy(), requires_grad=True)
    y = x
    y += 1
    y *= 2

    y.sum().backward()

    assert y is not x
    assert np.array_equal(x.data, X)
    assert np.array_equal(x.grad, np.full_like(X, 2))


def model():
    return nn.Sequential(nn.Linear(2, 3, rng=np.random.default_rng(0)), nn.Tanh(), nn.Linear(3, 1)).to(np.float64)


def step(network):
    optimizer = SGD(network.parameters(), lr=0.1)
    network(X).sum().backward()
    optimizer.step()


CHANGES = {
    "an optimizer's step": step,
    "load_state_dict": lambda network: network.load_state_dict(network.state_dict()),
    "an initializer": lambda network: init.normal_(network[0].weight),
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)

ALIASES = {
    "itself": lambda leaf: leaf,
    "detached": lambda leaf: leaf.detach(),
    "a view": lambda leaf: leaf.detach().reshape(4).reshape(2, 2),
}


class TestLeaves:
    @every_change
    def test_a_change_between_forward_and_backward_is_noticed(self, change):
        network = model()
        result = network(X).sum()
        change(network)

        with pytest.raises(RuntimeError, match=r"a leaf of shape \(.*\) has been changed in place"):
            result.backward()

    @every_change
    def test_a_change_before_or_after_is_none_of_its_business(self, change):
        network = model()
        change(network)
        result = network(X).sum()
        result.backward()
        change(network)
        network(X).sum().backward()

    def test_pytorch_notices_too(self):
        network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        result = network(torch.tensor(X)).sum()
        network(torch.tensor(X)).sum().backward()
        optimizer.step()

        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            result.backward()

    def test_through_a_view_it_is_noticed(self):
        weight = Tensor(X.copy(), requires_grad=True)
        result = (weight.reshape(4)[1:] ** 2).sum()
        weight.grad = np.ones_like(X)
        SGD([weight], lr=0.1).step()

        with pytest.raises(RuntimeError, match="changed in place"):
            result.backward()

    @pytest.mark.parametrize("change", ["load_state_dict", "an initializer"])
    @pytest.mark.parametrize("between", [nn.Tanh, nn.ReLU])  # the latter is computed at once with its neighbours
    def test_in_a_frozen_network_it_is_noticed(self, between, change):
        network = nn.Sequential(nn.Linear(2, 3), between(), nn.Linear(3, 1)).to(np.float64).requires_grad_(False)
        for _ in range(2):
            x = Tensor(X, requires_grad=True)
            result = network(x).sum()
            CHANGES[change](network)

            with pytest.raises(RuntimeError, match="changed in place"):
                result.backward()

    @pytest.mark.parametrize("requires_grad", [False, True])
    @pytest.mark.parametrize("used", ALIASES.values(), ids=ALIASES)
    @pytest.mark.parametrize("changed", ALIASES.values(), ids=ALIASES)
    def test_under_another_name_it_is_noticed(self, changed, used, requires_grad):
        """As in PyTorch, unless the result is older or younger than the change."""
        for tensor, engine in [(Tensor, init), (torch.tensor, torch.nn.init)]:
            leaf, x = tensor(X.copy(), requires_grad=requires_grad), tensor(X, requires_grad=True)
            constant, other = used(leaf), changed(leaf.detach())
            before = (x * constant).sum()
            engine.constant_(other, 3.0)
            after = (x * constant).sum()

            with pytest.raises(RuntimeError, match=r"changed in place|modified by an inplace operation"):
                before.backward()
            if not requires_grad:
                after.backward()
                assert np.array_equal(x.grad, np.full_like(X, 3))

    def test_only_what_a_derivative_may_need_is_kept_in_memory(self):
        x, weight = Tensor(X), Tensor(X, requires_grad=True)
        loss = weight * x
        results = [x * 2, x.reshape(4) + 1, loss.detach()]
        kept = [weakref.ref(tensor) for tensor in (x, weight, loss)]
        del x, weight, loss
        assert [reference() for reference in kept] == [None] * 3
        assert len(results) == 3

    def test_what_an_optimizer_left_alone_can_still_be_differentiated(self):
        """The heads of two losses are trained one after the other, on one body that nobody trains."""
        body, first, second = model().requires_grad_(False), nn.Linear(1, 1), nn.Linear(1, 1)
        hidden = body(X)
        losses = [head.to(np.float64)(hidden).sum() for head in (first, second)]
        for head, loss in zip((first, second), losses, strict=True):
            optimizer = SGD(head.parameters(), lr=0.1)
            loss.backward()
            optimizer.step()
        assert second.weight.grad is not None

    def test_data_that_are_replaced_leave_a_result_as_it_was(self):
        network = model()
        expected = gradients(network)
        result = network(X).sum()
        for parameter in network.parameters():
            parameter.data = parameter.data + 1
        result.backward()
        assert all(np.array_equal(p.grad, e) for p, e in zip(network.parameters(), expected, strict=True))

    @pytest.mark.parametrize("entry", optimizers.values(), ids=list(optimizers))
    def test_every_optimizer_tells_of_its_steps(self, entry):
        used, other = (Tensor(X.copy(), requires_grad=True) for _ in range(2))
        optimizer = entry.component([used, other], lr=0.1)
        results = [(weight * weight).sum() for weight in (used, other)]
        used.grad = np.ones_like(X)
        optimizer.step()

        with pytest.raises(RuntimeError, match="changed in place"):
            results[0].backward()
        results[1].backward()  # had no gradient, and was not changed


def gradients(network):
    network.zero_grad()
    network(X).sum().backward()
    found = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()
    return found


def test_running_statistics_that_move_leave_an_earlier_result_as_it_was():
    layer = nn.BatchNorm1d(2).to(np.float64)
    layer(X * 3)
    x = Tensor(X, requires_grad=True)
    layer.eval()(x).sum().backward()
    expected, x.grad = x.grad, None

    result = layer(x).sum()
    layer.train()(X * 100)
    result.backward()

    assert np.array_equal(x.grad, expected)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_can_be_differentiated(duplicate):
    network = model()
    twin = duplicate(network)
    assert all(np.array_equal(a, b) for a, b in zip(gradients(twin), gradients(network), strict=True))
    assert [type(buffer) for buffer in duplicate(nn.BatchNorm1d(2)).buffers()] == [nn.Buffer] * 3


def test_what_another_process_made_can_be_differentiated(tmp_path):
    for _ in range(1000):  # so that the numbers of this process are ahead
        network = model()
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(network))
    program = (
        "import pickle, sys; import numpy, npnn_cli.nn; network = pickle.load(open(sys.argv[1], 'rb'))\n"
        "network(numpy.ones((1, 2))).sum().backward(); print(network[0].weight.grad is not None)"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "model.pkl")]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == "True\n"
