"""What makes a training step fast on any machine: few ops, no float64, and memory that does not grow."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from npnn_cli.autograd import Tensor, dispatch
from npnn_cli.autograd.ops.primitive import Joint
from npnn_cli.spec import load_spec
from npnn_cli.training.building import build_network
from npnn_cli.training.loop import TrainingStep

CONFIGS = Path(__file__).parents[2] / "configs"
MNIST_SPECS = ["mnist_mlp", "mnist_cnn"]


class Steps:
    """Training steps of a spec on batches that look like MNIST's."""

    def __init__(self, name: str) -> None:
        network = build_network(load_spec(CONFIGS / f"{name}.yaml"))
        optimizer, scheduler = network.build_optimizer(steps_per_epoch=100)
        self.step = TrainingStep(network.model, network.loss, optimizer, scheduler, network.spec.training)
        self.rng = np.random.default_rng(0)
        self.parameters = list(network.model.parameters())

    def take(self) -> None:
        inputs = self.rng.standard_normal((64, 1, 28, 28), dtype=np.float32)
        self.step(inputs, self.rng.integers(0, 10, 64))


@pytest.mark.parametrize(
    ("name", "ops"),
    [
        # all linear layers, mean of the cross-entropy
        ("mnist_mlp", 2),
        # twice convolution with relu and pooling; all linear layers, mean of the cross-entropy
        ("mnist_cnn", 4),
    ],
)
def test_few_ops_are_recorded(name, ops, monkeypatch):
    steps, recorded = Steps(name), []
    original = Tensor.answer

    def count(data, links=(), joint=None):
        recorded.append(links)
        return original(data, links, joint)

    monkeypatch.setattr(Tensor, "answer", count)
    steps.take()
    assert sum(map(bool, recorded)) == ops
    recorded.clear()
    steps.take()
    assert recorded == []  # now that it is known what ops the network takes, no graph is needed


@pytest.mark.parametrize("name", MNIST_SPECS)
def test_nothing_is_float64_in_a_float32_training(name, monkeypatch):
    steps, dtypes = Steps(name), set()
    original = dispatch.apply

    def watch(op, *inputs, **options):
        def watched(*arrays, **options):
            ans, *derivatives = op(*arrays, **options)
            dtypes.add(np.asarray(ans).dtype)
            return ans, *map(watched_derivative, derivatives)

        def watched_derivative(derivative):
            if isinstance(derivative, Joint):
                return Joint(lambda g, gradients: seen(gradients, derivative.differentiate(g, gradients)))
            return derivative and (lambda g: seen({0: derivative(g)})[0])

        def seen(gradients, _=None):
            dtypes.update(gradient.dtype for gradient in gradients.values())
            return gradients

        return original(watched, *inputs, **options)

    for module in list(sys.modules.values()):
        if getattr(module, "apply", None) is original:
            monkeypatch.setattr(module, "apply", watch)
    for _ in range(2):
        steps.take()
    arrays = [array for blocks in steps.step.optimizer._blocks for block in blocks for array in block.state.values()]
    dtypes |= {array.dtype for array in arrays if isinstance(array, np.ndarray)}
    dtypes |= {array.dtype for parameter in steps.parameters for array in (parameter.data, parameter.grad)}
    assert dtypes == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", MNIST_SPECS)
def test_memory_does_not_grow_from_step_to_step(name):
    steps = Steps(name)
    for _ in range(3):
        steps.take()
    tracemalloc.start()
    try:
        steps.take()
        after_one, peak_of_one = tracemalloc.get_traced_memory()
        for _ in range(10):
            steps.take()
        after_many, peak_of_many = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after_many - after_one < 20_000
    assert peak_of_many < 1.1 * peak_of_one + 20_000
