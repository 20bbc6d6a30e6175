"""Every layer that is timed computes what PyTorch's does, in each memory order and with any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import registry
from npnn_cli.autograd import get_num_threads, set_num_threads
from npnn_cli.bench.layers.cases import CASES, LayerCase, cases_of
from npnn_cli.bench.layers.engine import EngineLayer
from npnn_cli.bench.layers.entrants import entrants
from npnn_cli.bench.layers.pytorch import PyTorchLayer
from npnn_cli.bench.parity import differences
from npnn_cli.nn import Linear

ISSUED = {"BatchNorm2d", "LayerNorm", "GELU", "Dropout", "AvgPool2d", "Conv2d"}


@pytest.fixture(autouse=True)
def _threads():
    before = get_num_threads()
    yield
    set_num_threads(before)


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_the_answers_are_pytorchs(case):
    ours, *theirs = (
        kind(case, **entrant.options).answers()
        for entrant in entrants(case, ["torch"])
        for kind in [PyTorchLayer if entrant.form == "PyTorch" else EngineLayer]
    )

    assert {"outputs", "gradient of input"} <= set(ours)
    assert [differences(answers, ours, "float32") for answers in theirs] == [[]] * len(theirs)


def test_the_layers_that_users_reach_for_are_timed():
    assert {case.type for case in cases_of([])} >= ISSUED
    assert all(case.type in registry.layers for case in cases_of([]))
    convolutions = [case.options for case in cases_of(["Conv2d"])]
    assert any("stride" in options for options in convolutions)
    assert any("groups" in options for options in convolutions)


def test_images_are_timed_in_each_memory_order():
    (images,) = cases_of(["Dropout2d"])
    orders = [entrant.options for entrant in entrants(images, ["torch"])]

    assert any("batch_innermost" in options for options in orders)
    assert any("channels_last" in options for options in orders)
    innermost = EngineLayer(images, threads=1, batch_innermost=True)
    assert innermost.input.data.strides[0] == 4
    np.testing.assert_array_equal(innermost.input.data, EngineLayer(images, threads=1).input.data)


def test_a_pass_is_timed_as_often_as_it_is_asked_for():
    layer = EngineLayer(LayerCase("Linear", (8, 4), (4, 3)), threads=1)

    durations = layer.train_steps(5)
    assert isinstance(layer.layer, Linear)
    assert len(durations) == 5
    assert all(duration > 0 for duration in durations)
    assert layer.layer.weight.grad is not None
