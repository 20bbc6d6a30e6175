"""Padding: what surrounds an array, a constant or its own elements again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from npnn_cli.autograd.ops.arguments import is_whole
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import example, normal


@primitive(
    example(normal(3, 4), pad=(1, 2)),
    example(normal(2, 3, 4), pad=(0, 1, 2, 0), value=1.5),
    example(normal(4, 5), pad=(-1, 2, 1, -2)),
    example(normal(), pad=()),
)
def constant_pad_nd(x: Array, /, pad: tuple[int, ...], value: float = 0) -> Answer:
    """Surround x with a constant: ``pad`` says how much before and after the last dimension, then the one before it.

    A negative number cuts off.

    Raises:
        ValueError: if ``pad`` holds no pairs, more of them than x has dimensions, or cuts off more than there is.
    """
    added = sides(x.shape, pad, "constant_pad_nd")
    kept = tuple(slice(max(-before, 0), n - max(-after, 0)) for n, (before, after) in zip(x.shape, added, strict=True))
    sizes = tuple(before + n + after for n, (before, after) in zip(x.shape, added, strict=True))
    if any(part.start > part.stop for part in kept):
        raise ValueError(f"constant_pad_nd: cannot cut {tuple(pad)} off the shape {x.shape}")
    inside = tuple(slice(max(b, 0), size - max(a, 0)) for size, (b, a) in zip(sizes, added, strict=True))
    ans = np.full(sizes, value, x.dtype)
    ans[inside] = x[kept]

    def gradient(g: Array) -> Array:
        if min(pad, default=0) >= 0:
            return g[inside]
        spread = np.zeros(x.shape, g.dtype)
        spread[kept] = g[inside]
        return spread

    return ans, gradient


def sides(shape: tuple[int, ...], pad: Sequence[int], op: str) -> list[tuple[int, int]]:
    """What ``pad`` adds before and after each dimension of this shape, the first dimension first.

    Raises:
        TypeError: if it holds anything but whole numbers.
        ValueError: if it holds no pairs, or more of them than there are dimensions.
    """
    if not isinstance(pad, Sequence) or not all(map(is_whole, pad)):
        raise TypeError(f"{op}: pad must be whole numbers (before, after the last dimension, ...), got {pad!r}")
    if len(pad) % 2 or len(pad) > 2 * len(shape):
        raise ValueError(
            f"{op}: pad must be two numbers for each dimension from the last on, for the shape {shape} "
            f"at most {2 * len(shape)}, got {tuple(pad)}"
        )
    given = list(zip(pad[::2], pad[1::2], strict=True))
    return [(0, 0)] * (len(shape) - len(given)) + given[::-1]


REPEATING_MODES = ("reflect", "replicate", "circular")


def sources(size: int, before: int, after: int, mode: str) -> Array:
    """Which elements of a dimension of this size stand in it after padding by "reflect", "replicate" or "circular".

    Raises:
        ValueError: if the mode has not so many to repeat.
    """
    kept = size + min(0, before) + min(0, after)  # a negative side cuts off
    most = {"reflect": size - 1, "circular": kept, "replicate": math.inf}
    if size == 0 or max(before, after) > most[mode] or before + size + after < 0:
        raise ValueError(f"pad: mode {mode!r} cannot add {before} and {after} to a dimension of size {size}")
    places, last = np.arange(-before, size + after), size - 1
    if mode == "reflect":
        return np.asarray(last - np.abs(last - np.abs(places)))
    if mode == "circular":  # what is cut off comes round no more
        first = max(0, -before)
        return first + (places - first) % max(1, kept)
    return places.clip(0, last)
