from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from npnn_cli.nn.init import Init
from npnn_cli.nn.module import Layer
from npnn_cli.spec.wording import expectation, shown, wrong_keys


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (float, "a number"),
        (int | float, "a number"),
        (str, "text"),
        (bool, "true or false"),
        (float | None, "a number or null"),
        (tuple[int, int], "a list of 2 whole numbers"),
        (tuple[int, str], "a list of 2 whole numbers or texts"),
        (tuple[float, ...], "a list of numbers"),
        (Sequence[int], "a list of whole numbers"),
        (list[tuple[int, int]], "a list of lists of 2 whole numbers"),
        (list[list[str]], "a list of lists of texts"),
        (int | tuple[int, int], "a whole number or a list of 2 whole numbers"),
        (int | tuple[int, int] | None, "a whole number, a list of 2 whole numbers or null"),
        (Literal["mean", "sum"], "'mean' or 'sum'"),
        (Literal["same"] | int, "'same' or a whole number"),
        (dict[str, int], "a mapping {key: value}"),
        (Mapping[str, int], "a mapping {key: value}"),
        (Path, "a Path"),
        (list[Path], "a list of Paths"),
        (Layer, "a layer"),
        (Layer | None, "a layer or null"),
        (Sequence[Layer], "a list of layers"),
        (Init, "an initializer"),
    ],
)
def test_expectations_are_in_plain_words(annotation: Any, words: str) -> None:
    assert expectation(annotation) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("abc", "the text 'abc'"),
        ("1", "the text '1'"),
        ("a\nb", "the text 'a b'"),
        ("x" * 50, f"the text '{'x' * 37}...'"),
        (0.5, "0.5"),
        (1e-7, "1e-07"),
        (float("nan"), ".nan"),
        (-1, "-1"),
        (True, "true"),
        (None, "null"),
        ([3, "x", 1.0], "the list [3, x, 1.0]"),
        ({"a": 1}, "the mapping {a: 1}"),
    ],
)
def test_values_are_shown_as_they_are_written(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_misspelled_required_key_is_one_mistake() -> None:
    findings = wrong_keys(("a",), ["epoch", "zzz"], ["epochs", "size"], ["epochs", "size"], "key", " of training")
    assert [(finding.path, finding.at_key, finding.message) for finding in findings] == [
        (("a", "epoch"), True, "unknown key 'epoch' of training: did you mean 'epochs'?"),
        (("a", "zzz"), True, "unknown key 'zzz' of training; known are epochs, size"),
        (("a", "size"), False, "missing required key 'size' of training"),
    ]


def test_where_there_is_nothing_to_choose_from_that_is_said() -> None:
    [finding] = wrong_keys((), ["p"], [], [], "option", " of ReLU")
    assert finding.message == "unknown option 'p' of ReLU: there are no options"
