"""Sizes that are given once for all directions of an image, or for each."""

from __future__ import annotations

from npnn_cli.autograd.ops.arguments import is_whole, require_whole

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
