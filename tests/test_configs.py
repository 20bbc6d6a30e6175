"""The specs in configs/ reach what the project promises, on the whole of their real data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from npnn_cli.data import Diabetes
from npnn_cli.spec import load_spec
from npnn_cli.training.building import build_network

README = Path(__file__).parents[1] / "README.md"
CONFIGS = README.with_name("configs")


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


def test_the_figures_in_the_readme_are_those_that_the_specs_reach(trained):
    """To the rounding that another machine's arithmetic may bring about."""
    text = README.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)\.yaml` \|.*\| .*?([\d.]+)", text, flags=re.MULTILINE))
    assert set(rows) == {"mnist_mlp", "mnist_cnn", "diabetes_mlp"}
    for name, figure in rows.items():
        test = json.loads((trained(name) / "summary.json").read_text())["test"]
        if name == "diabetes_mlp":
            assert float(figure) == pytest.approx(test["mae"], abs=2.0)
        else:
            assert float(figure) == pytest.approx(100 * test["accuracy"], abs=0.3)


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_is_explained(config):
    comments = [line for line in config.read_text().splitlines() if "#" in line]
    assert len(comments) >= 5
