from __future__ import annotations

from pathlib import Path

import pytest
from small_specs import small_spec

from npnn_cli.bench.entrants import entrants
from npnn_cli.bench.workload import timed_spec
from npnn_cli.spec import parse_spec

CONFIGS = Path(__file__).parents[2] / "configs"

CONVOLUTION = "[{type: Conv2d, out_channels: 2, kernel_size: 3}, Flatten, {type: Linear, out_features: 10}]"
ALL_FOUR = [
    "PyTorch, default Adam",
    "PyTorch, default Adam, channels_last",
    "PyTorch, fused Adam",
    "PyTorch, fused Adam, channels_last",
]


@pytest.mark.parametrize(
    ("sections", "against", "forms"),
    [
        ({}, [], []),
        ({}, ["torch"], ["PyTorch, default Adam", "PyTorch, fused Adam"]),
        ({"optimizer": "RMSprop"}, ["torch"], ["PyTorch, default RMSprop", "PyTorch, fused RMSprop"]),
        ({"data": "MNIST", "loss": "CrossEntropyLoss", "model": CONVOLUTION}, ["torch"], ALL_FOUR),
        ({}, ["sklearn"], ["scikit-learn MLPClassifier"]),
    ],
)
def test_who_takes_part(sections, against, forms, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    npnn, *others = entrants(timed_spec(small_spec(**sections)), against)

    assert (npnn.form, npnn.threads) == ("npnn", 1)
    assert [(e.form, e.threads) for e in others] == [
        ("npnn, threads: 2", 2),
        ("hand-written NumPy", 1),
        *((form, threads) for form in forms for threads in (1, 2)),
    ]


def test_the_threads_of_npnn_are_its_specs_and_those_of_what_was_written_by_hand_are_the_same(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    spec = timed_spec(parse_spec((CONFIGS / "mnist_mlp.yaml").read_text(), "mnist_mlp.yaml"), batch_size=128)

    assert [(entrant.form, entrant.threads, dict(entrant.options)) for entrant in entrants(spec, [])] == [
        ("npnn", 2, {}),
        ("npnn, threads: 1", 1, {"threads": 1}),
        ("hand-written NumPy", 2, {}),
        ("hand-written NumPy, threads: 1", 1, {}),
    ]


def test_one_core_has_one_thread(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    assert {entrant.threads for entrant in entrants(timed_spec(small_spec()), ["torch", "sklearn"])} == {1}
