"""A spec becomes a network with every size known, or one mistake at its line; no data is read for it."""

from __future__ import annotations

import numpy as np
import pytest
from small_specs import CLASSIFICATION, Blobs, small_spec

from npnn_cli.autograd import Tensor
from npnn_cli.data import MNIST, Diabetes
from npnn_cli.examples import example, normal
from npnn_cli.nn import Module
from npnn_cli.registry import layers
from npnn_cli.spec import SpecError, parse_spec
from npnn_cli.training.building import build_network

CONVOLUTIONAL = {
    **CLASSIFICATION,
    "data": "MNIST",
    "model": "[{type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}, ReLU, {type: MaxPool2d, kernel_size: 2}, "
    "Flatten, {type: Dropout, p: 0.5}, {type: MLP, hidden_features: [20], out_features: 16}, "
    "{type: Linear, out_features: 10}]",
}


@pytest.fixture
def no_data(monkeypatch):
    """Reading data fails."""

    def load(self, *, rng):
        pytest.fail("data were read")

    for dataset in (MNIST, Diabetes, Blobs):
        monkeypatch.setattr(dataset, "load", load)


def weights(**sections):
    return build_network(small_spec(**sections)).model.state_dict()


def assert_equal(ours, theirs):
    assert list(ours) == list(theirs)
    assert all(np.array_equal(array, theirs[name]) for name, array in ours.items())


def test_sizes_follow_from_the_data_and_the_layers_before(no_data):
    network = build_network(small_spec(**CONVOLUTIONAL))
    assert {name: array.shape for name, array in network.model.state_dict().items()} == {
        "0.weight": (8, 1, 3, 3),
        "0.bias": (8,),
        "5.0.weight": (20, 8 * 14 * 14),
        "5.0.bias": (20,),
        "5.2.weight": (16, 20),
        "5.2.bias": (16,),
        "6.weight": (10, 16),
        "6.bias": (10,),
    }


def test_the_layers_are_told(no_data):
    rows = build_network(small_spec(**CONVOLUTIONAL)).layers
    shapes = [(8, 28, 28), (8, 28, 28), (8, 14, 14), (1568,), (1568,), (16,), (10,)]
    assert [row.output_shape for row in rows] == shapes
    assert [row.parameters for row in rows] == [80, 0, 0, 0, 0, 1569 * 20 + 21 * 16, 170]
    assert [row.name for row in rows] == list("0123456")
    assert rows[0].layer == "Conv2d(in_channels=1, out_channels=8, kernel_size=3, padding=1)"


def test_the_resolved_spec_says_all_and_builds_the_same(no_data):
    network = build_network(small_spec(**CONVOLUTIONAL, scheduler="CosineAnnealingLR"))
    again = build_network(parse_spec(network.spec.to_yaml(), "config.yaml"))
    assert again.spec == network.spec
    assert_equal(again.model.state_dict(), network.model.state_dict())
    options = [layer.options for layer in network.spec.model]
    assert options[5]["in_features"] == 1568
    assert options[6] == {"in_features": 16, "out_features": 10, "bias": True, "init": "kaiming_normal"}
    assert network.spec.optimizer.options["betas"] == (0.9, 0.999)
    assert network.spec.data.options == {"validation": 10_000}


def test_the_seed_makes_the_weights(no_data):
    assert_equal(weights(seed="3"), weights(seed="3"))
    assert not np.array_equal(weights(seed="3")["0.weight"], weights(seed="4")["0.weight"])


def test_a_layer_draws_from_a_stream_of_its_own(no_data):
    longer = "[{type: Linear, out_features: 8}, Tanh, {type: Linear, out_features: 4}, {type: Linear, out_features: 1}]"
    assert np.array_equal(weights(model=longer)["0.weight"], weights()["0.weight"])
    alike = "[{type: Linear, out_features: 10}, {type: Linear, out_features: 10}, {type: Linear, out_features: 1}]"
    assert not np.array_equal(weights(model=alike)["0.weight"], weights(model=alike)["1.weight"])


def test_the_splits_depend_on_the_seed_and_not_on_the_model():
    def targets(**sections):
        return build_network(small_spec(**sections)).load_data().test.targets

    assert np.array_equal(targets(), targets(model="[{type: Linear, out_features: 1}]"))
    assert not np.array_equal(targets(), targets(seed="1"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_batches_and_outputs_have_the_dtype(dtype):
    network = build_network(small_spec(dtype=dtype))
    splits = network.load_data()
    inputs, targets = next(iter(network.loader(splits, splits.train, batch_size=5)))
    assert inputs.dtype == targets.dtype == network.model(Tensor(inputs)).dtype == dtype
    assert {array.dtype for array in network.model.state_dict().values()} == {np.dtype(dtype)}


def test_the_model_is_ready_to_train(no_data):
    network = build_network(small_spec(**CONVOLUTIONAL))
    assert all(module.training for _, module in network.model.named_modules())


def test_a_schedule_fits_the_training():
    network = build_network(small_spec(scheduler="{type: OneCycleLR, max_lr: 0.1}"))
    _, scheduler = network.build_optimizer(steps_per_epoch=6)
    assert scheduler.options["total_steps"] == 3 * 6
    network = build_network(small_spec(scheduler="CosineAnnealingLR"))
    _, scheduler = network.build_optimizer(steps_per_epoch=6)
    assert scheduler.options["T_max"] == 3
    assert build_network(small_spec()).build_optimizer(steps_per_epoch=6)[1] is None


def test_a_schedule_that_is_too_short_is_found_as_soon_as_the_length_is_known():
    network = build_network(small_spec(scheduler="{type: OneCycleLR, max_lr: 0.1, total_steps: 17}"))
    network.build_optimizer(steps_per_epoch=5)
    with pytest.raises(SpecError) as caught:
        network.build_optimizer(steps_per_epoch=6)
    assert str(caught.value).startswith("small.yaml:7:12  the training takes 18 steps, but ")
    assert "leave out total_steps" in str(caught.value)


ON_MNIST = {"data": "MNIST", "loss": "CrossEntropyLoss"}
SOFTMAX = "[Flatten, {type: Linear, out_features: 10}]"
MISTAKES = {
    "a probability of 2": ({"model": "[{type: Dropout, p: 2}]"}, "3:9", ["Dropout", "between 0 and 1", "2"]),
    "a size of 0": ({"model": "[{type: Linear, out_features: 0}]"}, "3:9", ["at least 1", "out_features=0"]),
    "a negative rate": ({"optimizer": "{type: Adam, lr: -1}"}, "5:12", ["Adam", "lr=-1"]),
    "a rate that is nan": ({"optimizer": "{type: Adam, lr: .nan}"}, "5:12", ["Adam", "lr=nan"]),
    "a beta of 1": ({"optimizer": "{type: Adam, betas: [0.9, 1.0]}"}, "5:12", ["betas=(0.9, 1.0)"]),
    "nesterov without momentum": ({"optimizer": "{type: SGD, nesterov: true}"}, "5:12", ["nesterov needs momentum"]),
    "no period": ({"scheduler": "{type: CosineAnnealingLR, T_max: 0}"}, "7:12", ["T_max", "at least 1", "0"]),
    "a divisor of 0": (
        {"scheduler": "{type: OneCycleLR, max_lr: 0.1, div_factor: 0}"}, "7:12", ["OneCycleLR"],
    ),
    "more than the memory": ({"model": "[{type: Linear, out_features: 1000000000000000}]"}, "3:9", ["too large"]),
    "more than an address": ({"model": "[{type: Linear, out_features: 4611686018427387904}]"}, "3:9", ["too big"]),
    "more than the memory, later": (
        {**ON_MNIST, "model": "[{type: Conv2d, out_channels: 1, kernel_size: 1, padding: 100000000}]"},
        "3:9",
        ["layer 0 (Conv2d)", "too large for the memory"],
    ),
    "a wrong in_features": (
        {"model": "[{type: Linear, in_features: 11, out_features: 1}]"},
        "3:9",
        ["layer 0 (Linear)", "(10,)", "in_features=11"],
    ),
    "a wrong in_features, later": (
        {**ON_MNIST, "model": "[Flatten, {type: Linear, in_features: 783, out_features: 10}]"},
        "3:18",
        ["layer 1 (Linear)", "(784,)", "in_features=783"],
    ),
    "a wrong in_channels": (
        {**ON_MNIST, "model": "[{type: Conv2d, in_channels: 3, out_channels: 1, kernel_size: 3}]"},
        "3:9",
        ["layer 0 (Conv2d)", "(1, 28, 28)", "in_channels=3"],
    ),
    "images that are flat": (
        {**ON_MNIST, "model": "[Flatten, {type: Conv2d, out_channels: 3, kernel_size: 3}]"},
        "3:18",
        ["layer 1 (Conv2d)", "(784,)"],
    ),
    "a window larger than the image": (
        {**ON_MNIST, "model": "[{type: MaxPool2d, kernel_size: 29}]"},
        "3:9",
        ["layer 0 (MaxPool2d)", "(1, 28, 28)", "(29, 29)"],
    ),
    "a kernel larger than the image": (
        {**ON_MNIST, "model": "[{type: Conv2d, out_channels: 3, kernel_size: [3, 29]}]"},
        "3:9",
        ["layer 0 (Conv2d)", "(1, 28, 28)", "(3, 29)"],
    ),
    "no such dimension": (
        {"model": "[{type: Flatten, start_dim: 3}]"}, "3:9", ["layer 0 (Flatten)", "(10,)", "start_dim must lie"],
    ),
    "samples that are mixed": (
        {"model": "[{type: Flatten, start_dim: 0}, {type: Linear, out_features: 1}]"},
        "3:9",
        ["layer 0 (Flatten)", "of one sample it makes (10,)"],
    ),
    "images that were not flattened": (
        {**ON_MNIST, "model": "[{type: Linear, out_features: 10}]"},
        "3:9",
        ["(1, 28, 10)", "MNIST has 10 classes", "(10,)"],
    ),
    "too few classes": (
        {**ON_MNIST, "model": "[Flatten, ReLU, {type: Linear, out_features: 9}]"},
        "3:24",
        ["(9,)", "MNIST has 10 classes", "(10,)"],
    ),
    "too many targets": ({"model": "[{type: Linear, out_features: 2}]"}, "3:9", ["(2,)", "one target", "(1,)"]),
    "a loss of numbers for classes": ({**ON_MNIST, "model": SOFTMAX, "loss": "MSELoss"}, "4:7", ["MSELoss", "MNIST"]),
    "a loss of classes for numbers": ({"loss": "CrossEntropyLoss"}, "4:7", ["CrossEntropyLoss", "Diabetes"]),
    "a loss per sample": ({"loss": "{type: MSELoss, reduction: none}"}, "4:7", ["one number", "'none'"]),
    "more held out than there are": (
        {"data": "{type: Diabetes, validation: 400, test: 100}"}, "2:7", ["400", "100", "442"],
    ),
    "a misspelled metric": (
        {"early_stopping": "{patience: 2, monitor: val_los}"}, "7:40", ["did you mean 'val_loss'"],
    ),
    "a metric of another task": (
        {"early_stopping": "{patience: 2, monitor: val_accuracy}"}, "7:40", ["'val_accuracy'", "val_mae, val_r2"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sections", "position", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_its_line_before_data_are_read(no_data, sections, position, words):
    with pytest.raises(SpecError) as caught:
        build_network(small_spec(**sections))
    message = str(caught.value)
    assert message.startswith(f"small.yaml:{position}  ")
    assert all(word in message for word in words), message


@pytest.mark.parametrize("batch_size", [2, 40, 48, 288, 1000])  # of 288 samples
def test_a_last_batch_of_two_or_more_is_enough_for_batch_normalization(batch_size):
    model = "[BatchNorm1d, {type: Linear, out_features: 1}]"
    network = build_network(small_spec(model=model, training=f"{{epochs: 1, batch_size: {batch_size}}}"))
    sizes = [len(inputs) for inputs, _ in network.training_loader(network.load_data())]
    assert (sum(sizes), max(sizes)) == (288, min(batch_size, 288))


def test_trying_a_lone_sample_in_training_leaves_no_trace():
    model = "[Dropout, {type: Linear, out_features: 1}]"
    network = build_network(small_spec(model=model, training="{epochs: 1, batch_size: 41}"))
    draws = network.model[0].rng.bit_generator
    before = draws.state
    network.training_loader(network.load_data())
    assert draws.state == before


def test_a_size_that_follows_from_a_dimension_which_is_not_there(throwaway, no_data):
    @layers.register(example(normal(2, 3)))
    class Total(Module):
        def forward(self, input):
            return input.sum(dim=1)

    with pytest.raises(SpecError, match=r"^small.yaml:3:16  layer 1 \(Linear\) cannot take the shape \(\) "):
        build_network(small_spec(model="[Total, {type: Linear, out_features: 1}]"))


SMALL = (
    "{{type: Conv2d, out_channels: {}, kernel_size: 3, padding: 1}}, {{type: Conv2d, out_channels: 16, kernel_size: 3}}"
)
DIGITS = {"data": "MNIST", "loss": "CrossEntropyLoss"}


@pytest.mark.parametrize(
    ("sections", "batch_size", "threads"),
    [
        ({}, 64, 1),
        ({}, 128, 2),
        ({**DIGITS, "model": f"[{SMALL.format(1)}, Flatten, {{type: Linear, out_features: 10}}]"}, 64, 1),
        ({**DIGITS, "model": f"[{SMALL.format(1)}, Flatten, {{type: Linear, out_features: 10}}]"}, 512, 2),
        ({**DIGITS, "model": f"[{SMALL.format(32)}, Flatten, {{type: Linear, out_features: 10}}]"}, 64, 2),
        ({"training": "{epochs: 1, batch_size: 64, threads: 5}"}, None, 5),
    ],
)
def test_as_many_threads_as_pay_unless_the_spec_says_how_many(no_data, monkeypatch, sections, batch_size, threads):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    if batch_size:
        sections = {**sections, "training": f"{{epochs: 1, batch_size: {batch_size}}}"}
    assert build_network(small_spec(**sections)).spec.training.threads == threads
