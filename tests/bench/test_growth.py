from __future__ import annotations

import pytest
from small_specs import small_spec

from npnn_cli.bench import growth
from npnn_cli.bench.growth import BATCH, CHANNELS, DEPTH, WIDTH, families, measure_growth
from npnn_cli.spec import RunSpec
from npnn_cli.training.building import build_network

DROPOUT = (
    "[{type: Linear, out_features: 12, in_features: 10}, ReLU, {type: Dropout, p: 0.1}, "
    "{type: Linear, out_features: 6}, Tanh, {type: Linear, out_features: 1}]"
)
CONVOLUTION = (
    "[{type: Conv2d, out_channels: 4, kernel_size: 3}, ReLU, {type: Conv2d, out_channels: 8, kernel_size: 3}, Flatten, "
    "{type: Linear, out_features: 16}, ReLU, {type: Linear, out_features: 10}]"
)
IMAGES = {"data": "MNIST", "loss": "CrossEntropyLoss", "model": CONVOLUTION}


def sizes(spec: RunSpec, samples: int = 1000) -> dict[str, list[int]]:
    return {family.size: list(family.specs) for family in families(spec, samples)}


def shapes(spec: RunSpec) -> list[tuple[int, ...]]:
    return [parameter.shape for name, parameter in build_network(spec).model.named_parameters() if "weight" in name]


def test_a_perceptron_grows_in_batch_width_and_depth():
    found = sizes(small_spec(model=DROPOUT), samples=100)

    assert found == {BATCH: [16, 32, 64], WIDTH: [6, 12, 24, 48, 96], DEPTH: [2, 3, 5, 9, 17]}


def test_a_convolution_grows_in_batch_and_channels():
    assert sizes(small_spec(**IMAGES)) == {BATCH: [16, 32, 64, 128, 256, 512], CHANNELS: [2, 4, 8, 16]}


def test_a_linear_map_grows_in_batch_alone():
    assert list(sizes(small_spec(model="[{type: Linear, out_features: 1}]"))) == [BATCH]


def test_the_members_are_what_they_are_called():
    by_size = {family.size: family.specs for family in families(small_spec(model=DROPOUT), 1000)}

    assert [spec.training.batch_size for spec in by_size[BATCH].values()] == list(by_size[BATCH])
    assert shapes(by_size[WIDTH][24]) == [(24, 10), (12, 24), (1, 12)]
    assert shapes(by_size[DEPTH][2]) == [(12, 10), (6, 12), (1, 6)]
    assert shapes(by_size[DEPTH][5]) == [(12, 10), (6, 12), (6, 6), (6, 6), (6, 6), (1, 6)]
    assert [layer.type for layer in by_size[DEPTH][3].model[3:]] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]


def test_channels_are_scaled_and_the_rest_follows():
    (_, channels) = families(small_spec(**IMAGES), 1000)

    assert shapes(channels.specs[8])[:2] == [(8, 1, 3, 3), (16, 8, 3, 3)]
    assert [shape[0] for shape in shapes(channels.specs[8])[2:]] == [16, 10]


def test_a_spec_that_is_resolved_grows_as_well():
    resolved = build_network(small_spec(model=DROPOUT)).spec

    assert shapes(families(resolved, 1000)[1].specs[24]) == [(24, 10), (12, 24), (1, 12)]


def test_growth_is_measured_in_every_member(monkeypatch):
    monkeypatch.setattr(growth, "BATCH_SIZES", (16, 32))
    monkeypatch.setattr(growth, "WIDTH_FACTORS", (1, 2))
    monkeypatch.setattr(growth, "ADDED_LAYERS", (0, 15, 30))
    told = []

    curves = measure_growth(small_spec(), 100, quick=True, tell=told.append)

    assert [(curve.size, list(curve.sizes)) for curve in curves] == [
        (BATCH, [16, 32]),
        (WIDTH, [8, 16]),
        (DEPTH, [1, 16, 31]),
        (DEPTH, [1, 16, 31]),
    ]
    assert [curve.quantity for curve in curves] == ["time of a step (ms)"] * 3 + ["memory of training (MiB)"]
    for curve in curves:
        assert len(curve.low) == len(curve.values) == len(curve.high) == len(curve.sizes)
        assert all(
            0 < low <= value <= high for low, value, high in zip(curve.low, curve.values, curve.high, strict=True)
        )
    shallow, deep, deeper = curves[-1].values  # in memory, where every layer takes as much as any other
    assert deeper - deep == pytest.approx(deep - shallow, rel=0.15)
    assert len(told) == 4


def test_quick_means_a_few_sizes(monkeypatch):
    measured = []
    monkeypatch.setattr(
        growth, "_time_curve", lambda size, members, effort: measured.append((len(members), effort.rounds))
    )
    monkeypatch.setattr(growth, "_memory_curve", lambda size, members: measured.append((len(members), 0)))

    for quick in (True, False):
        measure_growth(small_spec(), 1000, quick=quick, tell=lambda _: None)

    assert measured == [(3, 2), (3, 2), (3, 2), (3, 0), (6, 10), (5, 10), (5, 10), (5, 0)]
