"""``npnn eval``: scikit-learn's numbers for the run's own weights, from the folder alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from small_specs import CLASSIFICATION, OVERSHOOTING, Blobs

from npnn_cli import registry
from npnn_cli.autograd import Tensor
from npnn_cli.examples import example
from npnn_cli.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from npnn_cli.training.run import load_run
from npnn_cli.training.run_folder import RunFolder

TWO_CLASSES = {
    **CLASSIFICATION,
    "data": "{type: Blobs, classes: 2}",
    "model": "[{type: Linear, out_features: 2}]",
    "training": "{epochs: 1, batch_size: 50}",
}
IMAGES = {
    **CLASSIFICATION,
    "data": "Pictures",
    "model": "[Flatten, {type: Linear, out_features: 3}]",
}


class Pictures(Blobs):
    """The points as images of two by two pixels."""

    input_shape = (1, 2, 2)


@pytest.fixture
def pictures(throwaway):
    registry.datasets.register(example())(Pictures)


def report_of(folder):
    return json.loads((folder / "evaluation" / "report.json").read_text(), parse_constant=pytest.fail)


def outputs_of(folder, checkpoint="best"):
    """The model's outputs for the test data, and their targets."""
    network = load_run(RunFolder(folder), folder / "checkpoints" / f"{checkpoint}.npz")
    splits = network.load_data()
    outputs = network.model.eval()(Tensor(splits.input_scaling(splits.test.inputs, np.float32))).data
    if splits.target_scaling is not None:
        outputs = splits.target_scaling.inverse(outputs)
    return outputs, splits.test.targets


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "evaluation" not in path.parts}


def assert_classification_is_scikit_learns(folder):
    report, (logits, targets) = report_of(folder), outputs_of(folder)
    predictions = logits.argmax(axis=1)
    assert report["accuracy"] == metrics.accuracy_score(targets, predictions)
    assert report["confusion_matrix"] == metrics.confusion_matrix(targets, predictions).tolist()
    per_class = metrics.precision_recall_fscore_support(targets, predictions, zero_division=0)
    for name, expected in zip(("precision", "recall", "f1", "support"), per_class, strict=True):
        assert report[name] == pytest.approx(expected.tolist(), rel=1e-12)
    for average in ("macro", "weighted"):
        expected = metrics.precision_recall_fscore_support(targets, predictions, average=average, zero_division=0)
        assert list(report[average].values()) == pytest.approx(expected[:3], rel=1e-12)
    return report, logits, targets


def test_regression(npnn, train):
    folder = train()
    before = contents(folder)
    result = npnn("eval", folder)
    assert result.exit_code == 0
    report, (outputs, targets) = report_of(folder), outputs_of(folder)
    assert report["mse"] == pytest.approx(metrics.mean_squared_error(targets, outputs), rel=1e-6)
    assert report["mae"] == pytest.approx(metrics.mean_absolute_error(targets, outputs), rel=1e-6)
    assert report["r2"] == pytest.approx(metrics.r2_score(targets, outputs), rel=1e-6)
    assert f"{folder}/checkpoints/best.npz on 88 test samples of Diabetes" in result.stdout
    for value in (f"{report['mse']:.6g}", f"{report['mae']:.6g}", f"{report['r2']:.4f}"):
        assert value in result.stdout
    assert f"saved in {folder}/evaluation/" in result.stdout
    assert (folder / "evaluation" / "predictions.png").read_bytes().startswith(b"\x89PNG")
    assert contents(folder) == before


def test_what_cannot_be_saved_is_shown_all_the_same(npnn, train):
    folder = train()
    (folder / "evaluation").write_text("in the way")
    result = npnn("eval", folder)
    assert result.exit_code == 2
    assert "mean absolute error" in result.stdout
    assert "evaluation: " in result.stderr
    assert result.stderr.count("\n") == 1


def test_three_classes(blobs, npnn, train):
    folder = train(**CLASSIFICATION)
    result = npnn("eval", folder.name)
    assert result.exit_code == 0
    report, _, _ = assert_classification_is_scikit_learns(folder)
    assert report["roc_auc"] is None
    assert "ROC" not in result.stdout
    for word in ("precision", "recall", "F1", "support", "macro average", "weighted average", "red", "green", "blue"):
        assert word in result.stdout
    assert f"{report['accuracy']:.4f}" in result.stdout
    assert {path.name for path in (folder / "evaluation").iterdir()} == {"report.json", "confusion_matrix.png"}


def test_two_classes_have_an_area_under_the_curve(blobs, npnn, train):
    folder = train(**TWO_CLASSES)
    result = npnn("eval", folder)
    report, logits, targets = assert_classification_is_scikit_learns(folder)
    expected = metrics.roc_auc_score(targets, logits[:, 1] - logits[:, 0])
    assert 0 < expected < 1
    assert report["roc_auc"] == pytest.approx(expected, rel=1e-12)
    assert f"{expected:.4f}" in result.stdout


def test_images_have_their_mistakes_drawn(pictures, npnn, train):
    folder = train(**IMAGES)
    assert npnn("eval", folder).exit_code == 0
    assert_classification_is_scikit_learns(folder)
    assert (folder / "evaluation" / "mistakes.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_was_moved_is_evaluated_from_anywhere(npnn, train, tmp_path):
    folder = train()
    npnn("eval", folder)
    report = report_of(folder)
    moved = tmp_path / "elsewhere" / "renamed"
    moved.parent.mkdir()
    shutil.move(folder, moved)
    shutil.rmtree(moved / "evaluation")
    shutil.rmtree("runs")
    Path("small.yaml").unlink()
    (tmp_path / "desk").mkdir()
    os.chdir(tmp_path / "desk")
    assert npnn("eval", "../elsewhere/renamed").exit_code == 0
    assert report_of(moved) == report
    os.chdir(moved)
    assert npnn("eval", ".").exit_code == 0
    assert list((tmp_path / "desk").iterdir()) == []


def test_best_and_last_weights(npnn, train):
    folder = train(**OVERSHOOTING)
    reports = []
    for arguments in ([], ["--weights", "best"], ["--weights", "last"]):
        assert npnn("eval", folder, *arguments).exit_code == 0
        reports.append(report_of(folder))
    assert [report["checkpoint"] for report in reports] == ["best.npz", "best.npz", "last.npz"]
    assert reports[0] == reports[1]
    outputs, targets = outputs_of(folder, "last")
    assert reports[2]["mae"] == pytest.approx(metrics.mean_absolute_error(targets, outputs), rel=1e-6)
    assert reports[2]["mae"] != reports[0]["mae"]


def test_the_report_is_that_of_the_training(npnn, train):
    folder = train()
    npnn("eval", folder)
    of_training = json.loads((folder / "summary.json").read_text())["test"]
    assert {name: report_of(folder)[name] for name in of_training} == of_training


def assert_refused(npnn, folder, message, *arguments):
    result = npnn("eval", folder, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert not (folder / "evaluation").exists()
    return result.stderr


def test_a_missing_checkpoint(npnn, train):
    folder = train()
    (folder / "checkpoints" / "last.npz").unlink()
    error = assert_refused(npnn, folder, "last.npz: there is no such checkpoint", "--weights", "last")
    assert error.count("\n") == 1


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty"])
def test_a_damaged_checkpoint(npnn, train, damage):
    folder = train()
    path = folder / "checkpoints" / "best.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"truncated": path.read_bytes()[:-40], "flipped": content, "foreign": b"PK", "empty": b""}
    path.write_bytes(damaged[damage])
    error = assert_refused(npnn, folder, f"error: {path}: this checkpoint cannot be read")
    assert error.count("\n") == 1


def test_weights_of_another_model(npnn, train):
    folder, other = train(), train(model="[{type: Linear, out_features: 1}]")
    shutil.copy(other / "checkpoints" / "best.npz", folder / "checkpoints" / "best.npz")
    assert_refused(npnn, folder, f"these weights are not of the model in {folder}/config.yaml")


def test_weights_that_give_no_numbers(npnn, train):
    folder = train()
    path = folder / "checkpoints" / "best.npz"
    weights = dict(load_checkpoint(path).weights)
    weights["0.weight"] = np.full_like(weights["0.weight"], np.inf)
    save_checkpoint(path, Checkpoint(weights))
    assert_refused(npnn, folder, f"{path}: with these weights, the outputs of the model are not all finite")


def test_a_config_that_was_damaged(npnn, train):
    folder = train()
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("MSELoss", "MSLoss"))
    assert_refused(npnn, folder, f"{config}:9:14  unknown loss 'MSLoss': did you mean 'MSELoss'?")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("runs/{name}x", "there is no run 'runs/{name}x': did you mean '{name}'?"),
        ("nothing-like-it", "there is no run 'nothing-like-it'; the latest is runs/{name}"),
        ("runs", "runs is no run folder: it has no config.yaml"),
        ("/etc", "/etc is no run folder: it has no config.yaml"),
        ("x" * 300, "x" * 300 + ": File name too long"),
    ],
)
def test_a_run_that_does_not_exist(npnn, train, name, message):
    run = train().name
    result = npnn("eval", name.format(name=run))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message.format(name=run)}")
    assert result.stderr.count("\n") == 1
