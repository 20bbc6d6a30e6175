"""Layers inside layers, and schedulers inside schedulers: built with all that follows from where they stand."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from small_specs import CLASSIFICATION, Blobs, small_spec

from npnn_cli import registry
from npnn_cli.autograd import Tensor, dispatch
from npnn_cli.examples import example, normal
from npnn_cli.nn import Linear, Module, Parameter
from npnn_cli.registry import layers
from npnn_cli.spec import SpecError, parse_spec
from npnn_cli.training.building import build_network

ON_MNIST = {**CLASSIFICATION, "data": "MNIST"}
RESIDUAL = """[
  {type: Residual,
   layers: [{type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}, ReLU, {type: MaxPool2d, kernel_size: 2},
            {type: Sequential, layers: [BatchNorm2d, {type: Conv2d, out_channels: 6, kernel_size: 1}]}],
   projection: {type: Conv2d, out_channels: 6, kernel_size: 2, stride: 2}},
  Flatten, {type: Linear, out_features: 10}]"""


def network(model=RESIDUAL, **sections):
    return build_network(small_spec(**{**ON_MNIST, "model": model, **sections}))


def test_sizes_follow_through_all_depths():
    shapes = {name: array.shape for name, array in network().model.state_dict().items()}
    assert shapes == {
        "0.layers.0.weight": (4, 1, 3, 3),
        "0.layers.0.bias": (4,),
        "0.layers.3.0.weight": (4,),
        "0.layers.3.0.bias": (4,),
        "0.layers.3.0.running_mean": (4,),
        "0.layers.3.0.running_var": (4,),
        "0.layers.3.0.num_batches_tracked": (),
        "0.layers.3.1.weight": (6, 4, 1, 1),
        "0.layers.3.1.bias": (6,),
        "0.projection.weight": (6, 1, 2, 2),  # a projection is given what the layers are given
        "0.projection.bias": (6,),
        "2.weight": (10, 6 * 14 * 14),
        "2.bias": (10,),
    }


def test_all_layers_are_told_each_parameter_once():
    rows = network().layers
    assert [(row.name, row.depth, row.layer.split("(")[0], row.output_shape, row.parameters) for row in rows] == [
        ("0", 0, "Residual", (6, 14, 14), 0),
        ("0.layers.0", 1, "Conv2d", (4, 28, 28), 40),
        ("0.layers.1", 1, "ReLU", (4, 28, 28), 0),
        ("0.layers.2", 1, "MaxPool2d", (4, 14, 14), 0),
        ("0.layers.3", 1, "Sequential", (6, 14, 14), 0),
        ("0.layers.3.0", 2, "BatchNorm2d", (4, 14, 14), 8),
        ("0.layers.3.1", 2, "Conv2d", (6, 14, 14), 30),
        ("0.projection", 1, "Conv2d", (6, 14, 14), 30),
        ("1", 0, "Flatten", (1176,), 0),
        ("2", 0, "Linear", (10,), 11770),
    ]
    assert rows[0].layer == "Residual()"
    assert rows[-2].layer == "Flatten()"
    assert not any(row.frozen for row in rows)


def test_the_resolved_spec_says_all_and_builds_the_same():
    first = network()
    again = build_network(parse_spec(first.spec.to_yaml(), "config.yaml"))
    assert again.spec == first.spec
    assert first.spec.model[0].options["layers"][3].options["layers"][0].options["num_features"] == 4
    for name, array in first.model.state_dict().items():
        assert np.array_equal(array, again.model.state_dict()[name])


def test_each_layer_draws_from_a_stream_of_its_own():
    alike = "[{type: Sequential, layers: [{type: Linear, out_features: 28}, {type: Linear, out_features: 28}]}, {}]"
    last = "Flatten, {type: Linear, out_features: 10}"
    state = network(alike.replace("{}", last)).model.state_dict()
    assert not np.array_equal(state["0.0.weight"], state["0.1.weight"])
    longer = alike.replace("out_features: 28}]", "out_features: 28}, Tanh]").replace("{}", last)
    assert np.array_equal(network(longer).model.state_dict()["0.1.weight"], state["0.1.weight"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_layers_have_the_dtype_and_are_ready_to_train(dtype):
    model = network(dtype=dtype).model
    assert {parameter.dtype for parameter in model.parameters()} == {np.dtype(dtype)}
    assert all(module.training for module in model.modules())
    assert model(Tensor(np.zeros((2, 1, 28, 28), dtype))).shape == (2, 10)


def test_what_can_be_fused_is_fused_inside_too(monkeypatch):
    model, ops = network().model, []
    original = dispatch.apply

    def record(op, *inputs, **options):
        ops.append(op.__name__)
        return original(op, *inputs, **options)

    for module in list(sys.modules.values()):
        if getattr(module, "apply", None) is original:
            monkeypatch.setattr(module, "apply", record)
    model(Tensor(np.zeros((2, 1, 28, 28), np.float32)))
    assert "conv2d_relu_max_pool2d" in ops


MISTAKES = {
    "an option out of range": (
        "[{type: Residual, layers: [ReLU, ^{type: Dropout, p: 2}]}]", ["Dropout", "between 0 and 1", "2"],
    ),
    "a size that does not fit": (
        "[{type: Residual, layers: [Flatten, {type: Sequential, layers: [ReLU, ^{type: Linear, in_features: 3, "
        "out_features: 4}]}]}]",
        ["layer 0.layers.1.layers.1 (Linear) cannot take the shape (784,)", "in_features=3"],
    ),
    "a wrong rank": (
        "[Flatten, {type: Sequential, layers: [^{type: Conv2d, out_channels: 3, kernel_size: 1}]}]",
        ["layer 1.layers.0 (Conv2d) cannot take the shape (784,)"],
    ),
    "a wrong projection": (
        "[{type: Residual, layers: [ReLU], projection: ^{type: Linear, in_features: 3, out_features: 28}}]",
        ["layer 0.projection (Linear) cannot take the shape (1, 28, 28)"],
    ),
    "a sum of two shapes": (
        "[Flatten, ^{type: Residual, layers: [{type: Linear, out_features: 10}]}]",
        ["layer 1 (Residual)", "the layers give the shape (1, 10), but the input has (1, 784): add a projection"],
    ),
    "a sum with a projection of another shape": (
        "[Flatten, ^{type: Residual, layers: [{type: Linear, out_features: 10}], projection: {type: Linear, "
        "out_features: 9}}]",
        ["layer 1 (Residual)", "(1, 10), but the projection has (1, 9): change it"],
    ),
    "nothing inside": ("[^{type: Residual, layers: []}]", ["Residual: needs at least one layer"]),
    "an option that no sample suits": ("[^{type: Softmax, dim: 7}]", ["layer 0 (Softmax)", "7"]),
}  # fmt: skip


@pytest.mark.parametrize(("model", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_its_own_line_and_column(model, words):
    before, after = model.split("^")
    with pytest.raises(SpecError) as caught:
        network(before + after)
    message = str(caught.value)
    assert message.startswith(f"small.yaml:3:{len('model: ') + len(before) + 1}  ")
    assert all(word in message for word in words), message


def test_frozen_and_shared_parameters_are_told(throwaway):
    @layers.register(example(normal(2, 3)))
    class Tied(Module):
        def __init__(self, *, rng=None):
            self.one = Linear(784, 784, bias=False, rng=rng)
            self.scale = Parameter(np.ones(784)).requires_grad_(False)
            self.other = Linear(784, 784, bias=False, rng=rng)
            self.other.weight = self.one.weight

        def forward(self, input):
            return self.other(self.one(input)) * self.scale

    rows = network("[Flatten, Tied, {type: Linear, out_features: 10}]").layers
    assert [(row.parameters, row.frozen) for row in rows] == [(0, 0), (784 * 784 + 784, 784), (7850, 0)]


def test_whole_numbers_go_into_the_layers_that_take_them(throwaway):
    @registry.datasets.register(example())
    class Words(Blobs):
        integer_inputs = True

    @layers.register(example(normal(2, 3)))
    class IsWhole(Module):
        def forward(self, input):
            if input.dtype.kind != "i":
                raise TypeError(f"IsWhole: input must be whole numbers, got {input.dtype}")
            return input * np.float32(0.5)

    built = network("[IsWhole, {type: Linear, out_features: 3}]", data="Words")
    assert built.model(Tensor(np.zeros((5, 4), np.int64))).shape == (5, 3)
    with pytest.raises(SpecError, match=r"3:9  layer 0 \(IsWhole\) .*must be whole numbers, got float32"):
        network("[IsWhole, Flatten, {type: Linear, out_features: 10}]")


class TestSchedulers:
    WARM_UP = "{type: SequentialLR, schedulers: [{type: LinearLR, total_iters: 2}, %s], milestones: [2]}"

    def scheduler(self, text, steps_per_epoch=6, **sections):
        spec = small_spec(**{"scheduler": text, "training": "{epochs: 9, batch_size: 50}", **sections})
        return build_network(spec).build_optimizer(steps_per_epoch)[1]

    def test_after_a_warm_up_the_cosine_takes_the_rest_of_the_training(self):
        scheduler = self.scheduler(self.WARM_UP % "CosineAnnealingLR")
        rates = []
        for _ in range(9):
            rates += scheduler.get_last_lr()
            scheduler.step()
        assert scheduler.schedulers[1].T_max == 7
        assert rates[:3] == pytest.approx([0.01 / 3, 0.02 / 3, 0.01])
        assert min(rates[2:]) == rates[-1]
        assert scheduler.get_last_lr() == pytest.approx([0.0], abs=1e-12)

    def test_a_length_that_is_given_is_kept(self):
        assert self.scheduler(self.WARM_UP % "{type: CosineAnnealingLR, T_max: 4}").schedulers[1].T_max == 4

    def test_a_sequence_by_batches_is_as_long_as_the_batches(self):
        cycle = "{type: OneCycleLR, max_lr: 0.1}"
        text = f"{{type: SequentialLR, schedulers: [{cycle}, {cycle}], milestones: [20]}}"
        assert [part.total_steps for part in self.scheduler(text).schedulers] == [20, 34]

    @pytest.mark.parametrize(
        ("part", "message"),
        [
            ("^{type: CosineAnnealingLR, T_max: 0}", "T_max must be at least 1, got T_max=0"),
            ("^{type: OneCycleLR, max_lr: -1}", "OneCycleLR: max_lr must be at least 0, got max_lr=-1.0"),
        ],
    )
    def test_a_mistake_is_told_at_its_own_line_and_column(self, part, message):
        text = f"scheduler: {self.WARM_UP}" % part
        column = text.index("^") + 1
        with pytest.raises(SpecError) as caught:
            self.scheduler(text.replace("^", "").removeprefix("scheduler: "))
        assert str(caught.value).startswith(f"small.yaml:7:{column}  ")
        assert message in str(caught.value)
