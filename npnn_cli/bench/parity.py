"""Whether contenders compute the same: a time means nothing where the results differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.bench.contender import Answers

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
"""By dtype, the largest difference that rounding explains, relative to the largest element of the answer."""


@dataclass(frozen=True)
class Difference:
    """An answer that a contender and the engine do not agree on.

    Attributes:
        what: the name of the answer.
        size: the largest difference, relative to the largest element; inf if shapes differ or a number is not finite.
    """

    what: str
    size: float

    def __str__(self) -> str:
        return f"{self.what} by {self.size:.1e}"


def differences(theirs: Answers, ours: Answers, dtype: str) -> list[Difference]:
    """The answers of a contender that differ from the engine's by more than the tolerance of the dtype.

    Args:
        theirs: what the contender computed, any part of what the engine does.
        ours: what the engine computed.
        dtype: the spec's.

    Raises:
        ValueError: if there is nothing to compare, which proves nothing, or the engine has no such answer.
    """
    unknown = theirs.keys() - ours.keys()
    if unknown or not theirs:
        raise ValueError(f"a contender's answers must be some of {sorted(ours)}, got {sorted(theirs)}")
    sizes = {what: _relative_difference(answer, ours[what]) for what, answer in theirs.items()}
    return [Difference(what, size) for what, size in sizes.items() if size > TOLERANCE[dtype]]


def _relative_difference(theirs: Array, ours: Array) -> float:
    if theirs.shape != ours.shape or not (np.isfinite(theirs).all() and np.isfinite(ours).all()):
        return float("inf")
    largest = float(np.abs(ours).max(initial=0.0))
    difference = float(np.abs(theirs.astype(np.float64) - ours).max(initial=0.0))
    return difference / largest if largest else difference
