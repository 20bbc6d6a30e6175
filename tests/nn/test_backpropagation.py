"""Backpropagation through ops in a row gives what the graph gives, to the last bit, or leaves it to the graph."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from npnn_cli import Tensor, no_grad
from npnn_cli.autograd.ops.linear_stack import linear_relu_stack
from npnn_cli.nn import (
    MLP,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    MSELoss,
    ReLU,
    Sequential,
    Tanh,
    fusion,
)
from npnn_cli.nn.backpropagation import OpsInARow
from npnn_cli.optim import SGD, Adam
from npnn_cli.spec import TrainingSpec
from npnn_cli.training.loop import TrainingStep

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((6, 2, 8, 4)).astype(np.float32)
ROWS = IMAGES.reshape(6, -1)
DIGITS = RNG.integers(0, 3, 6)


def perceptron():
    rng = np.random.default_rng(1)
    return Sequential(Linear(64, 5, rng=rng), ReLU(), Linear(5, 3, rng=rng))


def convolutional(bias=True):
    rng = np.random.default_rng(1)
    convolution = Conv2d(2, 4, 3, padding=1, bias=bias, rng=rng)
    pixels = [Flatten(), Linear(32, 5, rng=rng), ReLU(), Linear(5, 3, rng=rng)]
    return Sequential(convolution, ReLU(), MaxPool2d(2), *pixels)


def by_graph(model, loss, inputs, targets):
    value = loss(model(Tensor(inputs)), targets)
    value.backward()
    return value.item(), gradients_of(model)


def gradients_of(model):
    return [None if parameter.grad is None else parameter.grad.copy() for parameter in model.parameters()]


def prepared(model, inputs, optimizer=Adam):
    """The model with an optimizer, after a first pass, which shows what ops it takes."""
    optimizer = optimizer(model.parameters(), lr=0.1)
    model(inputs)
    return optimizer


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (perceptron, ROWS),
        (convolutional, IMAGES),
        (lambda: convolutional(bias=False), IMAGES),
        (lambda: MLP(64, [7, 6], 3, rng=np.random.default_rng(2)), ROWS),
    ],
)
def test_loss_and_gradients_are_those_of_the_graph_to_the_last_bit(build, inputs):
    model, loss = build(), CrossEntropyLoss()
    optimizer, ops = prepared(model, inputs), OpsInARow(model, loss)
    for _ in range(3):
        optimizer.zero_grad()
        expected, gradients = by_graph(model, loss, inputs, DIGITS)
        optimizer.zero_grad()

        value, backward = ops.loss_of(inputs, DIGITS)
        assert gradients_of(model) == [None] * len(gradients)
        backward()

        assert value == expected
        for ours, of_graph in zip(gradients_of(model), gradients, strict=True):
            np.testing.assert_array_equal(ours, of_graph)
        del backward, ours  # which keep the places of the gradients
        optimizer.step()


class Doubled(Sequential):
    def forward(self, input):
        return super().forward(input) * 2


class CalledOtherwise(Sequential):
    def __call__(self, input, *others, **named):
        return super().__call__(input) * 2


class DoubledLoss(CrossEntropyLoss):
    def forward(self, input, target=None):
        return super().forward(input, target) * 2


class Tripled:
    def forward(self, input, target=None):
        return super().forward(input, target) * 3


class TripledLoss(Tripled, CrossEntropyLoss):
    pass


class CalledOtherwiseLoss(CrossEntropyLoss):
    def __call__(self, input, *others, **named):
        return super().__call__(input, *others) * 2


def with_own_forward(module):
    module.forward = lambda *inputs: inputs[0].sum()
    return module


def with_doubled_forward(model):
    forward = model.forward
    model.forward = lambda inputs: forward(inputs) * 2
    return model


class Squared(CrossEntropyLoss):
    def op_on(self, target):
        return None


class Refusing(CrossEntropyLoss):
    def op_on(self, target):
        raise ValueError("no op for such targets")


def shared():
    layer = Linear(64, 64, rng=np.random.default_rng(1))
    return Sequential(layer, ReLU(), layer)


def frozen():
    model = perceptron()
    model[0].weight.requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("model", "loss", "targets"),
    [
        (Sequential(*perceptron(), Tanh()), CrossEntropyLoss(), DIGITS),
        (Sequential(Dropout(0.5), *perceptron()), CrossEntropyLoss(), DIGITS),
        (Doubled(*perceptron()), CrossEntropyLoss(), DIGITS),
        (perceptron()[0], CrossEntropyLoss(), DIGITS),
        (shared(), CrossEntropyLoss(), DIGITS),
        (frozen(), CrossEntropyLoss(), DIGITS),
        (CalledOtherwise(*perceptron()), CrossEntropyLoss(), DIGITS),
        (perceptron(), DoubledLoss(), DIGITS),
        (perceptron(), TripledLoss(), DIGITS),
        (perceptron(), CalledOtherwiseLoss(), DIGITS),
        (perceptron(), with_own_forward(CrossEntropyLoss()), DIGITS),
        (perceptron(), CrossEntropyLoss(), DIGITS[:1]),
        (perceptron(), CrossEntropyLoss(), DIGITS.tolist()),
        (perceptron(), Refusing(), DIGITS),
        (with_doubled_forward(perceptron()), CrossEntropyLoss(), DIGITS),
        (perceptron(), Squared(), DIGITS),
        (perceptron(), CrossEntropyLoss(label_smoothing=0.1), DIGITS),
        (perceptron(), CrossEntropyLoss(weight=[1.0, 2.0, 3.0]), DIGITS),
        (perceptron(), CrossEntropyLoss(reduction="sum"), DIGITS),
        (perceptron(), CrossEntropyLoss(ignore_index=int(DIGITS[0])), DIGITS),
        (perceptron(), CrossEntropyLoss(), DIGITS + 1),
        (perceptron(), CrossEntropyLoss(), np.eye(3, dtype=np.float32)[DIGITS]),
        (perceptron(), MSELoss(), np.eye(3, dtype=np.float32)[DIGITS]),
    ],
)
def test_what_is_more_than_ops_in_a_row_is_left_to_the_graph(model, loss, targets):
    optimizer = prepared(model, ROWS)
    optimizer.zero_grad()

    assert OpsInARow(model, loss).loss_of(ROWS, targets) is None


def test_data_that_are_not_those_that_an_op_was_chosen_for_are_what_is_trained():
    model, expected = perceptron(), perceptron()
    model(ROWS)
    for _ in range(2):  # the second packs the parameters anew
        step = TrainingStep(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.5), None, TrainingSpec(epochs=1))
        losses = [step(ROWS, DIGITS) for _ in range(3)]
        by_hand = SGD(expected.parameters(), lr=0.5)
        for loss in losses:
            by_hand.zero_grad()
            assert loss == by_graph(expected, CrossEntropyLoss(), ROWS, DIGITS)[0]
            by_hand.step()


def test_what_is_left_to_the_graph_because_of_its_loss_has_not_been_computed_before(monkeypatch):
    passes = []

    def counted(*arrays):
        passes.append(arrays)
        return linear_relu_stack(*arrays)

    monkeypatch.setattr(fusion, "linear_relu_stack", counted)
    model = perceptron()
    optimizer = prepared(model, ROWS)
    training = TrainingSpec(epochs=1)
    step = TrainingStep(model, MSELoss(), optimizer, None, training)
    passes.clear()

    step(ROWS, np.eye(3, dtype=np.float32)[DIGITS])

    assert len(passes) == 1


def test_gradients_that_have_no_place_of_their_own_are_left_to_the_graph():
    loss = CrossEntropyLoss()
    without_optimizer = perceptron()
    without_optimizer(ROWS)
    assert OpsInARow(without_optimizer, loss).loss_of(ROWS, DIGITS) is None

    model = perceptron()
    optimizer, ops = SGD(model.parameters(), lr=0.1), OpsInARow(model, loss)
    assert ops.loss_of(ROWS, DIGITS) is None  # its ops are not known yet
    by_graph(model, loss, ROWS, DIGITS)
    assert ops.loss_of(ROWS, DIGITS) is None  # it would have to add to the gradients
    kept = model[0].weight.grad
    optimizer.zero_grad()
    assert ops.loss_of(ROWS, DIGITS) is None  # it would write over what somebody has kept
    del kept
    assert ops.loss_of(ROWS, DIGITS) is not None
    with no_grad():
        assert ops.loss_of(ROWS, DIGITS) is None
    assert ops.loss_of(ROWS.astype(np.float64), DIGITS) is None
    assert ops.loss_of(ROWS[:, :60], DIGITS) is None
    model[0].bias = None
    assert ops.loss_of(ROWS, DIGITS) is None


@pytest.mark.parametrize("inputs", [ROWS.reshape(6, 8, 8), ROWS.astype(np.float64), ROWS[:, :60]])
def test_ops_that_were_found_for_other_inputs_are_not_taken(inputs):
    model, loss = perceptron(), CrossEntropyLoss()
    prepared(model, ROWS).zero_grad()
    ops = OpsInARow(model, loss)
    assert ops.loss_of(ROWS, DIGITS) is not None

    assert ops.loss_of(inputs, DIGITS) is None


class Changing(CrossEntropyLoss):
    """Has an op only while it is plain."""

    scale = 1

    def forward(self, input, target=None):
        return super().forward(input, target) * self.scale

    def op_on(self, target):
        return super().op_on(target) if self.scale == 1 and self.training else None


@pytest.mark.parametrize(
    "change",
    [
        lambda model, loss: model.append(Tanh()),
        lambda model, loss: with_own_forward(model),
        lambda model, loss: setattr(model, "__class__", Doubled),
        lambda model, loss: with_own_forward(loss),
        lambda model, loss: setattr(loss, "reduction", "sum"),
        lambda model, loss: setattr(loss, "scale", 2),
        lambda model, loss: loss.eval(),
    ],
)
def test_ops_are_not_taken_any_more_once_model_or_loss_are_others(change):
    model, loss = perceptron(), Changing()
    prepared(model, ROWS).zero_grad()
    ops = OpsInARow(model, loss)
    for _ in range(2):
        assert ops.loss_of(ROWS, DIGITS) is not None

    change(model, loss)

    assert ops.loss_of(ROWS, DIGITS) is None


def test_ops_are_looked_for_once_but_anew_by_a_copy(monkeypatch):
    model, loss = perceptron(), CrossEntropyLoss()
    prepared(model, ROWS).zero_grad()
    ops, looked = OpsInARow(model, loss), []
    of = fusion.Plans.of
    monkeypatch.setattr(fusion.Plans, "of", lambda plans, inputs: looked.append(inputs) or of(plans, inputs))

    for _ in range(3):
        assert ops.loss_of(ROWS, DIGITS) is not None

    assert len(looked) == 1
    copy.deepcopy(ops).loss_of(ROWS, DIGITS)
    assert len(looked) == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda step: pickle.loads(pickle.dumps(step))])
def test_a_copied_step_goes_on_as_the_original(copied):
    model = perceptron()
    step = TrainingStep(model, CrossEntropyLoss(), SGD(model.parameters(), lr=0.5), None, TrainingSpec(epochs=1))
    for _ in range(3):
        step(ROWS, DIGITS)

    twin = copied(step)

    assert [twin(ROWS, DIGITS) for _ in range(3)] == [step(ROWS, DIGITS) for _ in range(3)]


def test_ops_are_taken_again_after_a_graph_was_needed():
    model, loss = perceptron(), CrossEntropyLoss()
    optimizer, ops = prepared(model, ROWS), OpsInARow(model, loss)
    optimizer.zero_grad()
    assert ops.loss_of(ROWS, DIGITS) is not None

    optimizer = Adam(model.parameters(), lr=0.1)  # packs the parameters anew
    assert ops.loss_of(ROWS, DIGITS) is None
    by_graph(model, loss, ROWS, DIGITS)
    optimizer.zero_grad()

    assert ops.loss_of(ROWS, DIGITS) is not None
