"""Components inside components: every option that names one is checked where it stands, however deep."""

from __future__ import annotations

import pytest

from npnn_cli.spec import ComponentSpec, RunSpec, SpecError, parse_spec

REST = "loss: MSELoss\noptimizer: {type: SGD, lr: 1e-2}\ntraining: {epochs: 3}\n"

NESTED = """\
data: Diabetes
model:
  - type: Residual
    layers:
      - {type: Linear, out_features: 8, init: {type: kaiming_normal, nonlinearity: tanh}}
      - {type: Sequential, layers: [ReLU, {type: Linear, out_features: 10}]}
    projection: {type: Linear, out_features: 10, init: orthogonal}
  - {type: MLP, hidden_features: [4], out_features: 1, activation: {type: ELU, alpha: 1}}
scheduler: {type: SequentialLR, schedulers: [{type: LinearLR, total_iters: 2}, CosineAnnealingLR], milestones: [2]}
"""


def parsed(text: str) -> RunSpec:
    return parse_spec(text + REST, "f.yaml", "nested")


def mistakes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parsed(text)
    return str(caught.value).splitlines()


def test_they_become_component_specs_or_stay_as_written_if_the_constructor_takes_them_so() -> None:
    spec = parsed(NESTED)
    assert spec.model[0].options == {
        "layers": [
            ComponentSpec(
                type="Linear",
                options={"out_features": 8, "init": {"type": "kaiming_normal", "nonlinearity": "tanh"}},
            ),
            ComponentSpec(
                type="Sequential",
                options={
                    "layers": [ComponentSpec(type="ReLU"), ComponentSpec(type="Linear", options={"out_features": 10})]
                },
            ),
        ],
        "projection": ComponentSpec(type="Linear", options={"out_features": 10, "init": "orthogonal"}),
    }
    activation = spec.model[1].options["activation"]
    assert activation == {"type": "ELU", "alpha": 1.0}
    assert type(activation["alpha"]) is float
    assert spec.scheduler is not None
    assert [part.type for part in spec.scheduler.options["schedulers"]] == ["LinearLR", "CosineAnnealingLR"]


def test_they_are_written_and_named_as_people_would() -> None:
    spec = parsed(NESTED)
    assert parse_spec(spec.to_yaml(), "f.yaml") == spec
    assert (
        "  - type: Residual\n"
        "    layers:\n"
        "      - {type: Linear, out_features: 8, init: {type: kaiming_normal, nonlinearity: tanh}}\n"
        "      - type: Sequential\n"
        "        layers:\n"
        "          - ReLU\n"
        "          - {type: Linear, out_features: 10}\n"
        "    projection: {type: Linear, out_features: 10, init: orthogonal}\n"
    ) in spec.to_yaml()
    assert str(spec.scheduler) == (
        "SequentialLR(schedulers=[LinearLR(total_iters=2), CosineAnnealingLR()], milestones=[2])"
    )
    assert str(spec.model[1]) == "MLP(hidden_features=[4], out_features=1, activation=ELU(alpha=1.0))"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[ReLU,", "[^Relu,", "unknown layer 'Relu': did you mean 'ReLU'?"),
        ("out_features: 8", "^out_feature: 8", "unknown option 'out_feature' of Linear: did you mean 'out_features'?"),
        ("{type: Linear, out_features: 8, ", "^{type: Linear, ", "missing required option 'out_features' of Linear"),
        ("out_features: 10}]", "out_features: ^x}]", "out_features: expected a whole number, got the text 'x'"),
        ("init: orthogonal", "init: ^orthogonl", "unknown initializer 'orthogonl': did you mean 'orthogonal'?"),
        ("nonlinearity: tanh", "^gain: 2", "unknown option 'gain' of kaiming_normal; known are a, mode, nonlinearity"),
        ("nonlinearity: tanh", "mode: ^fan", "mode: expected 'fan_in' or 'fan_out', got the text 'fan'"),
        ("init: orthogonal", "init: ^3", "init: expected a name or {type: Name, option: value}, got 3"),
        (
            "init: orthogonal",
            "init: ^{gain: 2}",
            "init: missing 'type': a component is written {type: Name, option: value}",
        ),
        ("projection: {type: Linear", "projection: {type: ^3", "type: expected text, got 3"),
        (
            "layers: [ReLU, {type: Linear, out_features: 10}]",
            "layers: ^ReLU",
            "layers: expected a list of layers, got the text 'ReLU'",
        ),
        (
            "layers: [ReLU, {type: Linear, out_features: 10}]",
            "layers: ^null",
            "layers: expected a list of layers, got null",
        ),
        (
            "{type: Sequential, layers: [ReLU, {type: Linear, out_features: 10}]}",
            "^Sequential",
            "missing required option 'layers' of Sequential",
        ),
        ("[ReLU, {", "[^7, {", "layers: expected a name or {type: Name, option: value}, got 7"),
        ("alpha: 1", "alpha: ^x", "alpha: expected a number, got the text 'x'"),
        ("activation: {type: ELU, alpha: 1}", "activation: ^Relu", "unknown layer 'Relu': did you mean 'ReLU'?"),
        ("{type: LinearLR", "{type: ^Linear", "unknown scheduler 'Linear': did you mean 'LinearLR'?"),
        ("total_iters: 2", "^total_iter: 2", "unknown option 'total_iter' of LinearLR: did you mean 'total_iters'?"),
        ("total_iters: 2", "total_iters: ^0.5", "total_iters: expected a whole number, got 0.5"),
    ],
)
def test_a_mistake_is_told_at_its_own_line_and_column(old: str, new: str, message: str) -> None:
    assert old in NESTED
    before, after = NESTED.replace(old, new).split("^")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert mistakes(before + after) == [f"f.yaml:{line}:{column}  {message}"]


def test_all_mistakes_are_told_at_once() -> None:
    text = NESTED.replace("[ReLU,", "[Relu,").replace("total_iters", "total_iter").replace("alpha: 1", "alpha: x")
    assert [mistake.split(":")[1] for mistake in mistakes(text)] == ["6", "8", "9"]


def test_null_will_do_where_there_need_be_none() -> None:
    text = NESTED.replace("projection: {type: Linear, out_features: 10, init: orthogonal}", "projection: null")
    assert parsed(text).model[0].options["projection"] is None
