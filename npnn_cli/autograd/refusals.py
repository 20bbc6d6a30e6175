"""Why an op could not be computed, in words that name the op and what it was given.

Ops check beforehand only what NumPy would let pass. Its own complaints about the rest are put into these words
afterwards: a check would cost time in every op of every step, and an exception costs nothing until it is raised.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import PUBLIC_NAMES
from npnn_cli.registry import explained, is_explained, is_one_missing

REFUSALS = (ValueError, TypeError, IndexError, AttributeError, OverflowError)

# What NumPy says, and what it means to say.
_EXPECTED = {
    "could not be broadcast": "sizes must be equal or 1, counted from the last dimension",
    "core dimension": "sizes along which products are summed must be equal",
    "cannot be interpreted as an integer": "expected whole numbers",
    "not supported between instances of": "expected numbers that can be compared",
}


def explain(error: Exception, op: Callable[..., Any], inputs: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise in other words what an op raised, unless its own words name the op already.

    Raises:
        ValueError, TypeError, IndexError: as the error was, a ValueError for an OverflowError; a TypeError if an input
            is neither array nor number, or is None where it must not be.
    """
    name, message = op.__name__, str(error)
    if is_explained(error, name):
        return
    parameters = inspect.signature(op).parameters
    given = {**_by_public_name(parameters, inputs), **options}
    numbers = () if isinstance(error, AttributeError) else (int, float)  # which have no shape to ask for
    are_numbers = all(isinstance(x, (np.ndarray, np.generic, type(None), *numbers)) for x in inputs)
    if not are_numbers or is_one_missing(parameters, dict(zip(parameters, inputs, strict=False))):
        raise explained(TypeError(), name, "expected tensors, arrays or numbers", given) from error
    for words, expected in _EXPECTED.items():
        if words in message:
            message = expected
    if not isinstance(error, AttributeError):
        raise explained(error, name, message, given) from error


def _by_public_name(parameters: Mapping[str, inspect.Parameter], inputs: Sequence[Any]) -> dict[str, Any]:
    names = [PUBLIC_NAMES.get(p.name, p.name) for p in parameters.values() if p.kind is p.POSITIONAL_ONLY]
    names += [f"tensor {number}" for number in range(len(names), len(inputs))]
    return dict(zip(names, inputs, strict=False))
