"""Arrays that begin where a line of the cache does, which NumPy's own do only now and then.

Where an array begins elsewhere, each vector of 64 bytes that is read from it lies in two lines: with AVX-512, products
and passes over arrays that the cache can hold then take longer.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array of this shape, contiguous, that holds whatever the memory held."""
    size = math.prod(shape)
    memory = np.empty(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    aligned: NDArray[Any] = np.frombuffer(memory.data, dtype, size, start)
    return aligned.reshape(shape)
