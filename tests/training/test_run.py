"""A training on the disk: whatever happens, what the folder holds is true."""

from __future__ import annotations

import csv
import errno
import json
import os

import numpy as np
import pytest
from small_specs import DIVERGING, OVERSHOOTING, small_spec

from npnn_cli.spec import load_spec
from npnn_cli.training import run as module
from npnn_cli.training.building import build_network
from npnn_cli.training.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from npnn_cli.training.evaluation import evaluate
from npnn_cli.training.loop import DivergenceError
from npnn_cli.training.run import Run, load_run


def no_progress(_epoch, _batch):
    pass


def start(runs, **sections):
    network = build_network(small_spec(**sections))
    return Run(network, network.load_data(), runs)


def train(runs, **sections):
    run = start(runs, **sections)
    list(run.epochs(no_progress))
    return run


def metrics(run):
    with (run.folder.path / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def summary(run):
    return json.loads((run.folder.path / "summary.json").read_text())


def validated(run, checkpoint):
    """The validation loss of the weights in a checkpoint, found from the folder alone."""
    network = load_run(run.folder, checkpoint)
    splits = network.load_data()
    return evaluate(network, splits, splits.validation).loss


def test_metrics_hold_the_history(tmp_path):
    run = train(tmp_path)
    assert metrics(run) == run.trainer.history
    assert all(np.isfinite(list(row.values())).all() for row in metrics(run))


def test_the_config_is_the_resolved_spec(tmp_path):
    run = train(tmp_path)
    assert load_spec(run.folder.config) == run.network.spec


def test_best_holds_the_weights_of_the_best_epoch_and_last_those_of_the_last(tmp_path):
    run = train(tmp_path, **OVERSHOOTING)
    losses = [row["val_loss"] for row in metrics(run)]
    assert np.argmin(losses) + 1 == run.trainer.best_epoch < len(losses)
    assert validated(run, run.folder.best) == min(losses)
    assert validated(run, run.folder.last) == losses[-1]
    assert load_checkpoint(run.folder.best).about == metrics(run)[run.trainer.best_epoch - 1]
    assert load_checkpoint(run.folder.last).about == metrics(run)[-1]


def test_everything_is_saved_after_every_epoch(tmp_path):
    run = start(tmp_path, **OVERSHOOTING)
    for number, record in enumerate(run.epochs(no_progress), start=1):
        assert len(metrics(run)) == number
        assert validated(run, run.folder.last) == record["val_loss"]
        assert validated(run, run.folder.best) == min(row["val_loss"] for row in metrics(run))


def test_the_result_is_of_the_best_weights(tmp_path):
    run = train(tmp_path, **OVERSHOOTING)
    checkpoint, evaluation = run.result()
    assert checkpoint == run.folder.best
    network = load_run(run.folder, run.folder.best)
    assert evaluation.metrics() == evaluate(network, run.splits, run.splits.test).metrics()
    assert evaluation.loss != evaluate(load_run(run.folder, run.folder.last), run.splits, run.splits.test).loss


def test_the_result_is_of_the_last_weights_if_the_best_are_not_to_be_restored(tmp_path):
    run = train(tmp_path, **OVERSHOOTING, early_stopping="{patience: 99, restore_best_weights: false}")
    assert run.trainer.best_epoch < 12
    checkpoint, evaluation = run.result()
    assert checkpoint == run.folder.last
    network = load_run(run.folder, run.folder.last)
    assert evaluation.metrics() == evaluate(network, run.splits, run.splits.test).metrics()


def test_the_summary(tmp_path):
    run = train(tmp_path, **OVERSHOOTING)
    _, evaluation = run.result()
    run.write_summary("finished", evaluation.metrics())
    found = summary(run)
    assert 0 < found.pop("seconds") < 60
    assert found == {
        "ending": "finished",
        "epochs": 12,
        "monitor": "val_loss",
        "best_epoch": run.trainer.best_epoch,
        "best": run.trainer.history[run.trainer.best_epoch - 1],
        "before_training": run.before,
        "test": evaluation.metrics(),
    }
    assert set(run.before) == {"val_loss", "val_mae", "val_r2"}


def test_the_metrics_before_training_are_those_of_the_initial_weights(tmp_path):
    run = start(tmp_path, optimizer="{type: SGD, lr: 0}")
    (first, *_) = run.epochs(no_progress)
    assert run.before == {name: first[name] for name in run.before}


@pytest.mark.parametrize("monitor", ["val_loss", "val_r2"])
def test_after_a_divergence_the_best_weights_are_there(tmp_path, monitor):
    run = start(tmp_path, **DIVERGING, early_stopping=f"{{monitor: {monitor}, patience: 3}}")
    with pytest.raises(DivergenceError):
        list(run.epochs(no_progress))
    assert [row["epoch"] for row in metrics(run)] == [1]
    assert validated(run, run.folder.best) == metrics(run)[0]["val_loss"]


def test_an_interruption_in_an_epoch_loses_nothing(tmp_path):
    def interrupt(epoch, batch):
        if (epoch, batch) == (3, 2):
            raise KeyboardInterrupt

    run = start(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        list(run.epochs(interrupt))
    run.save()
    now = run.network.model.state_dict()
    assert all(np.array_equal(array, now[name]) for name, array in load_checkpoint(run.folder.last).weights.items())
    assert load_checkpoint(run.folder.last).about == {"epoch": 3, "batches": 2}
    assert [row["epoch"] for row in metrics(run)] == [1, 2]
    assert validated(run, run.folder.best) == metrics(run)[1]["val_loss"] != validated(run, run.folder.last)


def test_an_interruption_before_the_first_epoch_ends(tmp_path):
    run = start(tmp_path)
    run.save()
    run.write_summary("interrupted")
    assert validated(run, run.folder.last) == run.before["val_loss"]
    assert not run.folder.best.exists()
    assert summary(run)["best_epoch"] is summary(run)["best"] is summary(run)["test"] is None


@pytest.mark.parametrize("written", ["metrics.csv", "last.npz", "best.npz"])
def test_an_interruption_while_an_epoch_is_saved_loses_nothing(tmp_path, monkeypatch, written):
    """Whichever file it hits: saved again, the best weights are those of the epoch that is called the best."""
    run = start(tmp_path)
    epochs = run.epochs(no_progress)
    next(epochs)
    replace = os.replace

    def interrupted_replace(source, target):
        if os.fspath(target).endswith(written):
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted_replace)
        with pytest.raises(KeyboardInterrupt):
            next(epochs)
    assert validated(run, run.folder.best) == metrics(run)[0]["val_loss"]
    run.save()
    run.write_summary("interrupted")
    assert summary(run)["best_epoch"] == 2
    assert len(metrics(run)) == 2
    assert validated(run, run.folder.best) == metrics(run)[1]["val_loss"] < metrics(run)[0]["val_loss"]


def test_a_full_disk_leaves_what_was_saved(tmp_path, monkeypatch):
    run = start(tmp_path)
    epochs = run.epochs(no_progress)
    next(epochs)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            next(epochs)
    assert caught.value.filename == str(run.folder.path / "metrics.csv")
    assert [row["epoch"] for row in metrics(run)] == [1]
    for checkpoint in (run.folder.best, run.folder.last):
        assert validated(run, checkpoint) == metrics(run)[0]["val_loss"]
    assert not list(run.folder.path.rglob("*.tmp"))


def test_the_best_weights_are_saved_only_when_they_are_new(tmp_path, monkeypatch):
    saved = []

    def watched(path, checkpoint):
        saved.append(path.stem)
        save_checkpoint(path, checkpoint)

    monkeypatch.setattr(module, "save_checkpoint", watched)
    train(tmp_path, optimizer="{type: SGD, lr: 0}")
    assert sorted(saved) == ["best", "last", "last", "last"]


def test_weights_of_another_model_are_refused(tmp_path):
    run = train(tmp_path)
    other = train(tmp_path, model="[{type: Linear, out_features: 1}]")
    with pytest.raises(CheckpointError) as caught:
        load_run(run.folder, other.folder.best)
    message = str(caught.value)
    assert message.startswith(f"{other.folder.best}: these weights are not of the model in {run.folder.config}")
    assert "0.weight: shape (1, 10), expected (8, 10)" in message
    assert "missing: 2.weight" in message


def test_weights_of_another_dtype_are_taken_as_the_config_says(tmp_path):
    run = train(tmp_path)
    exact = train(tmp_path, dtype="float64")
    network = load_run(run.folder, exact.folder.best)
    assert network.model.state_dict()["0.weight"].dtype == np.float32
