from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from npnn_cli.spec import ComponentSpec, EarlyStoppingSpec, RunSpec, SpecError, TrainingSpec, parse_spec

LEAST = """\
data: Diabetes
model:
  - {type: Linear, out_features: 1}
loss: MSELoss
optimizer: {type: SGD, lr: 1e-2}
training: {epochs: 3}
"""


def messages(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "f.yaml", "default")
    return [mistake.message for mistake in caught.value.mistakes]


def test_the_least_spec_has_these_defaults() -> None:
    assert parse_spec(LEAST, "f.yaml", "tiny") == RunSpec(
        name="tiny",
        seed=0,
        dtype="float32",
        data=ComponentSpec(type="Diabetes"),
        model=(ComponentSpec(type="Linear", options={"out_features": 1}),),
        loss=ComponentSpec(type="MSELoss"),
        optimizer=ComponentSpec(type="SGD", options={"lr": 0.01}),
        scheduler=None,
        training=TrainingSpec(epochs=3, batch_size=64, clip_grad_norm=None, clip_grad_value=None),
        early_stopping=None,
    )


def test_sections_have_these_defaults() -> None:
    spec = parse_spec(LEAST + "early_stopping: {patience: 4}\nscheduler: null\n", "f.yaml", "tiny")
    assert spec.early_stopping == EarlyStoppingSpec(
        monitor="val_loss", patience=4, min_delta=0.0, restore_best_weights=True
    )
    assert spec.scheduler is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seed: -1", "seed: must be at least 0, got -1"),
        ("seed: 1.0", "seed: expected a whole number, got 1.0"),
        ("seed: '1'", "seed: expected a whole number, got the text '1'"),
        ("seed: true", "seed: expected a whole number, got true"),
        ("seed:", "seed: expected a whole number, got null"),
        ("dtype: float16", "dtype: expected 'float32' or 'float64', got the text 'float16'"),
        ("dtype: 64", "dtype: expected 'float32' or 'float64', got 64"),
        ("name: 2024", "name: expected text, got 2024"),
        ("scheduler: 3", "scheduler: expected a name or {type: Name, option: value}, got 3"),
        ("scheduler: {max_lr: 1}", "scheduler: missing 'type': a component is written {type: Name, option: value}"),
        ("scheduler: {type: 3}", "type: expected text, got 3"),
        ("early_stopping: 3", "early_stopping: expected a mapping {key: value}, got 3"),
        ("early_stopping: {}", "missing required key 'patience' of early_stopping"),
        ("early_stopping: {patience: 0}", "patience: must be at least 1, got 0"),
        ("early_stopping: {patience: 1, min_delta: -0.1}", "min_delta: must be at least 0, got -0.1"),
        ("early_stopping: {patience: 1, min_delta: .nan}", "min_delta: must be finite, got .nan"),
        ("early_stopping: {patience: 1, monitor: 1}", "monitor: expected text, got 1"),
        (
            "early_stopping: {patience: 1, restore_best_weights: no}",
            "restore_best_weights: expected true or false, got the text 'no'",
        ),
        ("zzz: 1", "unknown key 'zzz'; known are name, seed, dtype, data, model, loss, optimizer, scheduler, training, "
         "early_stopping"),
        ("sede: 1", "unknown key 'sede': did you mean 'seed'?"),
        ("early_stopping: {patienc: 1}", "unknown key 'patienc' of early_stopping: did you mean 'patience'?"),
    ],
)  # fmt: skip
def test_a_wrong_line_more(line: str, message: str) -> None:
    assert messages(LEAST + line) == [message]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 3", "epochs: 0", "epochs: must be at least 1, got 0"),
        ("epochs: 3", "epochs: 0.5", "epochs: expected a whole number, got 0.5"),
        ("epochs: 3", "", "missing required key 'epochs' of training"),
        ("epochs: 3", "epochs: 3, batch_size: 0", "batch_size: must be at least 1, got 0"),
        ("epochs: 3", "epochs: 3, clip_grad_norm: -1", "clip_grad_norm: must be greater than 0, got -1"),
        ("epochs: 3", "epochs: 3, clip_grad_value: 0", "clip_grad_value: must be greater than 0, got 0"),
        ("epochs: 3", "epochs: 3, clip_grad_norm: .inf", "clip_grad_norm: must be finite, got .inf"),
        ("epochs: 3", "epochs: 3, clip_grad_norm: x", "clip_grad_norm: expected a number, got the text 'x'"),
        ("{epochs: 3}", "9", "training: expected a mapping {key: value}, got 9"),
        ("loss: MSELoss\n", "", "missing required key 'loss'"),
        ("\n  - {type: Linear, out_features: 1}", " []", "model: needs at least one component"),
        (
            "\n  - {type: Linear, out_features: 1}",
            " ReLU",
            "model: expected a list of components, one per line after '- ', got the text 'ReLU'",
        ),
    ],
)
def test_a_wrong_change(old: str, new: str, message: str) -> None:
    assert old in LEAST
    assert messages(LEAST.replace(old, new)) == [message]


@pytest.mark.parametrize("name", ["a", "7", "_x", "mnist-mlp_2.0", "x" * 100])
def test_a_name_that_is_safe_in_a_folder_name(name: str) -> None:
    assert parse_spec(f"name: '{name}'\n{LEAST}", "f.yaml").name == name


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "-x", "a/b", "a\\\\b", "a b", "é", "a\\n", "../x", "x" * 101])
def test_a_name_that_is_not(name: str) -> None:
    [message] = messages(f'name: "{name}"\n{LEAST}')
    assert message.startswith("name: use at most 100 letters, digits, '_', '-' and '.', and begin with")


def test_a_mistake_of_a_later_stage_stands_where_the_text_says_it_or_near() -> None:
    spec = parse_spec(LEAST, "configs/f.yaml", "tiny")

    def located(*path: str | int) -> str:
        error = spec.mistake(path, "is wrong")
        assert isinstance(error, SpecError)
        return str(error)

    assert located("model", 0, "out_features") == "configs/f.yaml:3:34  is wrong"
    assert located("model", 0, "in_features") == "configs/f.yaml:3:5  is wrong"
    assert located("model", 7, "x") == "configs/f.yaml:3:3  is wrong"
    assert located("training", "batch_size") == "configs/f.yaml:6:11  is wrong"
    assert located("seed") == "configs/f.yaml:1:1  is wrong"


def test_a_spec_that_was_never_a_text_can_be_mistaken_too() -> None:
    spec = RunSpec(**parse_spec(LEAST, "f.yaml", "tiny").model_dump(exclude={"data", "model", "loss", "optimizer"}),
                   data="Diabetes", model=["ReLU"], loss="MSELoss", optimizer={"type": "SGD", "lr": 1})  # fmt: skip
    assert str(spec.mistake(("seed",), "is wrong")) == "spec:1:1  is wrong"


def test_specs_are_equal_wherever_they_stand() -> None:
    assert parse_spec(LEAST, "a.yaml", "x") == parse_spec("# moved\n\n" + LEAST, "b.yaml", "x")
    assert parse_spec(LEAST, "a.yaml", "x") != parse_spec(LEAST + "seed: 1", "a.yaml", "x")


@pytest.mark.parametrize(("part", "key"), [("training", "epochs"), (None, "seed")])
def test_specs_cannot_be_changed(part: str | None, key: str) -> None:
    spec: Any = parse_spec(LEAST, "f.yaml", "tiny")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(getattr(spec, part) if part else spec, key, 5)


def test_a_spec_is_written_tidily_with_its_defaults() -> None:
    text = (
        LEAST.replace("  - {type", "  - Flatten\n  - {type") + "scheduler: {type: CosineAnnealingLR, eta_min: 1e-6}\n"
    )
    assert parse_spec(text, "f.yaml", "tiny").to_yaml() == (
        "name: tiny\n"
        "seed: 0\n"
        "dtype: float32\n"
        "data: Diabetes\n"
        "model:\n"
        "  - Flatten\n"
        "  - {type: Linear, out_features: 1}\n"
        "loss: MSELoss\n"
        "optimizer: {type: SGD, lr: 0.01}\n"
        "scheduler: {type: CosineAnnealingLR, eta_min: 1e-06}\n"
        "training: {epochs: 3, batch_size: 64, clip_grad_norm: null, clip_grad_value: null, threads: null}\n"
        "early_stopping: null\n"
    )
