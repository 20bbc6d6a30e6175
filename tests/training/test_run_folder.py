"""A run folder is fresh, is found again, and says what is in it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from npnn_cli.training.run_folder import RunFolder, RunNotFoundError, environment

NOW = datetime(2026, 11, 22, 14, 3, 7)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """An empty working folder with a folder of two runs in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("2026-11-21_09-00-00_mlp", "2026-11-22_14-03-07_cnn"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "config.yaml").write_text("name: x\n")
    return Path("runs")


def test_a_folder_is_named_by_time_and_spec(tmp_path):
    folder = RunFolder.create(tmp_path / "deep" / "runs", "mnist_mlp", NOW)
    assert folder.path == tmp_path / "deep" / "runs" / "2026-11-22_14-03-07_mnist_mlp"
    assert list(folder.path.iterdir()) == [folder.path / "checkpoints"]


def test_runs_of_the_same_second_never_share_a_folder(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        folders = list(threads.map(lambda _: RunFolder.create(tmp_path, "mlp", NOW).path, range(40)))
    assert len(set(folders)) == 40
    assert set(folders) == set(tmp_path.iterdir())
    assert {"2026-11-22_14-03-07_mlp", "2026-11-22_14-03-07_mlp_2"} <= {folder.name for folder in folders}


@pytest.mark.parametrize("runs", ["file", "file/runs"])
def test_a_file_is_no_folder_of_runs(tmp_path, runs):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(NotADirectoryError) as caught:
        RunFolder.create(tmp_path / runs, "mlp", NOW)
    assert caught.value.filename == str(tmp_path / runs)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    "name", ["2026-11-21_09-00-00_mlp", "runs/2026-11-21_09-00-00_mlp", "runs/2026-11-21_09-00-00_mlp/", "absolute"]
)
def test_a_run_is_found_by_its_name_and_by_its_path(runs, name):
    expected = runs / "2026-11-21_09-00-00_mlp"
    folder = RunFolder.find(str(expected.absolute()) if name == "absolute" else name, runs)
    assert folder.path.samefile(expected)
    assert folder.config.read_text() == "name: x\n"


@pytest.mark.parametrize(
    ("name", "message"),
    {
        "a near name": ("2026-11-21_09-00-00_mpl", ": did you mean '2026-11-21_09-00-00_mlp'?"),
        "a near path": ("runs/2026-11-21_09-00-0_mlp", ": did you mean '2026-11-21_09-00-00_mlp'?"),
        "another name": ("x", "; the latest is runs/2026-11-22_14-03-07_cnn"),
        "a file": ("runs/2026-11-21_09-00-00_mlp/config.yaml", "; the latest is "),
    }.values(),
)
def test_a_run_that_does_not_exist(runs, name, message):
    with pytest.raises(RunNotFoundError) as caught:
        RunFolder.find(name, runs)
    assert str(caught.value).startswith(f"there is no run '{name}'{message}")


def test_there_are_no_runs_at_all(tmp_path):
    with pytest.raises(RunNotFoundError, match=r"there is no run 'x'; there are none in .*/nowhere/$"):
        RunFolder.find("x", tmp_path / "nowhere")


@pytest.mark.parametrize("name", [".", "..", "runs", "/", ""])
def test_another_folder_is_no_run(runs, name):
    with pytest.raises(RunNotFoundError, match=r"is no run folder: it has no config\.yaml"):
        RunFolder.find(name, runs)


def test_a_name_is_looked_up_inside_the_folder_of_runs_alone(runs):
    (runs.parent / "secret").mkdir()
    (runs.parent / "secret" / "config.yaml").write_text("")
    inside = runs.absolute() / "empty"
    inside.mkdir()
    os.chdir(inside)
    with pytest.raises(RunNotFoundError, match="there is no run 'secret'"):
        RunFolder.find("secret", inside)


def test_a_path_is_not_looked_up_inside_the_folder_of_runs(runs):
    (runs / "kept").mkdir()
    (runs / "2026-11-21_09-00-00_mlp").rename(runs / "kept" / "mlp")
    with pytest.raises(RunNotFoundError, match="there is no run 'kept/mlp'"):
        RunFolder.find("kept/mlp", runs)


def test_json_has_null_for_what_is_not_finite(tmp_path):
    content = {"a": 1.5, "b": {"c": math.nan, "d": np.float64("inf")}, "e": ["x"], "f": None, "g": True, "h": 3}
    RunFolder(tmp_path).write_json("x.json", content)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == content | {"b": {"c": None, "d": None}}


def test_metrics_are_a_row_per_epoch(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_metrics([{"epoch": 1, "val_loss": 0.1 + 0.2}])
    folder.write_metrics([{"epoch": 1, "val_loss": 0.1 + 0.2}, {"epoch": 2, "val_loss": np.float64(1e-7)}])
    assert (tmp_path / "metrics.csv").read_text() == "epoch,val_loss\n1,0.30000000000000004\n2,1e-07\n"


def test_the_environment(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["npnn", "train", "x.yaml"])
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    found = environment()
    assert found["command_line"] == ["npnn", "train", "x.yaml"]
    assert found["packages"]["numpy"] == np.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["threads"]["OPENBLAS_NUM_THREADS"] == "1"
    assert found["cpu_count"] == os.cpu_count()
    assert found["platform"]
    assert found["processor"] or not Path("/proc/cpuinfo").exists()
    json.dumps(found)


def test_the_commit_is_that_of_the_working_folder(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=x", "-c", "user.email=x", "-c", "commit.gpgsign=false"]
        found = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return found.stdout.strip()

    monkeypatch.chdir(tmp_path)
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment()["git_commit"] is None
    git("init")
    assert environment()["git_commit"] is None
    git("commit", "--allow-empty", "--no-verify", "-m", "first")
    assert environment()["git_commit"] == git("rev-parse", "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment()["git_commit"] is None
