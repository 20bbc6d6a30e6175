"""Ops that treat every element alike: arithmetic, exponentials, activations.

Conventions at kinks are PyTorch's: relu'(0) = 0, abs'(0) = 0, sqrt'(0) = inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import constant, example, nonzero, normal, positive

# As in PyTorch, inf and nan are results like any other: no warning.
_quiet = np.errstate(all="ignore")


def _promote(x: Any, y: Any) -> tuple[Any, Any]:
    """Bring two operands to one dtype as PyTorch does.

    A Python scalar takes the array's dtype (NumPy does that by itself). Beside a floating array, integers and 0-d
    floats take the array's dtype too, so that a float32 network is never pulled up to float64.
    """
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.dtype != y.dtype:
        if _yields(x, y):
            return x.astype(y.dtype), y
        if _yields(y, x):
            return x, y.astype(x.dtype)
        dtype = np.result_type(x, y)
        return x.astype(dtype), y.astype(dtype)
    return x, y


def _yields(x: Array, y: Array) -> bool:
    """Whether x takes y's dtype: y is floating, and x is not, or is a lone number beside an array."""
    return y.dtype.kind == "f" and (x.dtype.kind != "f" or (x.ndim == 0 and y.ndim > 0))


@primitive(example(normal(3, 4), normal(3, 4)), example(normal(2, 3, 4), normal(3, 1)), example(normal(), normal(3)))
def add(x: Array, y: Array, /) -> Answer:
    """Sum x + y."""
    x, y = _promote(x, y)
    return x + y, lambda g: g, lambda g: g


@primitive(example(normal(3, 4), normal(3, 4)), example(normal(2, 3, 4), normal(3, 1)), example(normal(), normal(3)))
def sub(x: Array, y: Array, /) -> Answer:
    """Difference x - y."""
    x, y = _promote(x, y)
    return x - y, lambda g: g, lambda g: -g


@primitive(example(normal(3, 4), normal(3, 4)), example(normal(2, 3, 4), normal(3, 1)), example(normal(), normal(3)))
def mul(x: Array, y: Array, /) -> Answer:
    """Product x · y."""
    x, y = _promote(x, y)
    return x * y, lambda g: g * y, lambda g: g * x


@primitive(
    example(normal(3, 4), positive(3, 4)), example(normal(2, 3, 4), nonzero(3, 1)), example(normal(), nonzero(3))
)
@_quiet
def div(x: Array, y: Array, /) -> Answer:
    """Quotient x / y."""
    x, y = _promote(x, y)
    ans = x / y
    return ans, lambda g: g / y, lambda g: -g * ans / y


@primitive(
    example(positive(3, 4), normal(3, 4)),
    example(positive(2, 3, 4), normal(3, 1)),
    example(nonzero(3, 4), constant(2.0)),
    example(nonzero(3, 4), constant(3.0)),
    example(positive(3, 4), constant(-0.5)),
)
@_quiet
def pow(x: Array, y: Array, /) -> Answer:
    """Power x ** y. With respect to y, the derivative at x = 0 is 0 for y >= 0 and that at x < 0 is nan.

    See https://pytorch.org/docs/stable/generated/torch.pow.html.
    """
    x, y = _promote(x, y)

    def gradient_of_base(g: Array) -> Array:
        slope = y * _power(x, y - 1)
        # At x = 0, y = 0 the formula gives 0 · inf, but x ** 0 is constant.
        return g * (np.where(y == 0, 0, slope) if np.any(y == 0) else slope)

    def gradient_of_exponent(g: Array) -> Array:
        return g * np.where((x == 0) & (y >= 0), 0, ans * np.log(x))

    ans = _power(x, y)
    return ans, gradient_of_base, gradient_of_exponent


def _power(x: Array, y: Any) -> Array:
    """Power x ** y; NumPy's own is a hundred times slower for a small whole exponent other than 2."""
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and np.ndim(y) == 0 and y in (1, 2, 3):
        return np.array(x) if y == 1 else x * x if y == 2 else x * x * x
    power: Array = x**y
    return power


@primitive(example(normal(3, 4)), example(normal()))
def neg(x: Array, /) -> Answer:
    """Negation -x."""
    return -x, lambda g: -g


@primitive(example(nonzero(3, 4)), example(nonzero()))
def abs(x: Array, /) -> Answer:
    """Absolute value, with derivative 0 at 0."""
    return np.abs(x), lambda g: g * np.sign(x)


@primitive(example(normal(3, 4)), example(normal()))
@_quiet
def exp(x: Array, /) -> Answer:
    """Exponential e ** x."""
    ans = np.exp(x)
    return ans, lambda g: g * ans


@primitive(example(positive(3, 4)), example(positive()))
@_quiet
def log(x: Array, /) -> Answer:
    """Natural logarithm."""
    return np.log(x), lambda g: g / x


@primitive(example(positive(3, 4)), example(positive()))
@_quiet
def sqrt(x: Array, /) -> Answer:
    """Square root, with derivative inf at 0."""
    ans = np.sqrt(x)
    return ans, lambda g: g / (2 * ans)


@primitive(example(nonzero(3, 4)), example(nonzero()))
def relu(x: Array, /) -> Answer:
    """Rectifier max(x, 0), with derivative 0 at 0."""
    ans = np.maximum(x, 0)
    return ans, lambda g: g * (ans != 0)  # also where ans is nan, as in PyTorch


@primitive(example(normal(3, 4)), example(normal()))
@_quiet
def sigmoid(x: Array, /) -> Answer:
    """Logistic function 1 / (1 + e ** -x)."""
    ans = 1 / (1 + np.exp(-x))
    return ans, lambda g: g * ans * (1 - ans)


@primitive(example(normal(3, 4)), example(normal()))
def tanh(x: Array, /) -> Answer:
    """Hyperbolic tangent."""
    ans = np.tanh(x)
    return ans, lambda g: g * (1 - ans * ans)
