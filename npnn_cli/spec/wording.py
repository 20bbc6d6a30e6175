"""Mistakes in plain words: what was expected, what was found, which name was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from npnn_cli.options import expectation
from npnn_cli.registry import did_you_mean
from npnn_cli.spec.errors import Finding, KeyPath
from npnn_cli.spec.yaml_writing import write_inline


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


def shown(value: object) -> str:
    """A value as a person would name it, cut to a readable length."""
    if isinstance(value, str):
        return f"the text '{_shortened(value)}'"
    kind = "the list " if isinstance(value, list) else "the mapping " if isinstance(value, dict) else ""
    return kind + _shortened(write_inline(value))


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 40 else f"{one_line[:37]}..."
