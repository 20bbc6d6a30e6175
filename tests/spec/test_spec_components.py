from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import pytest

from npnn_cli import registry
from npnn_cli.examples import example
from npnn_cli.options import Component
from npnn_cli.spec import ComponentSpec, with_defaults
from npnn_cli.spec.components import check_component, check_components, import_components


@pytest.fixture(autouse=True)
def register_a_layer_with_every_sort_of_option(throwaway: None) -> None:
    @registry.layers.register(example(size=1))
    class Throwaway(Component):
        inferred: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
            "in_size": lambda shape: shape[0],
            "groups": lambda shape: 1,
        }
        injected: ClassVar[frozenset[str]] = frozenset({"params"})

        def __init__(
            self,
            params: object,
            in_size: int,
            size: int,
            rate: float = 0.5,
            kernel: int | tuple[int, int] = 1,
            betas: tuple[float, float] = (0.9, 0.999),
            padding: Literal["same", "valid"] | int = "same",
            sizes: Sequence[int] = (),
            eps: float | None = None,
            flag: bool = False,
            groups: int | None = None,
            *,
            rng: object = None,
        ) -> None: ...


def check(options: dict[str, Any], type: str = "Throwaway") -> tuple[ComponentSpec, list[tuple[Any, str]]]:
    component, findings = check_component(ComponentSpec(type=type, options=options), registry.layers, ("model", 2))
    return component, [(finding.path[2:], finding.message) for finding in findings]


@pytest.mark.parametrize(
    ("option", "value", "kept"),
    [
        ("in_size", 3, 3),
        ("rate", 1, 1.0),
        ("rate", 0.5, 0.5),
        ("rate", float("inf"), float("inf")),
        ("kernel", 3, 3),
        ("kernel", [3, 4], (3, 4)),
        ("betas", [1, 0.5], (1.0, 0.5)),
        ("padding", "valid", "valid"),
        ("padding", 2, 2),
        ("sizes", [1, 2, 3], [1, 2, 3]),
        ("eps", None, None),
        ("eps", 1, 1.0),
        ("flag", True, True),
    ],
)
def test_a_valid_option_is_kept_as_its_annotated_type(option: str, value: object, kept: object) -> None:
    component, findings = check({"size": 8, option: value})
    assert findings == []
    assert component.options == {"size": 8, option: kept}
    assert type(component.options[option]) is type(kept)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("size", "64", "size: expected a whole number, got the text '64'"),
        ("size", 0.5, "size: expected a whole number, got 0.5"),
        ("size", 64.0, "size: expected a whole number, got 64.0"),
        ("size", True, "size: expected a whole number, got true"),
        ("size", None, "size: expected a whole number, got null"),
        ("rate", "abc", "rate: expected a number, got the text 'abc'"),
        ("rate", False, "rate: expected a number, got false"),
        ("kernel", "abc", "kernel: expected a whole number or a list of 2 whole numbers, got the text 'abc'"),
        ("kernel", [3], "kernel: expected a whole number or a list of 2 whole numbers, got the list [3]"),
        ("kernel", [3, "x"], "kernel: expected a whole number or a list of 2 whole numbers, got the list [3, x]"),
        ("betas", 0.9, "betas: expected a list of 2 numbers, got 0.9"),
        ("betas", [0.9, 0.99, 1.0], "betas: expected a list of 2 numbers, got the list [0.9, 0.99, 1.0]"),
        ("padding", "smae", "padding: expected 'same', 'valid' or a whole number, got the text 'smae'"),
        ("sizes", 3, "sizes: expected a list of whole numbers, got 3"),
        ("eps", "x", "eps: expected a number or null, got the text 'x'"),
        ("flag", 1, "flag: expected true or false, got 1"),
        ("flag", "yes", "flag: expected true or false, got the text 'yes'"),
    ],
)
def test_a_wrong_value_is_one_finding(option: str, value: object, message: str) -> None:
    assert check({"size": 8, option: value})[1] == [((option,), message)]


def test_names_are_checked() -> None:
    assert check({"sice": 8, "in_size": 3})[1] == [
        (("sice",), "unknown option 'sice' of Throwaway: did you mean 'size'?")
    ]
    assert check({})[1] == [(("size",), "missing required option 'size' of Throwaway")]
    assert check({}, type="throwawy")[1] == [(("type",), "unknown layer 'throwawy': did you mean 'Throwaway'?")]


@pytest.mark.parametrize("given_by_the_program", ["params", "rng", "self"])
def test_what_the_program_gives_is_no_option(given_by_the_program: str) -> None:
    [(path, message)] = check({"size": 8, given_by_the_program: 1})[1]
    assert path == (given_by_the_program,)
    assert message.startswith(f"unknown option '{given_by_the_program}' of Throwaway")


def test_all_sections_are_checked_and_what_is_no_component_is_left_alone() -> None:
    import_components()
    data = {
        "data": "MINST",
        "loss": {"type": "MSELoss", "reduction": "avg"},
        "optimizer": {"lr": 1},
        "scheduler": None,
        "model": ["ReLU", {"type": "Throwaway", "size": 8, "kernel": [3, 3]}, 7, {"type": "ReLU", "p": 1}],
        "seed": "ReLU",
    }
    checked, findings = check_components(data)
    assert checked["model"][:3] == [
        ComponentSpec(type="ReLU"),
        ComponentSpec(type="Throwaway", options={"size": 8, "kernel": (3, 3)}),
        7,
    ]
    assert [checked[key] for key in ("optimizer", "scheduler", "seed")] == [{"lr": 1}, None, "ReLU"]
    assert {finding.path for finding in findings} == {("data", "type"), ("loss", "reduction"), ("model", 3, "p")}


def test_a_model_that_is_no_list_is_left_alone() -> None:
    assert check_components({"model": {"type": "Nothing"}}) == ({"model": {"type": "Nothing"}}, [])


def test_with_defaults_fills_in_what_is_not_given_and_not_inferred() -> None:
    component = with_defaults(ComponentSpec(type="Throwaway", options={"rate": 0.1, "size": 8}), registry.layers)
    assert list(component.options.items()) == [
        ("size", 8),
        ("rate", 0.1),
        ("kernel", 1),
        ("betas", (0.9, 0.999)),
        ("padding", "same"),
        ("sizes", ()),
        ("eps", None),
        ("flag", False),
    ]


def test_with_defaults_keeps_an_inferred_option_that_is_given() -> None:
    component = with_defaults(ComponentSpec(type="Throwaway", options={"size": 8, "in_size": 2}), registry.layers)
    assert list(component.options)[:2] == ["in_size", "size"]


def test_the_defaults_of_every_registered_component_are_valid_options() -> None:
    import_components()
    for kind in (registry.datasets, registry.layers, registry.losses, registry.optimizers, registry.schedulers):
        for entry in kind.values():
            options = entry.examples[0].options
            if any(map(callable, options.values())):  # a function, which no spec can name
                continue
            component, findings = check_component(ComponentSpec(type=entry.name, options=options), kind, ())
            assert findings == [], entry.name
            component = with_defaults(component, kind)
            assert check_component(component, kind, ())[1] == [], entry.name
