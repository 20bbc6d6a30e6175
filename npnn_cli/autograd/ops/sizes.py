"""Sizes that are given once for height and width, or for each."""

from __future__ import annotations

import numpy as np

Pair = tuple[int, int]


def pair(value: int | tuple[int] | Pair) -> Pair:
    """Height and width from one number for both, which may stand in a tuple, or from two.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(value, int | np.integer):
        return value, value
    if not isinstance(value, tuple | list) or len(value) not in (1, 2):
        raise TypeError(f"expected one whole number, or two for height and width, not {value!r}")
    return value[0], value[-1]
