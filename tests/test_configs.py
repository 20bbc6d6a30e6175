"""The specs in configs/ reach what the project promises, on the whole of their real data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from npnn_cli.data import Diabetes
from npnn_cli.spec import load_spec
from npnn_cli.training.building import build_network

CONFIGS = Path(__file__).parents[1] / "configs"


def test_accuracy(trained):
    mlp, cnn = (json.loads((trained(name) / "summary.json").read_text()) for name in ("mnist_mlp", "mnist_cnn"))
    assert mlp["epochs"] <= 9
    assert mlp["test"]["accuracy"] >= 0.975
    assert cnn["test"]["accuracy"] >= 0.989


def test_diabetes_beats_the_mean_by_15_percent(trained):
    network = build_network(load_spec(CONFIGS / "diabetes_mlp.yaml"))
    assert isinstance(network.dataset, Diabetes)
    splits = network.load_data()
    of_the_mean = np.abs(splits.test.targets - splits.train.targets.mean()).mean()
    report = json.loads((trained("diabetes_mlp") / "summary.json").read_text())
    assert report["test"]["mae"] <= 0.85 * of_the_mean


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_is_explained(config):
    comments = [line for line in config.read_text().splitlines() if "#" in line]
    assert len(comments) >= 5
