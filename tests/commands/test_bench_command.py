"""``npnn bench``: what it prints, saves and refuses. That the figures are right is shown in tests/bench."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from small_specs import write_spec
from typer.testing import Result

from npnn_cli.bench import entrants, growth
from npnn_cli.bench.process import Entrant
from npnn_cli.bench.tables import TIMES_NPNN

README = "before\n<!-- bench:small -->\nold\n<!-- /bench:small -->\nafter\n"
OUTPUTS_DIFFER = """
from npnn_cli.bench.engine import Engine

class Wrong(Engine):
    def answers(self):
        return {"outputs": super().answers()["outputs"] + 1}

build = Wrong
"""


@pytest.fixture
def bench(npnn: Callable[..., Result]) -> Callable[..., Result]:
    """The command on a small spec, with few measurements."""

    def run(*options: str | Path, **sections: str | None) -> Result:
        return npnn("bench", write_spec(Path("small.yaml"), name="small", **sections), "--quick", *options)

    return run


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """npnn takes part, and nobody else."""
    monkeypatch.setattr(entrants, "_others", lambda spec, against: ())


@pytest.fixture
def rival(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a contender of a text the only one beside npnn."""

    def plant(text: str) -> None:
        (tmp_path / "planted_rival.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(entrants, "_others", lambda spec, against: [Entrant("the rival", "planted_rival", 1)])

    return plant


def saved(runs: Path = Path("runs")) -> tuple[Path, dict]:
    (folder,) = runs.iterdir()
    return folder, json.loads((folder / "bench.json").read_text())


def test_the_figures_are_printed_and_saved(bench):
    result = bench("--against", "sklearn", "--batch-size", "30")

    assert result.exit_code == 0, result.output
    assert "small.yaml, batches of 30, float32" in result.output
    assert TIMES_NPNN in result.output
    assert "scikit-learn has no such network" in result.output
    folder, found = saved()
    assert folder.name.endswith("_bench_small_b30")
    assert f"saved in {folder}/" in result.output
    assert found["name"] == "small_b30"
    assert found["command"] == "npnn bench small.yaml --against sklearn --batch-size 30 --quick"
    assert (found["batch_size"], found["dtype"]) == (30, "float32")
    assert set(found["absent"]) == {"hand-written NumPy", "scikit-learn MLPClassifier"}
    npnn, *with_other_threads = found["contenders"]
    assert (npnn["form"], npnn["times_npnn"]) == ("npnn", 1)
    assert {contender["form"] for contender in with_other_threads} <= {
        "npnn, threads: 2"
    }  # on a machine with two cores
    assert 0 < npnn["step"]["low"] <= npnn["step"]["median"] <= npnn["step"]["high"]
    assert npnn["epoch"]["median"] > 0
    assert npnn["peak_memory"] > 2**20
    machine = found["machine"]
    assert machine["processor"] in result.output
    assert f"NumPy {machine['packages']['numpy']} ({machine['blas']})" in result.output
    assert re.match(r"[a-z]+ \d", machine["blas"])


@pytest.mark.usefixtures("alone")
def test_every_measurement_has_a_folder_of_its_own(bench):
    assert bench().exit_code == 0
    assert bench().exit_code == 0
    assert bench("--output", "new/place").exit_code == 0

    assert len(list(Path("runs").iterdir())) == 2
    assert json.loads(Path("new/place/bench.json").read_text())["name"] == "small"


def test_pytorch_is_timed_in_each_of_its_forms(bench, monkeypatch):
    monkeypatch.setattr(entrants, "MOST_THREADS", 1)

    result = bench("--against", "torch")

    assert result.exit_code == 0, result.output
    _, found = saved()
    forms = [contender["form"] for contender in found["contenders"]]
    assert forms == ["npnn", "PyTorch, default Adam", "PyTorch, fused Adam"]
    assert all(contender["step"]["median"] > 0 for contender in found["contenders"])


def test_a_contender_that_computes_something_else_is_not_timed(bench, rival):
    rival(OUTPUTS_DIFFER)
    Path("README.md").write_text(README)

    result = bench("--readme", "README.md")

    assert result.exit_code == 1
    assert "the rival DIFFERS from npnn: outputs by " in result.output
    assert Path("README.md").read_text() == README
    _, found = saved()
    assert found["contenders"][1]["differs"]["outputs"] > 0.1
    assert found["contenders"][1]["step"] is None


@pytest.mark.usefixtures("alone")
def test_the_table_in_a_readme_is_replaced(bench):
    Path("README.md").write_text(README)

    result = bench("--readme", "README.md")

    assert result.exit_code == 0, result.output
    before, table, caption, after = Path("README.md").read_text().split("\n\n")
    heading, _, npnn = table.splitlines()
    assert (before, after) == ("before\n<!-- bench:small -->", "<!-- /bench:small -->\nafter\n")
    assert heading.startswith("| contender | threads |")
    assert npnn.startswith("| npnn | 1 |")
    _, found = saved()
    assert caption.startswith(f"`npnn bench small.yaml --quick` on {found['machine']['processor']}, ")


def test_a_readme_without_the_place_is_refused_before_anything_is_measured(bench, monkeypatch):
    monkeypatch.setattr("npnn_cli.commands.bench.run_race", None)
    Path("README.md").write_text("no place")

    result = bench("--readme", "README.md")

    assert result.exit_code == 2
    assert "README.md: the table's place must be marked" in result.stderr
    assert "<!-- bench:small -->" in result.stderr
    assert not Path("runs").exists()


def test_a_readme_that_is_not_there_is_refused(bench):
    result = bench("--readme", "nowhere.md")

    assert result.exit_code == 2
    assert "nowhere.md: No such file" in result.stderr


def test_a_missing_library_is_one_line_with_the_remedy(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(entrants, "MOST_THREADS", 1)
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    result = bench("--against", "torch")

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "pip install 'torch" in result.stderr


def test_a_contender_that_fails_is_named(bench, rival):
    rival("def build(workload): raise ArithmeticError('the loss is nan')")

    result = bench()

    assert result.exit_code == 1
    assert result.stderr == "error: the rival (threads: 1) failed: ArithmeticError: the loss is nan\n"


def test_a_mistake_in_the_spec_is_told_before_anything_is_measured(bench):
    result = bench(model="[{type: Linear, out_features: 5}]")

    assert result.exit_code == 2
    assert "small.yaml:" in result.stderr


@pytest.mark.parametrize("options", [("--batch-size", "0"), ("--against", "jax")])
def test_what_cannot_be_asked_for(bench, options):
    assert bench(*options).exit_code == 2


@pytest.mark.usefixtures("alone")
def test_growth_is_measured_on_request(bench, monkeypatch):
    monkeypatch.setattr(growth, "BATCH_SIZES", (16, 32))

    result = bench("--sweep", model="[{type: Linear, out_features: 1}]")

    assert result.exit_code == 0, result.output
    folder, found = saved()
    (curve,) = found["growth"]
    assert (curve["size"], curve["sizes"]) == ("samples in a batch", [16, 32])
    assert (folder / "growth.png").read_bytes().startswith(b"\x89PNG")
