"""Mistakes in plain words: what was expected, what was found, which name was meant."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from npnn_cli.registry import Kind, did_you_mean
from npnn_cli.spec.errors import Finding, KeyPath
from npnn_cli.spec.yaml_writing import write_inline

_SINGULAR_AND_PLURAL: dict[Any, tuple[str, str]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    bool: ("true or false", "values true or false"),
    dict: ("a mapping {key: value}", "mappings"),
    Mapping: ("a mapping {key: value}", "mappings"),
    types.NoneType: ("null", "nulls"),
    Any: ("a value", "values"),
}


def wrong_value(path: KeyPath, annotation: Any, value: object) -> Finding:
    """A value that is not of its annotated type: ``lr: expected a number, got the text 'abc'``."""
    return wrong(path, f"expected {expectation(annotation)}, got {shown(value)}")


def wrong(path: KeyPath, message: str) -> Finding:
    """A finding about a value; the message begins with the name of the nearest key."""
    names = [part for part in path if isinstance(part, str)]
    return Finding(path, f"{names[-1]}: {message}" if names else message)


def wrong_keys(
    path: KeyPath, given: Iterable[str], known: Iterable[str], required: Iterable[str], noun: str, owner: str = ""
) -> list[Finding]:
    """Findings for the unknown and the missing keys of one mapping.

    A required key that an unknown one was probably meant to be is not reported as missing too.

    Args:
        path: the mapping's.
        given: the keys that it has.
        known: the keys that it may have.
        required: the keys that it must have.
        noun: what its keys are called: ``"option"``.
        owner: whose they are: ``" of Linear"``.
    """
    given, known = list(given), list(known)
    unknown = [key for key in given if key not in known]
    hints = {key: did_you_mean(key, known) for key in unknown}
    findings = [
        Finding((*path, key), f"unknown {noun} '{key}'{owner}{hint or _known(known, noun)}", at_key=True)
        for key, hint in hints.items()
    ]
    for name in required:
        is_meant = any(hint and hint == did_you_mean(key, [name]) for key, hint in hints.items())
        if name not in given and not is_meant:
            findings.append(Finding((*path, name), f"missing required {noun} '{name}'{owner}"))
    return findings


def _known(names: Sequence[str], noun: str) -> str:
    return f"; known are {', '.join(names)}" if names else f": there are no {noun}s"


def expectation(annotation: Any) -> str:
    """What an annotation allows: ``a whole number or a list of 2 whole numbers``."""
    return _joined(singular for singular, _ in _alternatives(annotation))


def _joined(alternatives: Iterable[str]) -> str:
    *first, last = dict.fromkeys(alternatives)
    return f"{', '.join(first)} or {last}" if first else last


def _alternatives(annotation: Any) -> list[tuple[str, str]]:
    """The singular and the plural of each type that an annotation allows."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        # A whole number is a number: `int | float` is no choice for a person.
        members = [member for member in arguments if not (member is int and float in arguments)]
        return [words for member in members for words in _alternatives(member)]
    if origin is Annotated and isinstance(kind := arguments[1], Kind):
        article = "an" if kind.singular[0] in "aeiou" else "a"
        return [(f"{article} {kind.singular}", f"{kind.singular}s")]
    if origin is Literal:
        return [(repr(value), repr(value)) for value in arguments]
    if origin is tuple and arguments[-1] is not Ellipsis:
        return [(f"a list of {len(arguments)} {_plural(arguments)}", f"lists of {len(arguments)} {_plural(arguments)}")]
    if origin is not None and issubclass(origin, Sequence):
        return [(f"a list of {_plural(arguments[:1])}", f"lists of {_plural(arguments[:1])}")]
    plain = origin or annotation
    name = getattr(plain, "__name__", str(plain))
    return [_SINGULAR_AND_PLURAL.get(plain, (f"a {name}", f"{name}s"))]


def _plural(annotations: tuple[Any, ...]) -> str:
    alternatives = dict.fromkeys(plural for annotation in annotations for _, plural in _alternatives(annotation))
    return _joined(alternatives)


def shown(value: object) -> str:
    """A value as a person would name it, cut to a readable length."""
    if isinstance(value, str):
        return f"the text '{_shortened(value)}'"
    kind = "the list " if isinstance(value, list) else "the mapping " if isinstance(value, dict) else ""
    return kind + _shortened(write_inline(value))


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 40 else f"{one_line[:37]}..."
