"""Specs and a data set small enough that a whole training takes milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npnn_cli import registry
from npnn_cli.data import Dataset, DataSplits, Split, Standardize
from npnn_cli.examples import example
from npnn_cli.spec import RunSpec, parse_spec

REGRESSION = {
    "seed": "0",
    "data": "Diabetes",
    "model": "[{type: Linear, out_features: 8}, ReLU, {type: Linear, out_features: 1}]",
    "loss": "MSELoss",
    "optimizer": "{type: Adam, lr: 1e-2}",
    "training": "{epochs: 3, batch_size: 50}",
}
CLASSIFICATION = {
    **REGRESSION,
    "data": "Blobs",
    "model": "[{type: Linear, out_features: 8}, Tanh, {type: Linear, out_features: 3}]",
    "loss": "CrossEntropyLoss",
}
DIVERGING = {"optimizer": "{type: SGD, lr: 1e8}", "training": "{epochs: 5, batch_size: 1000}"}  # in the second epoch
OVERSHOOTING = {  # the fourth epoch is the best, the last is far worse
    "model": "[{type: Linear, out_features: 1}]",
    "optimizer": "{type: SGD, lr: 0.27}",
    "training": "{epochs: 12, batch_size: 1000}",
}


def spec_text(**sections: str | None) -> str:
    """A spec of a regression, with these sections in place of its own, or without those that are None."""
    return "".join(f"{key}: {value}\n" for key, value in {**REGRESSION, **sections}.items() if value is not None)


def small_spec(**sections: str | None) -> RunSpec:
    return parse_spec(spec_text(**sections), "small.yaml", "small")


def write_spec(path: Path, **sections: str | None) -> Path:
    path.write_text(spec_text(**sections))
    return path


class Blobs(Dataset):
    """Clouds of points, one per class; one training point is damaged on request."""

    task = "classification"
    input_shape = (4,)

    def __init__(self, classes: int = 3, damaged: bool = False) -> None:
        self.class_names = ("red", "green", "blue", "grey")[:classes]
        self.damaged = damaged

    def load(self, *, rng: np.random.Generator) -> DataSplits:
        centers = np.random.default_rng(0).normal(0, 1.5, (len(self.class_names), *self.input_shape))
        targets = np.arange(150) % len(self.class_names)
        inputs = centers[targets] + rng.standard_normal((150, *self.input_shape))
        if self.damaged:
            inputs[0] = np.nan
        parts = [Split(inputs[part], targets[part]) for part in (slice(70), slice(70, 100), slice(100, 150))]
        return DataSplits(*parts, input_scaling=Standardize(0, 2), target_scaling=None)


@pytest.fixture
def blobs(throwaway: None) -> None:
    """Blobs can be named in a spec."""
    registry.datasets.register(example())(Blobs)
