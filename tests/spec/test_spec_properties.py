"""What holds for every spec and every text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npnn_cli import registry
from npnn_cli.options import Written, option_parameters
from npnn_cli.registry import Kind, slots
from npnn_cli.spec import (
    ComponentSpec,
    EarlyStoppingSpec,
    Mistake,
    RunSpec,
    SpecError,
    TrainingSpec,
    load_spec,
    parse_spec,
)
from npnn_cli.spec.components import import_components

import_components()

every = settings(max_examples=60, derandomize=True, database=None, deadline=None)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


def values_of(annotation: Any, depth: int) -> st.SearchStrategy[Any]:
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False),
        bool: st.booleans(),
        str: st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"))),
        type(None): st.none(),
    }
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in plain:
        return plain[annotation]
    if origin is Annotated:
        inside = components(arguments[1], depth + 1)
        return inside.map(ComponentSpec.written) if arguments[0] == Written else inside
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is Mapping:
        return st.dictionaries(st.text("ab", min_size=1), values_of(arguments[1], depth), max_size=3)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0], depth), max_size=4).map(tuple)
    if origin is tuple:
        return st.tuples(*(values_of(argument, depth) for argument in arguments))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return st.lists(values_of(arguments[0], depth), max_size=4)
    assert origin is Union or type(annotation).__name__ == "UnionType", annotation
    return st.one_of(*(values_of(argument, depth) for argument in arguments))


@st.composite
def components(draw: st.DrawFn, kind: Kind[Any], depth: int = 0) -> ComponentSpec:
    nameable = [entry for entry in kind.values() if entry.name != "LambdaLR"]  # no spec can name a function
    if depth == 3:
        nameable = [entry for entry in nameable if not slots(entry.component)]
    entry = draw(st.sampled_from(nameable))
    inferred = getattr(entry.component, "inferred", ())
    options = {}
    for name, parameter in option_parameters(entry.component).items():
        is_required = parameter.default is inspect.Parameter.empty and name not in inferred
        if is_required or draw(st.booleans()):
            options[name] = draw(values_of(parameter.annotation, depth))
    return ComponentSpec(type=entry.name, options=options)


specs = st.builds(
    RunSpec,
    name=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", fullmatch=True),
    seed=st.integers(0, 2**63 - 1),
    dtype=st.sampled_from(["float32", "float64"]),
    data=components(registry.datasets),
    model=st.lists(components(registry.layers), min_size=1, max_size=5),
    loss=components(registry.losses),
    optimizer=components(registry.optimizers),
    scheduler=st.none() | components(registry.schedulers),
    training=st.builds(
        TrainingSpec,
        epochs=st.integers(1, 10**6),
        batch_size=st.integers(1, 10**6),
        clip_grad_norm=st.none() | positive,
        clip_grad_value=st.none() | positive,
    ),
    early_stopping=st.none()
    | st.builds(
        EarlyStoppingSpec,
        monitor=st.sampled_from(["val_loss", "yes", "1e3", "a: b", "#"]),
        patience=st.integers(1, 100),
        min_delta=st.floats(0, allow_infinity=False),
        restore_best_weights=st.booleans(),
    ),
)


@every
@given(specs)
def test_a_spec_that_is_written_reads_back_equal(spec: RunSpec) -> None:
    assert parse_spec(spec.to_yaml(), "f.yaml") == spec


SAMPLE = """\
name: m  # comment
data: {type: MNIST, validation: 1e4}
model:
  - Flatten
  - {type: Linear, out_features: 64}
loss: CrossEntropyLoss
optimizer: {type: Adam, betas: [0.9, 0.99]}
training: {epochs: 9}
"""
scraps = st.sampled_from(
    [
        *"[]{}:,-?&*!|>'\"%@`#~\\\n\t \0\x85\ufeffé",
        ": ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!str ",
        "<<: ",
        "---\n",
        "...\n",
        "0x",
        ".nan",
        "1e999",
        "\\U",
        "\\x",
        "\\ud800",
    ]
)


@st.composite
def damaged_specs(draw: st.DrawFn) -> str:
    text = SAMPLE
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 8))
        text = text[:start] + draw(scraps | st.just("")) + text[end:]
    return text


def mistakes_in(text: str) -> tuple[Mistake, ...]:
    try:
        parse_spec(text, "f.yaml", "m")
    except SpecError as error:
        return error.mistakes
    return ()


@every
@given(st.text() | st.lists(scraps).map("".join) | damaged_specs())
def test_any_text_is_a_spec_or_has_mistakes_that_stand_in_it(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for mistake in mistakes_in(text):
        assert 1 <= mistake.line <= len(lines)
        assert 1 <= mistake.column <= len(lines[mistake.line - 1]) + 1
        assert len(str(mistake).splitlines()) == 1
        assert "Input" not in mistake.message  # pydantic's own words
        assert "not valid YAML" not in mistake.message  # PyYAML's


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specs") / "m.yaml"


@every
@given(content=st.binary() | damaged_specs().map(lambda text: text.encode("utf-16")))
def test_any_file_is_a_spec_or_a_list_of_mistakes(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SpecError):
        load_spec(file)
