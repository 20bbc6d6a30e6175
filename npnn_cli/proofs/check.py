"""What one comparison found."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.registry import Entry, Kind

Against = Literal["finite-differences", "torch"]

# The largest difference that is taken for rounding, in float64: absolute against PyTorch, where both sides do the same
# arithmetic; relative to numbers above 1 against finite differences, which are approximations.
TOLERANCE: Mapping[Against, float] = {"torch": 1e-9, "finite-differences": 1e-6}


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        what: what was compared, as ``op sum(dim=1)`` or ``0.weight``.
        shape: shapes that were involved.
        difference: the largest difference found; inf or nan where the two sides are not even comparable.
        tolerance: the largest difference that passes.
        component: kind and name of what this is a case of, as ``op sum``; empty for a part of a network.
    """

    what: str
    shape: str
    difference: float
    tolerance: float
    component: str = ""

    @property
    def passed(self) -> bool:
        """Whether the two sides agree."""
        return self.difference <= self.tolerance

    @property
    def severity(self) -> float:
        """How bad the difference is, in units of the tolerance; one that is nan is worse than any number."""
        return math.inf if math.isnan(self.difference) else self.difference / self.tolerance


def largest_difference(ours: Array | None, theirs: Array | None, *, relative: bool = False) -> float:
    """Largest absolute difference between two arrays; inf where a shape differs or one side is missing.

    Equal infinities and two nans agree. With ``relative``, differences are divided by ``theirs`` where that is above 1.
    """
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else np.inf
    if ours.shape != theirs.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        difference = np.where(same, 0, np.abs(ours - theirs))
        if relative:
            difference = difference / np.fmax(1, np.abs(theirs))
    return float(difference.max(initial=0))


def chosen(kind: Kind[Any], only: Container[str] | None) -> Iterator[Entry[Any]]:
    """The registered components of a kind, or those of these names."""
    return (entry for name, entry in kind.items() if only is None or name in only)
