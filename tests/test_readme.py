"""The README tells the truth: its commands and snippets are run, and its figures are those of the specs in configs/."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import npnn_cli
from npnn_cli import registry
from npnn_cli.bench import entrants
from npnn_cli.commands import gradcheck
from npnn_cli.commands.app import app
from npnn_cli.proofs.differentiation import differentiation_checks
from npnn_cli.spec import parse_spec
from npnn_cli.spec.components import import_components
from npnn_cli.training.building import build_network

ROOT = Path(__file__).parents[1]
PACKAGE = Path(npnn_cli.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    return [line.removeprefix("$ ") for line in block.splitlines()]


INSTALL, USE = (commands(block) for block in blocks("console"))
LIBRARY_SNIPPET, LAYER_SNIPPET = blocks("python")
SPEC, PARTS = blocks("yaml")


def test_ci_runs_the_two_commands_word_for_word():
    assert len(INSTALL) == 2
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    run = [line for line in lines if line.startswith("pip install")]
    assert [line.partition(" || ")[0] for line in run] == INSTALL
    assert all(" || failed " in line for line in run)  # set -e alone overlooks the left side of an &&


def test_the_commands_work_one_after_the_other(tmp_path, monkeypatch):
    # tests/commands runs the proofs and the measurements whole, and looks at what they print; test_configs trains.
    everything = gradcheck.catalogue_checks
    monkeypatch.setattr(gradcheck, "catalogue_checks", lambda *chosen: itertools.islice(everything(*chosen), 20))
    monkeypatch.setattr(entrants, "MOST_THREADS", 1)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    config = tmp_path / "configs" / "mnist_mlp.yaml"
    config.write_text(re.sub(r"epochs: \d+", "epochs: 1", config.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert len(USE) >= 5
    for command in USE:
        program, *arguments = command.split()
        assert program == "npnn"
        if "runs/<id>" in arguments:
            (run,) = (tmp_path / "runs").iterdir()
            arguments = [str(run.relative_to(tmp_path)) if word == "runs/<id>" else word for word in arguments]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, (command, result.output)


def test_the_library_snippet_runs(capsys):
    names = {}
    exec(LIBRARY_SNIPPET, names)
    assert capsys.readouterr().out == "[0. 2. 4.]\n"
    assert names["stopper"].best < 0.01


@pytest.mark.parametrize("against", ["finite-differences", "torch"])
def test_the_layer_of_the_readme_is_in_the_spec_and_in_the_proofs(throwaway, against):
    import_components()
    exec(LAYER_SNIPPET, {"__name__": "readme"})
    assert parse_spec(SPEC.replace("- ReLU", "- {type: CELU, alpha: 2.0}"), "spec").model[2].type == "CELU"
    found = list(differentiation_checks(against, only={"CELU"}))
    assert len(found) == 2
    assert all(check.passed for check in found)


def test_the_spec_is_the_one_in_configs():
    assert parse_spec(SPEC, "README.md").model == parse_spec((ROOT / "configs/mnist_mlp.yaml").read_text(), "").model


def test_components_inside_others_are_built_as_it_says():
    own = {line.split(":")[0]: line for line in SPEC.splitlines() if re.match(r"\w+: ", line)}
    classes = "  - Flatten\n  - {type: Linear, out_features: 10}\n"
    model, scheduler = PARTS.split("scheduler: ")
    text = "\n".join([*(own[key] for key in ("name", "data", "loss", "optimizer", "training")), model + classes])
    network = build_network(parse_spec(f"{text}scheduler: {scheduler}", "README.md"))
    assert [row.name for row in network.layers] == ["0", "0.layers.0", "0.layers.1", "0.projection", "1", "2"]
    _, schedule = network.build_optimizer(steps_per_epoch=1)
    assert schedule.schedulers[1].T_max == network.spec.training.epochs - 3


def test_every_component_is_named():
    import_components()
    table = next(part for part in README.split("\n\n") if part.startswith("| | names |"))
    for kind in (
        registry.layers,
        registry.losses,
        registry.optimizers,
        registry.schedulers,
        registry.initializers,
        registry.datasets,
    ):
        row = next(line for line in table.splitlines() if f"`{next(iter(kind))}`" in line)
        assert set(re.findall(r"`(\w+)`", row)) == {*kind, *kind._aliases}


def test_every_dependency_has_its_reason():
    table = README.partition("## Dependencies")[2].casefold()
    needed = re.search(r"^dependencies = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert needed
    names = re.findall(r'"([a-z]+)', needed[1])
    assert len(names) == 7
    assert all(f"| {name} |" in table for name in names)


def test_the_layer_of_the_readme_needs_no_file_but_its_own(tmp_path):
    """The file is put into a copy of the package, as a newcomer would put it into the real one."""
    package = tmp_path / "npnn_cli"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("embedded", "__pycache__"))
    (package / "nn" / "celu.py").write_text(LAYER_SNIPPET, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(SPEC.replace("- ReLU", "- {type: CELU, alpha: 2.0}"), encoding="utf-8")
    script = (
        "import sys; from pathlib import Path; from npnn_cli.spec import load_spec\n"
        "from npnn_cli.proofs.differentiation import differentiation_checks\n"
        "from npnn_cli.nn import CELU\n"
        "assert load_spec(Path('spec.yaml')).model[2].type == 'CELU'\n"
        "for against in ('finite-differences', 'torch'):\n"
        "    found = list(differentiation_checks(against, only={'CELU'}))\n"
        "    assert len(found) == 2 and all(check.passed for check in found)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
