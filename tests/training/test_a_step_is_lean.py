"""What makes a training step fast on any machine: few ops, no float64, and memory that does not grow."""

from __future__ import annotations

import os
import sys
import tracemalloc
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from npnn_cli.autograd import Tensor
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

    def count(data, links=(), *more):
        recorded.append(links)
        return original(data, links, *more)

    monkeypatch.setattr(Tensor, "answer", count)
    steps.take()
    assert sum(map(bool, recorded)) == ops
    recorded.clear()
    steps.take()
    assert recorded == []  # now that it is known what ops the network takes, no graph is needed


class Watch:
    """The dtypes of the arrays that functions of npnn have as arguments, variables and answers, and where each is."""

    def __init__(self) -> None:
        self.places: dict[np.dtype, set[str]] = {}

    def __enter__(self) -> Watch:
        sys.setprofile(self.note)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)

    def note(self, frame: FrameType, event: str, answer: object) -> None:
        """Look around where a function returns, for even what an ``out=`` casts back is there."""
        if event == "return" and f"{os.sep}npnn_cli{os.sep}" in frame.f_code.co_filename:
            for name, value in [*frame.f_locals.items(), ("its answer", answer)]:
                for each in value if isinstance(value, list | tuple) else [value]:
                    array = each.data if isinstance(each, Tensor) else each
                    if isinstance(array, np.ndarray) and array.size > 1:
                        self.places.setdefault(array.dtype, set()).add(f"{frame.f_code.co_qualname}: {name}")


@pytest.mark.parametrize("name", MNIST_SPECS)
def test_nothing_is_float64_in_a_float32_training(name):
    steps = Steps(name)
    with Watch() as watch:
        for _ in range(2):  # the second needs no graph
            steps.take()

    assert watch.places.pop(np.dtype(np.float64), set()) == set()
    assert np.dtype(np.float32) in watch.places
    kept = [array for parameter in steps.parameters for array in (parameter.data, parameter.grad)]
    assert {array.dtype for array in kept} == {np.dtype(np.float32)}


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
