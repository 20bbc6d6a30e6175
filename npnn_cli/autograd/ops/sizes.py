"""Sizes that are given once for all directions of an image, or for each."""

from __future__ import annotations

from typing import Any

import numpy as np

Pair = tuple[int, int]
Single = int | tuple[int]


def pair(value: int | tuple[int] | Pair, name: str = "size") -> Pair:
    """Height and width from one number for both, which may stand in a tuple, or from two.

    Args:
        value: the one or the two.
        name: of the op and of the argument, for the message.

    Raises:
        TypeError: if it is neither.
    """
    numbers = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(numbers) not in (1, 2) or not all(map(is_whole, numbers)):
        raise TypeError(f"{name} must be one whole number, or two for height and width, got {value!r}")
    return numbers[0], numbers[-1]


def single(value: Single, name: str = "size") -> int:
    """One number, which may stand in a tuple.

    Raises:
        TypeError: if it is none.
    """
    number = value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
    require_whole(number, name)
    return int(number)


def require_whole(value: Any, name: str) -> None:
    """Refuse what is no whole number: ``name`` is that of the op and of the argument.

    Raises:
        TypeError: saying so.
    """
    if not is_whole(value):
        raise TypeError(f"{name} must be a whole number, got {value!r}")


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, and not a truth value, which Python counts among them."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
