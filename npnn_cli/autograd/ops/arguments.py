"""Checks of arguments that are the same everywhere: ``name`` is always that of the op and of the argument."""

from __future__ import annotations

from typing import Any

import numpy as np


def require_whole(value: Any, name: str) -> None:
    """Refuse what is no whole number.

    Raises:
        TypeError: saying so.
    """
    if not is_whole(value):
        raise TypeError(f"{name} must be a whole number, got {value!r}")


def require_number(value: Any, name: str) -> None:
    """Refuse what is no number; nor is a truth value one, which Python counts among them.

    Raises:
        TypeError: saying so.
    """
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")


def require_truth(value: Any, name: str) -> None:
    """Refuse what is neither True nor False.

    Raises:
        TypeError: saying so.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, and no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
