"""``npnn train``: what it prints, what it leaves in the run folder, and how it ends."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import re
import signal
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from small_specs import CLASSIFICATION, DIVERGING, OVERSHOOTING, write_spec
from threadpoolctl import threadpool_info, threadpool_limits

from npnn_cli.training import run as run_module
from npnn_cli.training.checkpoints import load_checkpoint
from npnn_cli.training.evaluation import evaluate
from npnn_cli.training.loop import TrainingStep


def rows(folder, *, without=()):
    with (folder / "metrics.csv").open() as file:
        return [{k: float(v) for k, v in row.items() if k not in without} for row in csv.DictReader(file)]


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def weights(folder, checkpoint="best"):
    loaded = load_checkpoint(folder / "checkpoints" / f"{checkpoint}.npz").weights
    return {name: (array.shape, array.tobytes()) for name, array in loaded.items()}


def the_run():
    (folder,) = Path("runs").iterdir()
    return folder


def test_the_output_tells_what_is_read_and_built_and_how_it_went(npnn):
    result = npnn("train", write_spec(Path("small.yaml"), scheduler="{type: OneCycleLR, max_lr: 1e-2}"))
    folder = the_run()
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for expected in (
        "spec small.yaml",
        "data Diabetes: 288 training, 66 validation, 88 test samples of shape (10,); "
        "disease progression after one year (score)",
        "0 Linear(in_features=10, out_features=8) (8,) 88",
        "1 ReLU() (8,) 0",
        "total 97",
        "with loss MSELoss(), optimizer Adam(lr=0.01), scheduler OneCycleLR(max_lr=0.01)",
        "for 3 epochs of 6 batches of 50, float32, seed 0, threads 1",
        f"run {folder}/",
        "epoch train loss val loss val mae val r2 learning rate seconds",
        f"next: npnn eval {folder}",
    ):
        assert expected in lines
    assert [line.split()[0].rstrip("*") for line in lines if re.match(r"\d/3", line)] == ["1/3", "2/3", "3/3"]
    before = next(line for line in lines if line.startswith("before training: "))
    after = next(line for line in lines if line.startswith("after training: "))
    assert f"val_loss {summary(folder)['before_training']['val_loss']:.4g}" in before
    assert f"val_loss {summary(folder)['best']['val_loss']:.4g}" in after
    assert f"on test data: loss {summary(folder)['test']['loss']:.4g}" in " ".join(lines)
    assert result.stderr == ""


def test_the_named_next_command_works(npnn):
    last_line = npnn("train", write_spec(Path("small.yaml"))).stdout.splitlines()[-1]
    program, *arguments = last_line.removeprefix("next: ").split()
    assert program == "npnn"
    assert npnn(*arguments).exit_code == 0


def test_the_rows_of_the_epochs_are_aligned(npnn):
    output = npnn("train", write_spec(Path("small.yaml"), training="{epochs: 11, batch_size: 50}")).stdout
    table = [line for line in output.splitlines() if re.match(r"epoch  | *\d+/11", line)]
    assert len(table) == 12
    assert len({len(line) for line in table}) == 1


@pytest.mark.parametrize(
    ("sections", "pictures"),
    [({}, {"loss.png", "mae.png", "r2.png"}), (CLASSIFICATION, {"loss.png", "accuracy.png"})],
    ids=["regression", "classification"],
)
def test_the_folder_holds_all_that_is_known_of_the_run(blobs, train, sections, pictures):
    folder = train(**sections)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_small", folder.name)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    data = {"config.yaml", "metrics.csv", "environment.json", "summary.json"}
    assert files == data | pictures | {"checkpoints/best.npz", "checkpoints/last.npz"}
    for picture in pictures:
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    assert [row["epoch"] for row in rows(folder)] == [1, 2, 3]
    assert all(math.isfinite(value) for row in rows(folder) for value in row.values())
    assert summary(folder)["ending"] == "finished"
    environment = json.loads((folder / "environment.json").read_text())
    assert any(pool["architecture"] in environment["blas"] for pool in threadpool_info() if pool["user_api"] == "blas")
    assert environment["packages"]["numpy"] == np.__version__


def test_the_resolved_config_trained_again_gives_the_same_run(npnn, train):
    model = "[{type: MLP, hidden_features: [8], out_features: 4}, Dropout, {type: Linear, out_features: 1}]"
    first = train(model=model, scheduler="{type: OneCycleLR, max_lr: 0.1}", early_stopping="{patience: 2}", seed="5")
    assert npnn("train", first / "config.yaml").exit_code == 0
    (again,) = set(Path("runs").iterdir()) - {first}
    assert (again / "config.yaml").read_bytes() == (first / "config.yaml").read_bytes()
    for checkpoint in ("best", "last"):
        assert weights(again, checkpoint) == weights(first, checkpoint)
    assert rows(again, without=["seconds"]) == rows(first, without=["seconds"])
    assert summary(again)["test"] == summary(first)["test"]


def test_the_same_seed_gives_the_same_result_and_another_seed_another(train):
    first, again, other = train(), train(), train(seed="1")
    assert weights(first) == weights(again)
    assert summary(first)["test"] == summary(again)["test"]
    assert weights(first) != weights(other)
    assert summary(first)["test"] != summary(other)["test"]


def test_two_runs_in_the_same_second_have_a_folder_each(train, monkeypatch):
    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 22, 14, 3, 7)

    monkeypatch.setattr(run_module, "datetime", Stopped)
    assert train().name == "2026-11-22_14-03-07_small"
    assert train().name == "2026-11-22_14-03-07_small_2"


def test_a_star_marks_every_epoch_that_is_the_best_so_far(npnn):
    output = npnn("train", write_spec(Path("small.yaml"), **OVERSHOOTING)).stdout
    assert re.findall(r"^ *(\d+)/12\*", output, re.MULTILINE) == ["1", "2", "4"]


def test_what_sigterm_does_is_as_before_when_the_training_is_over(train):
    before = signal.getsignal(signal.SIGTERM)
    train()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_training_keeps_the_memory_that_it_frees(train, monkeypatch):
    called = []
    monkeypatch.setattr("npnn_cli.commands.train.keep_freed_memory", lambda: called.append(True))
    train()
    assert called == [True]


@pytest.mark.parametrize("threads", [1, 2])
def test_training_and_evaluation_use_the_threads_of_the_spec(train, npnn, monkeypatch, threads):
    used = []

    def watched(network, splits, split):
        used.append({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
        return evaluate(network, splits, split)

    for module in ("training.loop", "training.run"):
        monkeypatch.setattr(f"npnn_cli.{module}.evaluate", watched)
    monkeypatch.setattr("npnn_cli.commands.evaluate.evaluate_split", watched)
    with threadpool_limits(3 - threads, user_api="blas"):
        folder = train(training=f"{{epochs: 1, threads: {threads}}}")
        assert npnn("eval", folder).exit_code == 0
    assert used == [{threads}] * 4  # before and after the epoch, the test, and the test again


def test_the_folder_of_runs_can_be_chosen(npnn, tmp_path):
    assert npnn("train", write_spec(Path("small.yaml")), "--runs", tmp_path / "a" / "b").exit_code == 0
    (folder,) = (tmp_path / "a" / "b").iterdir()
    assert (folder / "summary.json").is_file()
    assert not Path("runs").exists()


def test_a_name_that_looks_like_markup_is_printed_as_it_is(npnn):
    Path("[red]").mkdir()
    spec = write_spec(Path("[red]", ":x: [bold].yaml"), name="small")
    result = npnn("train", spec, "--runs", "[/x]")
    assert result.exit_code == 0
    assert "spec    [red]/:x: [bold].yaml\n" in result.stdout
    assert "next: npnn eval '[/x]/" in result.stdout


def test_early_stopping_says_why_and_what_to_do(npnn):
    stopping = "{patience: 3}"
    result = npnn("train", write_spec(Path("small.yaml"), **OVERSHOOTING, early_stopping=stopping))
    assert result.exit_code == 0
    found = summary(the_run())
    assert found["ending"] == "stopped early"
    assert (found["best_epoch"], found["epochs"]) == (4, 7)
    assert len(rows(the_run())) == 7
    assert "stopped early: val_loss has not improved since epoch 4" in result.stdout
    assert "raise early_stopping.patience above 3" in result.stdout
    assert "(epoch 4, the best by val_loss)" in result.stdout
    assert "(best.npz)" in result.stdout


def test_the_last_weights_are_evaluated_if_the_best_are_not_to_be_restored(npnn):
    stopping = "{patience: 3, restore_best_weights: false}"
    result = npnn("train", write_spec(Path("small.yaml"), **OVERSHOOTING, early_stopping=stopping))
    assert "(last.npz)" in result.stdout
    npnn("eval", the_run(), "--weights", "last")
    report = json.loads((the_run() / "evaluation" / "report.json").read_text())
    assert report["checkpoint"] == "last.npz"
    assert report["mae"] == summary(the_run())["test"]["mae"]


def test_a_divergence_keeps_the_best_weights(npnn):
    result = npnn("train", write_spec(Path("small.yaml"), **DIVERGING))
    assert result.exit_code == 3
    folder = the_run()
    first, *others = result.stderr.splitlines()
    assert first.startswith("error: training diverged in epoch 2, batch 1 of 1: the gradient of 2.weight is not finite")
    assert others[0] == f"the best weights, of epoch 1, are in {folder}/checkpoints/best.npz"
    assert "optimizer.lr" in others[1]
    assert len(others) == 2
    assert (summary(folder)["ending"], summary(folder)["best_epoch"]) == ("diverged", 1)
    assert (folder / "loss.png").is_file()
    assert npnn("eval", folder).exit_code == 0


def test_a_divergence_in_the_first_epoch(npnn):
    result = npnn("train", write_spec(Path("small.yaml"), optimizer="{type: Adam, lr: 1e30}"))
    assert result.exit_code == 3
    assert re.search(
        r"epoch 1, batch \d of 6: the loss is (nan|inf); the largest weight is in 0.\w+ \(\S+\)\nno epoch was",
        result.stderr,
    )
    assert summary(the_run())["ending"] == "diverged"
    assert not (the_run() / "checkpoints" / "best.npz").exists()


def test_nan_in_the_data(blobs, npnn):
    sections = {**CLASSIFICATION, "data": "{type: Blobs, damaged: true}"}
    result = npnn("train", write_spec(Path("small.yaml"), **sections))
    assert result.exit_code == 3
    assert re.search(
        r"epoch 1, batch [12] of 2: the loss is nan; the largest weight is in \S+ \(\S+\)\n", result.stderr
    )


def test_what_cannot_be_known_is_null_in_the_summary(train):
    folder = train(data="{type: Diabetes, validation: 1, test: 1}")
    found = json.loads((folder / "summary.json").read_text(), parse_constant=pytest.fail)
    assert found["best"]["val_r2"] is found["before_training"]["val_r2"] is found["test"]["r2"] is None


def test_ctrl_c_in_the_first_epoch_leaves_the_initial_weights(npnn, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingStep, "update", interrupt)
    result = npnn("train", write_spec(Path("small.yaml")))
    assert result.exit_code == 130
    assert "interrupted; the weights as they were are in " in result.stderr
    assert "no epoch was finished" in result.stderr
    assert (summary(the_run())["ending"], summary(the_run())["epochs"]) == ("interrupted", 0)
    assert set(weights(the_run(), "last")) == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_ctrl_c_after_the_training_leaves_what_it_reached(npnn, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "evaluate", interrupt)
        result = npnn("train", write_spec(Path("small.yaml"), **OVERSHOOTING))
    assert result.exit_code == 130
    assert result.stderr == f"error: interrupted after the training had ended; next: npnn eval {the_run()}\n"
    found = summary(the_run())
    assert (found["ending"], found["epochs"], found["best_epoch"], found["test"]) == ("finished", 12, 4, None)
    assert load_checkpoint(the_run() / "checkpoints" / "last.npz").about["epoch"] == 12
    assert weights(the_run(), "last") != weights(the_run(), "best")
    assert npnn("eval", the_run()).exit_code == 0


def test_the_result_is_told_even_if_it_cannot_be_drawn(npnn, monkeypatch):
    def full_disk(history, metric, path, **_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("npnn_cli.commands.train.plot_curves", full_disk)
    result = npnn("train", write_spec(Path("small.yaml")))
    assert (result.exit_code, result.stderr) == (2, f"error: {the_run()}/loss.png: No space left on device\n")
    assert "on test data: " in result.stdout
    assert summary(the_run())["test"] is not None


@pytest.mark.parametrize("sections", [DIVERGING, {}], ids=["diverged", "interrupted"])
def test_another_ctrl_c_loses_at_most_the_pictures(npnn, monkeypatch, sections):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("npnn_cli.commands.train.plot_curves", interrupt)
    if not sections:
        monkeypatch.setattr("npnn_cli.training.loop.EarlyStopping.__call__", interrupt)
    result = npnn("train", write_spec(Path("small.yaml"), **sections))
    assert result.exit_code == 130
    assert summary(the_run())["ending"] == ("diverged" if sections else "interrupted")
    assert len(rows(the_run())) == 1
    assert "checkpoints/" in result.stderr


def test_ctrl_c_while_the_folder_is_being_made_leaves_none(npnn, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "environment", interrupt)
    result = npnn("train", write_spec(Path("small.yaml")))
    assert (result.exit_code, result.stderr) == (130, "error: interrupted\n")
    assert not Path("runs").exists()


@pytest.mark.parametrize("command", ["train", "gradcheck"])
def test_ctrl_c_before_there_is_anything_to_save(npnn, monkeypatch, command):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("npnn_cli.data.Diabetes.load", interrupt)
    result = npnn(command, write_spec(Path("small.yaml")))
    assert result.exit_code == 130
    assert result.stderr == "error: interrupted\n"
    assert not Path("runs").exists()
