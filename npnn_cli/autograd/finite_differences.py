"""Derivatives by finite differences: slow, approximate, and independent of every hand-written derivative."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from npnn_cli.autograd.ops.primitive import Array


def numerical_gradient(f: Callable[[], float], x: Array, step: float = 1e-5) -> Array:
    """Gradient of ``f`` with respect to the array ``x`` (float64), which f reads.

    Each element is moved by ``step`` up and down, in place, and put back: (f(x + h) - f(x - h)) / 2h. The error falls
    with h² until rounding takes over, which makes 1e-5 a good step in float64.
    """
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        gradient[index] = central_difference(f, x, index, step)
    return gradient


def central_difference(f: Callable[[], float], x: Array, index: tuple[int, ...], step: float = 1e-5) -> float:
    """Derivative of ``f`` with respect to one element of ``x``, which is moved in place and put back."""
    value = x[index]
    x[index] = value + step
    above = f()
    x[index] = value - step
    below = f()
    x[index] = value
    return (above - below) / (2 * step)
