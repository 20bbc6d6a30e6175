"""The hand-written networks compute what the engine computes for the same network."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import Tensor, nn, optim
from npnn_cli.bench.handwritten import HandwrittenCNN, HandwrittenMLP

MEAN, STD = 33.3, 78.6
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
SAMPLES = 40


def mlp(rng):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64, rng=rng), nn.ReLU(), nn.Linear(64, 10, rng=rng))


def cnn(rng):
    first = [nn.Conv2d(1, 8, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(8, 16, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(
        *first, *second, nn.Flatten(), nn.Linear(784, 32, rng=rng), nn.ReLU(), nn.Linear(32, 10, rng=rng)
    )


@pytest.fixture
def data():
    rng = np.random.default_rng(6)
    images = rng.integers(0, 256, (SAMPLES, 1, 28, 28), dtype=np.uint8)
    images[:, :, :10] = 0  # black, as much of a real image: all windows there are equal
    return images, rng.integers(0, 10, SAMPLES)


@pytest.fixture(params=[(mlp, HandwrittenMLP), (cnn, HandwrittenCNN)], ids=["MLP", "CNN"])
def networks(request, data):
    """The engine's model in float64, and the same written by hand."""
    build, handwritten = request.param
    rng = np.random.default_rng(7)
    model = build(rng)
    for parameter in model.parameters():
        parameter.data += rng.normal(0, 0.05, parameter.shape).astype(parameter.dtype)
    weights = {name: parameter.data for name, parameter in model.named_parameters()}
    return model.to(np.float64), handwritten(*data, weights, mean=MEAN, std=STD, adam=ADAM)


def differentiate(model, data, chosen):
    images, labels = data
    loss = nn.CrossEntropyLoss()(model(Tensor((images[chosen] - MEAN) / STD)), labels[chosen])
    model.zero_grad()
    loss.backward()
    return loss.item()


def assert_nearly_equal(ours, expected):
    assert ours.shape == expected.shape
    assert ours.dtype == np.float32
    assert np.abs(ours - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_loss_and_gradients_are_those_of_the_engine(networks, data, batch):
    model, handwritten = networks
    for seed in range(2):  # nothing may be left over from the batch before
        chosen = np.random.default_rng(seed).permutation(SAMPLES)[:batch]

        loss = handwritten.differentiate(chosen)

        assert loss == pytest.approx(differentiate(model, data, chosen), rel=1e-5)
        assert list(handwritten.gradients) == [name for name, _ in model.named_parameters()]
        for name, parameter in model.named_parameters():
            assert_nearly_equal(handwritten.gradients[name], parameter.grad)


def test_a_step_is_one_of_adam(networks):
    model, handwritten = networks
    optimizer = optim.Adam(model.parameters(), **ADAM)
    for step in range(4):
        chosen = np.arange(5 * step, 5 * step + 5)

        handwritten.step(chosen)
        for name, parameter in model.named_parameters():
            parameter.grad = handwritten.gradients[name].astype(np.float64)
        optimizer.step()

        for name, parameter in model.named_parameters():
            assert_nearly_equal(handwritten.weights[name], parameter.data)


def test_a_step_returns_the_loss_before_it(networks, data):
    model, handwritten = networks
    before = differentiate(model, data, np.arange(9))

    losses = [handwritten.step(np.arange(9)) for _ in range(20)]

    assert losses[0] == pytest.approx(before, rel=1e-5)
    assert losses[-1] < losses[0] / 2


def test_the_weights_are_copied(networks, data):
    model, handwritten = networks
    before = {name: parameter.data.copy() for name, parameter in model.named_parameters()}

    handwritten.step(np.arange(9))

    for name, parameter in model.named_parameters():
        assert np.array_equal(parameter.data, before[name])
        assert not np.array_equal(handwritten.weights[name], before[name])
