from __future__ import annotations

from pathlib import Path

import pytest

from npnn_cli.spec import Mistake, SpecError, load_spec, parse_spec

GOOD = """\
data: {type: MNIST, validation: 10000}
model:
  - Flatten
  - {type: Linear, out_features: 64}
  - ReLU
  - {type: Linear, out_features: 10}
loss: CrossEntropyLoss
optimizer: {type: Adam, lr: 1e-3, betas: [0.9, 0.99]}
scheduler: {type: OneCycleLR, max_lr: 5e-3}
training: {epochs: 9, batch_size: 64, clip_grad_norm: 1.0}
early_stopping: {monitor: val_loss, patience: 3, min_delta: 0.0, restore_best_weights: true}
"""

BAD = """\
# Every line has a mistake, and each is found.
name: a/b
data: {type: MNIST, validaton: 10000}
model:
  - Flaten
  - {type: Linear, out_features: 64, out_features: 32}
  - {type: Conv2d, out_channels: "8", kernel_size: [3, x]}
  - Linear
loss: *mse
optimizer: {type: Adam, lr: fast, momentun: 0.9}
training: {epoch: 9, batch_size: 0.5}
trainng: 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load_error(path: str) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(Path(path))
    return str(caught.value)


def test_a_file_becomes_a_spec_named_after_it(folder: Path) -> None:
    Path("mnist_mlp.yaml").write_text(GOOD)
    spec = load_spec(Path("mnist_mlp.yaml"))
    assert spec.name == "mnist_mlp"
    assert spec.optimizer.options == {"lr": 0.001, "betas": (0.9, 0.99)}
    assert [layer.type for layer in spec.model] == ["Flatten", "Linear", "ReLU", "Linear"]
    assert str(spec.mistake(("loss",), "no")) == "mnist_mlp.yaml:7:7  no"


def test_a_name_in_the_text_wins(folder: Path) -> None:
    Path("a b.yaml").write_text("name: mine\n" + GOOD)
    assert load_spec(Path("a b.yaml")).name == "mine"


def test_a_file_name_that_cannot_name_a_run_asks_for_another(folder: Path) -> None:
    Path("a b.yaml").write_text(GOOD)
    assert "a b.yaml:1:1  name: use at most" in load_error("a b.yaml")


def test_without_a_default_the_name_is_required() -> None:
    with pytest.raises(SpecError, match="missing required key 'name'"):
        parse_spec(GOOD, "f.yaml")


def test_all_mistakes_come_at_once_in_the_order_of_the_text() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(BAD, "configs/m.yaml")
    assert str(caught.value).splitlines() == [
        "configs/m.yaml:2:7  name: use at most 100 letters, digits, '_', '-' and '.', and begin with a letter, "
        "a digit or '_'; got the text 'a/b'",
        "configs/m.yaml:3:21  unknown option 'validaton' of MNIST: did you mean 'validation'?",
        "configs/m.yaml:5:5  unknown layer 'Flaten': did you mean 'Flatten'?",
        "configs/m.yaml:6:38  duplicate key 'out_features': it stands at 6:20 already",
        "configs/m.yaml:7:34  out_channels: expected a whole number, got the text '8'",
        "configs/m.yaml:7:52  kernel_size: expected a whole number or a list of 2 whole numbers, got the list [3, x]",
        "configs/m.yaml:8:5  missing required option 'out_features' of Linear",
        "configs/m.yaml:9:7  aliases (*name) are not supported: write the value out",
        "configs/m.yaml:10:29  lr: expected a number, got the text 'fast'",
        "configs/m.yaml:10:35  unknown option 'momentun' of Adam; known are lr, betas, eps, weight_decay, "
        "amsgrad, maximize, decoupled_weight_decay",
        "configs/m.yaml:11:12  unknown key 'epoch' of training: did you mean 'epochs'?",
        "configs/m.yaml:11:34  batch_size: expected a whole number, got 0.5",
        "configs/m.yaml:12:1  unknown key 'trainng': did you mean 'training'?",
    ]


def test_mistakes_are_kept_apart_for_the_program_too() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(GOOD.replace("Adam", "Adma"), "m.yaml", "m")
    assert caught.value.mistakes == (Mistake("m.yaml", 8, 19, "unknown optimizer 'Adma': did you mean 'Adam'?"),)


def test_what_is_wrong_as_yaml_alone_is_an_error_too() -> None:
    with pytest.raises(SpecError, match="duplicate key 'loss'"):
        parse_spec(GOOD + "loss: MSELoss", "m.yaml", "m")


def test_a_mistake_is_one_line_whatever_it_quotes() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(GOOD + '"a\\nb": 1\n', "m.yaml", "m")
    assert str(caught.value).startswith("m.yaml:12:1  unknown key 'a b'; known are ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_suggests_its_neighbours(folder: Path) -> None:
    Path("configs").mkdir()
    assert load_error("configs/mnist.yaml") == "configs/mnist.yaml  no such file"
    for name in ("mnist_mlp.yaml", "diabetes.yml", "notes.txt"):
        Path("configs", name).touch()
    assert load_error("configs/mnist_mpl.yaml") == (
        "configs/mnist_mpl.yaml  no such file: did you mean 'mnist_mlp.yaml'?"
    )
    assert load_error("configs/x.yaml") == ("configs/x.yaml  no such file; configs holds diabetes.yml, mnist_mlp.yaml")
    assert load_error("confgs/x.yaml") == "confgs/x.yaml  no such file"
    assert load_error("configs") == "configs  is a directory, not a file; configs holds diabetes.yml, mnist_mlp.yaml"


def test_an_unreadable_file_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("m.yaml").write_text(GOOD)
    assert load_error("m.yaml/x.yaml") == "m.yaml/x.yaml  cannot be read: Not a directory"


def test_a_file_of_other_bytes_says_where(folder: Path) -> None:
    Path("m.yaml").write_bytes(GOOD.encode() + b"# caf\xe9")
    assert load_error("m.yaml") == "m.yaml:12:6  the byte 0xE9 is not UTF-8: save the file as UTF-8 text"


def test_a_huge_file_is_not_read(folder: Path) -> None:
    with Path("m.yaml").open("wb") as file:
        file.truncate(10**10)
    assert load_error("m.yaml") == "m.yaml  is larger than a megabyte: this cannot be a spec"
