"""The whole way through, once: a spec, a training, an evaluation and the proofs, by the commands a user types."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from small_specs import write_spec
from typer.testing import CliRunner

from npnn_cli.commands.app import app
from npnn_cli.examples import example, nonzero
from npnn_cli.nn import Module
from npnn_cli.registry import layers

DIGITS = {
    "data": "{type: MNIST, validation: 59000}",
    "model": "[{type: Conv2d, out_channels: 4, kernel_size: 5, stride: 2}, ReLU, {type: MaxPool2d, kernel_size: 2}, "
    "Flatten, {type: Linear, out_features: 10}]",
    "loss": "CrossEntropyLoss",
    "training": "{epochs: 3, batch_size: 50, clip_grad_norm: 1.0}",
    "early_stopping": "{monitor: val_accuracy, patience: 2}",
}


@pytest.fixture
def npnn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_real_digits_from_a_spec_to_a_proved_and_evaluated_network(npnn):
    spec = write_spec(Path("digits.yaml"), **DIGITS)
    output = npnn("train", spec)
    assert "MNIST: 1,000 training, 59,000 validation, 10,000 test samples of shape (1, 28, 28); 10 classes" in output
    (folder,) = Path("runs").iterdir()
    with (folder / "metrics.csv").open() as file:
        metrics = list(csv.DictReader(file))
    assert len(metrics) == 3
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["before_training"]["val_accuracy"] < 0.3 < 0.6 < summary["test"]["accuracy"]

    assert f"{summary['test']['accuracy']:.4f}" in npnn("eval", folder.name)
    report = json.loads((folder / "evaluation" / "report.json").read_text())
    assert report["accuracy"] == summary["test"]["accuracy"]
    assert np.sum(report["confusion_matrix"]) == sum(report["support"]) == 10_000
    pictures = {path.name for path in folder.rglob("*.png")}
    assert pictures == {"loss.png", "accuracy.png", "confusion_matrix.png", "mistakes.png"}

    for against in ("finite-differences", "torch"):
        assert "all agree" in npnn("gradcheck", spec, "--against", against)


def test_a_layer_registered_in_one_place_goes_the_whole_way(npnn, throwaway):
    @layers.register(example(nonzero(3, 4)), example(nonzero(3, 4), alpha=2.0))
    class CELU(Module):
        def __init__(self, alpha: float = 1.0) -> None:
            self.alpha = alpha

        def forward(self, input):
            return input.relu() + ((-(-input).relu() / self.alpha).exp() - 1) * self.alpha

    model = "[{type: Linear, out_features: 8}, {type: CELU, alpha: 0.5}, {type: Linear, out_features: 1}]"
    spec = write_spec(Path("celu.yaml"), model=model)
    assert "CELU(alpha=0.5)" in npnn("train", spec)
    (folder,) = Path("runs").iterdir()
    assert "mean absolute error" in npnn("eval", folder)
    assert "layer CELU(alpha=2.0)" in npnn("gradcheck", "--only", "CELU", "--verbose")
    for against in ("finite-differences", "torch"):
        assert "all agree" in npnn("gradcheck", spec, "--against", against)
