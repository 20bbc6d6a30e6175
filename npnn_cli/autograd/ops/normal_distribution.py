"""The normal distribution, from which the GELU is made."""

from __future__ import annotations

import functools
import math

import numpy as np

from npnn_cli.autograd.ops.error_function import error_function
from npnn_cli.autograd.ops.primitive import Array

# For float32, both functions are read from a table, in between which they follow their derivatives. The error is half
# of the next derivative, at most 0.4, times the square of half a step: no more than the rounding of float32.
STEPS_PER_UNIT = 1024
LARGEST = 6  # beyond it, the distribution is taken for 0 or 1, and the density for 0


def normal_distribution(x: Array) -> tuple[Array, Array]:
    """The share Φ(x) = (1 + erf(x/√2)) / 2 of numbers below x, and the density Φ'(x) = exp(-x²/2) / √(2π).

    Of float32, they are exact to 2e-7.
    """
    return _from_table(x) if x.dtype == np.float32 else _exactly(x)


def _exactly(x: Array) -> tuple[Array, Array]:
    share = error_function(x * math.sqrt(0.5))
    share += 1
    share *= 0.5
    density = x * x
    density *= -0.5
    np.exp(density, out=density)
    density *= 1 / math.sqrt(2 * math.pi)
    return share, density


def _from_table(x: Array) -> tuple[Array, Array]:
    """With x' nearest to x in the table, d = x - x', φ = Φ': Φ(x) ≈ Φ(x') + d φ(x') and φ(x) ≈ φ(x') - d x φ(x')."""
    shares, densities = _tables()
    distance = x * np.float32(STEPS_PER_UNIT)
    distance.clip(np.float32(-LARGEST * STEPS_PER_UNIT), np.float32(LARGEST * STEPS_PER_UNIT), out=distance)
    nearest = np.rint(distance)
    distance -= nearest
    nearest += LARGEST * STEPS_PER_UNIT
    position = nearest.astype(np.intp)
    share, density = shares.take(position, mode="clip"), densities.take(position, mode="clip")
    distance *= np.float32(1 / STEPS_PER_UNIT)
    change = np.multiply(distance, density, out=nearest)
    share += change
    change *= x
    density -= change
    return share, density


@functools.cache
def _tables() -> tuple[Array, Array]:
    ends = LARGEST * STEPS_PER_UNIT
    share, density = _exactly(np.arange(-ends, ends + 1) / STEPS_PER_UNIT)
    share[0], share[-1], density[0], density[-1] = 0, 1, 0, 0  # exactly, because they are multiplied by any x
    return share.astype(np.float32), density.astype(np.float32)
