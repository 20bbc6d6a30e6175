"""Figures from durations: medians, because a machine is disturbed now and then and an average remembers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Durations of the same work, in seconds.

    Attributes:
        median: half of them were shorter.
        low: a quarter of them were shorter.
        high: a quarter of them were longer.
        count: how many were measured.
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, nanoseconds: Sequence[int]) -> Timing:
        """The median and the quartiles of these durations."""
        low, median, high = (float(value) for value in np.quantile(nanoseconds, [0.25, 0.5, 0.75]) / 1e9)
        return cls(median, low, high, len(nanoseconds))
