"""Bringing numbers to mean 0 and standard deviation 1, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class _Conversion(NamedTuple):
    """What scaling numbers of one dtype into another needs.

    Attributes:
        is_lossless: whether all numbers of the one can be converted into the other.
        mean: in the other dtype: a float64 one would make a float32 loop run in float64.
        std: likewise.
        reciprocal_std: 1 / std, likewise.
    """

    is_lossless: bool
    mean: NDArray[Any]
    std: NDArray[Any]
    reciprocal_std: NDArray[Any]


class Standardize:
    """``(x - mean) / std``, with one mean and standard deviation for all numbers or one for each feature.

    Attributes:
        mean: float64, () or the shape of one sample.
        std: likewise.

    Raises:
        ValueError: if the shapes differ, or a number is not finite, or a standard deviation is not positive.
    """

    def __init__(self, mean: ArrayLike, std: ArrayLike) -> None:
        self.mean: NDArray[np.float64] = np.array(mean, dtype=np.float64)
        self.std: NDArray[np.float64] = np.array(std, dtype=np.float64)
        self._conversions: dict[tuple[np.dtype[Any], np.dtype[Any]], _Conversion] = {}
        if self.mean.shape != self.std.shape:
            raise ValueError(f"mean has the shape {self.mean.shape} but std {self.std.shape}; they must agree")
        if not np.isfinite(self.mean).all():
            raise ValueError(f"mean must be finite, but it is {self.mean}")
        if not (np.isfinite(self.std) & (self.std > 0)).all():
            raise ValueError(f"std must be finite and positive, but it is {self.std}")

    @classmethod
    def fit(cls, x: NDArray[Any]) -> Standardize:
        """Measure the mean and the population standard deviation of every feature.

        As in scikit-learn's StandardScaler, a constant feature is only centred: its std is 1.

        Args:
            x: (N, ...), N samples.

        Raises:
            ValueError: if there are no samples, or they are not all finite.
        """
        if len(x) == 0:
            raise ValueError("there are no samples to fit a scaling to")
        if not np.isfinite(x).all():
            raise ValueError("the samples to fit a scaling to hold nan or inf")
        # A rounded mean may leave a constant column a std of 1e-17, so constancy is looked for, not computed.
        constant = x.max(axis=0) == x.min(axis=0)
        std = x.std(axis=0, dtype=np.float64)
        return cls(x.mean(axis=0, dtype=np.float64), np.where(constant, 1.0, std))

    def __call__(self, x: NDArray[Any], dtype: DTypeLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Scale into an array of the given floating dtype, without an intermediate array.

        The difference is taken in the wider of the two dtypes, so that a mean far from 0 costs float64 data no digits.

        Args:
            x: (N, ...), any numbers: uint8 images as well.
            dtype: of the result.
            out: the array to scale into, of the shape of x; a new one unless given.
        """
        scaled = np.empty(x.shape, dtype) if out is None else out
        conversion = self._conversion(x.dtype, scaled.dtype)
        if conversion.is_lossless:
            scaled[...] = x  # converting bytes first is faster than within the subtraction
            scaled -= conversion.mean
        else:
            # The loop's dtype is given because NumPy would choose it by that of the result.
            np.subtract(x, self.mean, out=scaled, dtype=np.result_type(x, scaled))
        if x.dtype.kind == "f":
            scaled /= conversion.std
        else:  # multiplying is faster, and one rounding more does not matter to whole numbers, such as pixels
            scaled *= conversion.reciprocal_std
        return scaled

    def _conversion(self, given: np.dtype[Any], wanted: np.dtype[Any]) -> _Conversion:
        """What does not change from batch to batch."""
        if (given, wanted) not in self._conversions:
            statistics = (statistic.astype(wanted) for statistic in (self.mean, self.std, 1 / self.std))
            self._conversions[given, wanted] = _Conversion(np.can_cast(given, wanted), *statistics)
        return self._conversions[given, wanted]

    def inverse(self, x: NDArray[Any]) -> NDArray[Any]:
        """Undo the scaling: ``x * std + mean``, in a new array of the floating dtype of ``x``."""
        restored = np.empty_like(x)
        np.multiply(x, self.std, out=restored, dtype=x.dtype)
        np.add(restored, self.mean, out=restored, dtype=x.dtype)
        return restored
