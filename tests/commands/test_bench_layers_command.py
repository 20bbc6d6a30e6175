"""``npnn bench --layers``: what it prints, saves and refuses. What is timed is shown in tests/bench."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from npnn_cli.bench import entrants as trainings
from npnn_cli.bench.layers import entrants
from npnn_cli.bench.process import Entrant
from npnn_cli.bench.tables import TIMES_NPNN
from npnn_cli.commands import bench_layers

README = "before\n<!-- bench:layers -->\nold\n<!-- /bench:layers -->\nafter\n"
OUTPUTS_DIFFER = """
from npnn_cli.bench.layers.engine import EngineLayer

class Wrong(EngineLayer):
    def answers(self):
        return {"outputs": super().answers()["outputs"] + 1}

def build(case):
    return Wrong(case, threads=1)
"""


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setattr(trainings, "MOST_THREADS", 1)


@pytest.fixture
def bench(npnn):
    return lambda *options: npnn("bench", "--layers", "--quick", *options)


@pytest.fixture
def relu_alone(monkeypatch):
    chosen = bench_layers.cases_of
    monkeypatch.setattr(bench_layers, "cases_of", lambda only: chosen(["ReLU"])[:1])


def saved():
    (folder,) = Path("runs").iterdir()
    return folder, json.loads((folder / "bench.json").read_text())


def test_the_figures_are_printed_and_saved(bench):
    result = bench("--only", "Softmax", "--against", "torch")

    assert result.exit_code == 0, result.output
    assert "1 layer, forward and backward, float32" in result.output
    assert TIMES_NPNN in result.output
    assert "Softmax(dim=-1)" in result.output
    folder, found = saved()
    assert folder.name.endswith("_bench_layers")
    assert f"saved in {folder}/" in result.output
    assert found["command"] == "npnn bench --layers --only Softmax --against torch --quick"
    (layer,) = found["layers"]
    assert (layer["layer"], layer["input"]) == ("Softmax(dim=-1)", [64, 256])
    assert [contender["form"] for contender in layer["contenders"]] == ["npnn", "PyTorch"]
    assert all(contender["step"]["median"] > 0 for contender in layer["contenders"])


def test_a_layer_that_computes_something_else_is_not_timed(bench, relu_alone, tmp_path, monkeypatch):
    (tmp_path / "planted_layer.py").write_text(OUTPUTS_DIFFER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ours = entrants.entrants
    monkeypatch.setattr(
        bench_layers, "entrants", lambda case, against: [*ours(case, ()), Entrant("the rival", "planted_layer", 1)]
    )
    Path("README.md").write_text(README)

    result = bench("--readme", "README.md")

    assert result.exit_code == 1
    assert re.search(r"ReLU\(\) on 64 . 256: the rival DIFFERS: outputs by ", result.output)
    assert Path("README.md").read_text() == README
    _, found = saved()
    assert found["layers"][0]["contenders"][1]["step"] is None


@pytest.mark.usefixtures("relu_alone")
def test_the_table_in_a_readme_is_replaced(bench):
    Path("README.md").write_text(README)

    result = bench("--readme", "README.md")

    assert result.exit_code == 0, result.output
    before, table, caption, after = Path("README.md").read_text().split("\n\n")
    assert (before, after) == ("before\n<!-- bench:layers -->", "<!-- /bench:layers -->\nafter\n")
    assert re.match(r"\| `ReLU\(\)` \| 64 . 256 \|", table.splitlines()[2])
    assert caption.startswith("`npnn bench --layers --quick` on ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "Conv2D"], "no layer 'Conv2D' is timed: did you mean 'Conv2d'?"),
        (["--only", "MLP"], "no layer 'MLP' is timed; timed are AdaptiveAvgPool2d, "),
        (["small.yaml"], "give either a spec or --layers"),
        (["--batch-size", "8"], "--batch-size, --sweep and --against sklearn are for specs, not for --layers"),
        (["--against", "sklearn"], "--batch-size, --sweep and --against sklearn are for specs, not for --layers"),
        (["--only", "ReLU", "--readme", "README.md"], "--readme needs all layers, not --only some"),
        (["--readme", "nowhere.md"], "nowhere.md: No such file"),
    ],
)
def test_what_cannot_be_asked_for_is_told(bench, options, message):
    result = bench(*options)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not Path("runs").exists()


def test_a_spec_or_layers_must_be_named(npnn):
    for options in ([], ["small.yaml", "--only", "ReLU"]):
        result = npnn("bench", *options)
        assert result.exit_code == 2
        assert result.stderr
