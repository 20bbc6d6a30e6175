"""Bad input: exit code 2, a few plain lines on stderr that say what and where, and nothing half-written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from small_specs import spec_text, write_spec

from npnn_cli.data import DataError
from npnn_cli.training.loop import TrainingStep

ON_MNIST = {"data": "MNIST", "loss": "CrossEntropyLoss"}

# Sections that take the place of the good ones, and the lines that are expected of them.
SPECS = {
    "an unknown key": ({"trainin": "3"}, ["7:1  unknown key 'trainin': did you mean 'training'?"]),
    "a missing key": ({"loss": None}, ["1:1  missing required key 'loss'"]),
    "an unknown layer": ({"model": "[Linaer]"}, ["3:9  unknown layer 'Linaer': did you mean 'Linear'?"]),
    "an unknown data set": ({"data": "Diabets"}, ["2:7  unknown dataset 'Diabets': did you mean 'Diabetes'?"]),
    "an unknown scheduler": ({"scheduler": "Cosine"}, ["7:12  unknown scheduler 'Cosine'"]),
    "an unknown option": (
        {"optimizer": "{type: Adam, lr: 1e-2, weight_deca: 0.1}"},
        ["5:35  unknown option 'weight_deca' of Adam: did you mean 'weight_decay'?"],
    ),
    "a missing option": ({"model": "[Linear]"}, ["3:9  missing required option 'out_features' of Linear"]),
    "a wrong type": ({"optimizer": "{type: Adam, lr: fast}"}, ["5:29  lr: expected a number, got the text 'fast'"]),
    "all mistakes at once": (
        {"loss": "MSLoss", "optimizer": "{type: Adm}", "training": "{epochs: 0, batch_size: many}"},
        [
            "4:7  unknown loss 'MSLoss': did you mean 'MSELoss'?",
            "5:19  unknown optimizer 'Adm': did you mean 'Adam'?",
            "6:20  epochs: must be at least 1, got 0",
            "6:35  batch_size: expected a whole number, got the text 'many'",
        ],
    ),
    "a bad name": ({"name": "../escape"}, ["7:7  "]),
    "an option out of range": (
        {"model": "[{type: Dropout, p: 2}]"}, ["3:9  Dropout: p is a probability between 0 and 1, got 2.0"],
    ),
    "a negative rate": ({"optimizer": "{type: Adam, lr: -1}"}, ["5:12  Adam: out of range: lr=-1.0"]),
    "an infinite rate": ({"optimizer": "{type: Adam, lr: .inf}"}, ["5:12  Adam: out of range: lr=inf"]),
    "no period": ({"scheduler": "{type: CosineAnnealingLR, T_max: 0}"}, ["7:12  CosineAnnealingLR: T_max must be"]),
    "the wrong number of outputs": (
        {**ON_MNIST, "model": "[Flatten, {type: Linear, out_features: 9}]"},
        ["3:18  the model's output has shape (9,) for a sample, but MNIST has 10 classes: (10,)"],
    ),
    "shapes that do not fit": (
        {**ON_MNIST, "model": "[Flatten, {type: Conv2d, out_channels: 3, kernel_size: 3}]"},
        ["3:18  layer 1 (Conv2d) cannot take the shape (784,) that the layers before it give"],
    ),
    "a loss that does not suit": ({"loss": "CrossEntropyLoss"}, ["4:7  CrossEntropyLoss does not suit Diabetes"]),
    "an option out of range in every section": (
        {
            "data": "{type: Diabetes, validation: 442}",
            "loss": "{type: HuberLoss, delta: 0}",
            "optimizer": "{type: Adam, lr: -1}",
        },
        [
            "2:7  validation is 442, but it must set aside 1 to 441 of 442 samples",
            "4:7  HuberLoss: delta must be above 0, got 0",
            "5:12  Adam: out of range: lr=-1.0",
        ],
    ),
    "several sections that do not fit": (
        {"model": "[{type: Linear, out_features: 2}]", "early_stopping": "{patience: 2, monitor: val_accuracy}"},
        ["3:9  the model's output has shape (2,)", "7:40  unknown metric 'val_accuracy'; known are "],
    ),
    "an unknown metric": (
        {"early_stopping": "{patience: 2, monitor: val_los}"},
        ["7:40  unknown metric 'val_los': did you mean 'val_loss'?"],
    ),
}  # fmt: skip


def assert_nothing_was_written(*files):
    """The working folder holds only what the test put there."""
    assert set(Path().rglob("*")) == set(map(Path, files))


def assert_refused(result, *lines):
    assert result.exit_code == 2
    errors = result.stderr.removeprefix("error: ").splitlines()
    assert len(errors) == len(lines), result.stderr
    for error, line in zip(errors, lines, strict=True):
        assert error.startswith(line)


@pytest.mark.parametrize("command", ["train", "gradcheck"])
@pytest.mark.parametrize(("sections", "lines"), SPECS.values(), ids=SPECS)
def test_a_spec_with_mistakes(npnn, command, sections, lines):
    spec = write_spec(Path("small.yaml"), **sections)
    result = npnn(command, spec)
    assert_refused(result, *(f"small.yaml:{line}" for line in lines))
    assert_nothing_was_written(spec)


@pytest.mark.parametrize("command", [["train"], ["gradcheck", "--against", "torch"]])
def test_a_schedule_that_is_too_short(npnn, command):
    spec = write_spec(Path("small.yaml"), scheduler="{type: OneCycleLR, max_lr: 0.1, total_steps: 5}")
    assert_refused(npnn(*command, spec), "small.yaml:7:12  the training takes 18 steps, but ")
    assert_nothing_was_written(spec)


@pytest.mark.parametrize("command", [["train"], ["gradcheck"], ["gradcheck", "--against", "torch"]])
@pytest.mark.parametrize("batch_size", [1, 41, 287])
def test_a_last_batch_that_is_too_small(npnn, command, batch_size):
    model = "[{type: Linear, out_features: 8}, BatchNorm1d, {type: Linear, out_features: 1}]"
    spec = write_spec(Path("small.yaml"), model=model, training=f"{{epochs: 1, batch_size: {batch_size}}}")
    position_and_message = "6:35  of 288 training samples, the last batch of an epoch has only one: batch_norm: "
    assert_refused(npnn(*command, spec), f"small.yaml:{position_and_message}")
    assert_nothing_was_written(spec)


@pytest.mark.parametrize("command", ["train", "gradcheck"])
@pytest.mark.parametrize(
    ("content", "line"),
    {
        "a list": (b"- 1\n", "bad.yaml:1:1  "),
        "nothing": (b"", "bad.yaml"),
        "an open bracket": (b"data: [\n", "bad.yaml:2:1  "),
        "a tab": (b"data:\n\t- x\n", "bad.yaml:2:1  "),
        "no text": (b"\xff\xfe\x00", "bad.yaml"),
        "a picture": (b"\x89PNG\r\n\x1a\n", "bad.yaml"),
        "deep nesting": (b"[" * 5000, "bad.yaml"),
        "an alias": (spec_text().encode() + b"name: *x\n", "bad.yaml:7:7  "),
        "code": (spec_text().encode() + b"name: !!python/object/apply:os.system ['touch owned']\n", "bad.yaml:7:7  "),
    }.values(),
)
def test_a_file_that_is_no_spec(npnn, command, content, line):
    Path("bad.yaml").write_bytes(content)
    result = npnn(command, "bad.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {line}")
    assert result.stderr.count("\n") <= 8
    assert_nothing_was_written("bad.yaml")


@pytest.mark.parametrize("command", ["train", "gradcheck"])
def test_a_spec_that_does_not_exist(npnn, command):
    spec = write_spec(Path("mnist_mlp.yaml"))
    assert_refused(npnn(command, "mnist_mpl.yaml"), "mnist_mpl.yaml  no such file: did you mean 'mnist_mlp.yaml'?")
    assert_refused(npnn(command, "nowhere/x.yaml"), "nowhere/x.yaml  no such file")
    assert_refused(npnn(command, "."), ".  is a directory, not a file; . holds mnist_mlp.yaml")
    assert_nothing_was_written(spec)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train"], "config"),
        (["train", "a.yaml", "b.yaml"], "b.yaml"),
        (["eval"], "run"),
        (["eval", "x", "--weights", "bst"], "bst"),
        (["gradcheck", "--against", "jax"], "jax"),
        (["trian"], "trian"),
        (["train", "a.yaml", "--rns", "x"], "--rns"),
    ],
)
def test_a_command_line_that_is_wrong(npnn, arguments, word):
    result = npnn(*arguments)
    assert result.exit_code == 2
    assert word in result.stderr.lower()
    assert_nothing_was_written()


def test_damaged_data(npnn, monkeypatch):
    def damaged(self, *, rng):
        raise DataError("diabetes.csv: is damaged; reinstall npnn-cli")

    monkeypatch.setattr("npnn_cli.data.Diabetes.load", damaged)
    spec = write_spec(Path("small.yaml"))
    for command in ("train", "gradcheck"):
        assert_refused(npnn(command, spec), "diabetes.csv: is damaged; reinstall npnn-cli")
    assert_nothing_was_written(spec)


@pytest.mark.parametrize("runs", ["file", "file/runs"])
def test_a_folder_of_runs_that_is_a_file(npnn, runs):
    spec = write_spec(Path("small.yaml"))
    Path("file").write_text("precious")
    assert_refused(npnn("train", spec, "--runs", runs), f"{runs}: Not a directory")
    assert_refused(npnn("eval", "x", "--runs", runs), f"there is no run 'x'; there are none in {runs}/")
    assert Path("file").read_text() == "precious"
    assert_nothing_was_written(spec, "file")


def test_a_folder_of_runs_that_cannot_be_written(npnn, monkeypatch):
    def forbidden(path, *_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    spec = write_spec(Path("small.yaml"))
    monkeypatch.setattr(os, "mkdir", forbidden)
    result = npnn("train", spec)
    assert_refused(result, "runs: Permission denied")
    assert_nothing_was_written(spec)


def test_a_batch_that_is_larger_than_the_memory(npnn, monkeypatch):
    def exhausted(*_):
        raise MemoryError("Unable to allocate 504. GiB")

    monkeypatch.setattr(TrainingStep, "backward", exhausted)
    result = npnn("train", write_spec(Path("small.yaml")))
    assert_refused(result, "not enough memory: Unable to allocate 504. GiB; a smaller training.batch_size needs less")


def test_a_disk_that_is_full_in_the_middle_of_a_training(npnn, monkeypatch):
    spec, fsync, allowed = write_spec(Path("small.yaml")), os.fsync, 20

    def fills_up(descriptor):
        nonlocal allowed
        allowed -= 1
        if allowed < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fills_up)
    result = npnn("train", spec)
    (folder,) = Path("runs").iterdir()
    assert_refused(result, f"{folder}/")
    assert "No space left on device" in result.stderr
    assert not list(folder.rglob("*.tmp"))
    monkeypatch.undo()
