"""Sizes that are given once for height and width, or for each."""

from __future__ import annotations

Pair = tuple[int, int]


def pair(value: int | Pair) -> Pair:
    """Height and width from one number for both, or from two."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
