"""The functional face: PyTorch's names and signatures."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, functional
from npnn_cli.registry import functions, ops
from npnn_cli.torch_reference.counterparts import torch_function

X = np.arange(1.0, 7.0).reshape(2, 3)

# An op with a reference has no namesake in PyTorch: it is a part of something else.
NAMESAKES = [entry for entry in (*ops.values(), *functions.values()) if entry.reference is None]


@pytest.mark.parametrize("entry", NAMESAKES, ids=lambda entry: entry.name)
def test_every_op_and_function_is_here_under_its_name(entry):
    function = getattr(functional, entry.name)

    assert function.__doc__ == entry.component.__doc__
    assert callable(torch_function(entry))


@pytest.mark.parametrize("name", [name for name in dir(functional) if hasattr(torch.Tensor, name)])
def test_what_is_a_method_in_pytorch_is_one_here(name):
    if not name.startswith("_"):
        assert callable(getattr(Tensor, name))


@pytest.mark.parametrize("entry", [entry for entry in NAMESAKES if entry.call is None], ids=lambda entry: entry.name)
def test_arguments_are_called_what_they_are_in_pytorch_and_may_be_arrays(entry):
    function = getattr(functional, entry.name)
    theirs = getattr(torch.nn.functional, entry.name, getattr(torch, entry.name, None))
    names = list(inspect.signature(function).parameters)
    for example in entry.examples:
        if theirs is None or (entry.name in ("max", "min") and len(example.inputs) == 2):
            continue  # methods of PyTorch's; extremes of two tensors, of which one stands for dim
        inputs = [np.asarray(draw(np.random.default_rng(0))) for draw in example.inputs]
        named = dict(zip(names, inputs, strict=False))
        answers, expected = function(**named, **example.options), theirs(**torch_arguments(named | example.options))
        if not isinstance(answers, tuple):
            answers, expected = (answers,), (expected,)
        for answer, theirs_answer in zip(answers, expected, strict=True):
            assert type(answer) is Tensor
            np.testing.assert_allclose(answer.data, theirs_answer.numpy(), rtol=1e-12, atol=1e-12)


def torch_arguments(named):
    return {name: torch.tensor(value) if isinstance(value, np.ndarray) else value for name, value in named.items()}


def test_signatures_are_the_ops_with_names_for_the_inputs():
    parameters = inspect.signature(functional.conv2d).parameters

    assert list(parameters) == ["input", "weight", "bias", "stride", "padding", "dilation", "groups"]
    assert all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters.values())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda F, x: F.sum(x, 1), lambda F, x: torch.sum(x, 1)),
        (lambda F, x: F.sum(x, 1, True), lambda F, x: torch.sum(x, 1, True)),
        (lambda F, x: F.sum(x, dim=(0, 1)), lambda F, x: torch.sum(x, dim=(0, 1))),
        (lambda F, x: F.mean(x, 0, keepdim=True), lambda F, x: torch.mean(x, 0, keepdim=True)),
        (lambda F, x: F.mean(x, axis=0, keepdims=True), lambda F, x: torch.mean(x, axis=0, keepdims=True)),
        (lambda F, x: F.amax(x, -1), lambda F, x: torch.amax(x, -1)),
        (lambda F, x: F.log_softmax(x, 1), lambda F, x: F.log_softmax(x, 1)),
        (lambda F, x: F.transpose(x, 0, 1), lambda F, x: torch.transpose(x, 0, 1)),
        (lambda F, x: F.reshape(x, (3, 2)), lambda F, x: torch.reshape(x, (3, 2))),
        (lambda F, x: F.flatten(x), lambda F, x: torch.flatten(x)),
        (lambda F, x: F.pow(x, 2), lambda F, x: torch.pow(x, 2)),
        (lambda F, x: F.pow(2, x), lambda F, x: torch.pow(2, x)),
        (lambda F, x: F.add(x, 1), lambda F, x: torch.add(x, 1)),
        (lambda F, x: F.linear(x, x), lambda F, x: F.linear(x, x)),
        (lambda F, x: F.linear(x, x, x[:, 0]), lambda F, x: F.linear(x, x, x[:, 0])),
        (lambda F, x: F.linear(x, x, bias=x[:, 0]), lambda F, x: F.linear(x, x, bias=x[:, 0])),
        (
            lambda F, x: F.max_pool2d(x.reshape(1, 1, 2, 3), 2, 1),
            lambda F, x: F.max_pool2d(x.reshape(1, 1, 2, 3), 2, 1),
        ),
        (
            lambda F, x: F.conv2d(x.reshape(1, 1, 2, 3), x.reshape(2, 1, 1, 3), None, 1, (1, 0)),
            lambda F, x: F.conv2d(x.reshape(1, 1, 2, 3), x.reshape(2, 1, 1, 3), None, 1, (1, 0)),
        ),
        (
            lambda F, x: F.mse_loss(x, X * 2, reduction="sum"),
            lambda F, x: F.mse_loss(x, torch.tensor(X * 2), reduction="sum"),
        ),
        (lambda F, x: F.l1_loss(x, X * 2), lambda F, x: F.l1_loss(x, torch.tensor(X * 2))),
        (
            lambda F, x: F.cross_entropy(x, np.array([2, 0]), label_smoothing=0.2),
            lambda F, x: F.cross_entropy(x, torch.tensor([2, 0]), label_smoothing=0.2),
        ),
        (
            lambda F, x: F.cross_entropy(x, np.array([2, 0]), reduction="none"),
            lambda F, x: F.cross_entropy(x, torch.tensor([2, 0]), reduction="none"),
        ),
    ],
)
def test_calls_read_as_in_pytorch(ours, theirs):
    our_x, their_x = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    answer, expected = ours(functional, our_x), theirs(torch.nn.functional, their_x)
    upstream = np.cos(np.arange(expected.numel())).reshape(tuple(expected.shape))
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    np.testing.assert_allclose(answer.data, expected.detach().numpy(), rtol=1e-14)
    np.testing.assert_allclose(our_x.grad, their_x.grad.numpy(), rtol=1e-13, atol=1e-14)


def test_arrays_are_as_good_as_tensors():
    assert np.allclose(functional.exp(X).data, np.exp(X))
    assert functional.matmul(X, Tensor(X.T)).shape == (2, 2)


@pytest.mark.parametrize(
    "call",
    [lambda: functional.sum(X, 0, False, 1), lambda: functional.exp(X, colour="red"), lambda: functional.reshape(X)],
)
def test_a_wrong_call_is_refused(call):
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize("loss", [functional.mse_loss, functional.l1_loss])
def test_a_target_that_would_broadcast_is_refused(loss):
    with pytest.raises(ValueError, match=r"input has shape \(4, 1\), target \(4,\); they must be equal"):
        loss(Tensor(np.zeros((4, 1))), np.zeros(4))


@pytest.mark.parametrize("training", [True, False])
def test_dropout(training):
    x = Tensor(np.ones((40, 50)), requires_grad=True)

    output = functional.dropout(x, 0.25, training, rng=np.random.default_rng(0))
    output.sum().backward()

    assert set(np.unique(output.data)) == ({0, 1 / 0.75} if training else {1})
    assert np.array_equal(x.grad, output.data)


@pytest.mark.parametrize(("name", "shape"), [("dropout", (2, 3)), ("dropout2d", (1, 2, 3))])
def test_dropout_takes_a_probability(name, shape):
    with pytest.raises(ValueError, match=f"{name}: p is a probability between 0 and 1, got 2"):
        getattr(functional, name)(Tensor(X.reshape(shape)), 2, rng=np.random.default_rng(0))
