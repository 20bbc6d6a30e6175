"""Arithmetic, and choice between two: ops that treat every element alike.

Conventions at kinks are PyTorch's: abs'(0) = 0, clamp' = 1 at both bounds, and of equal numbers each takes half.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from npnn_cli.autograd.dtypes import get_default_dtype, is_floating, refuse_booleans
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.selection import selected
from npnn_cli.examples import booleans, by_convention, constant, distinct, example, nonzero, normal, positive, uniform


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


@primitive(
    example(normal(3, 4), normal(3, 4)),
    example(normal(2, 3, 4), normal(3, 1), alpha=-1.5),
    example(normal(), normal(3)),
    example(normal(0, 3), normal(1, 3)),
)
def add(x: Array, y: Array, /, alpha: float = 1) -> Answer:
    """Sum x + alpha · y."""
    x, y = _promote(x, y)
    if alpha == 1:
        return x + y, lambda g: g, lambda g: g
    return x + alpha * y, lambda g: g, lambda g: alpha * g


@primitive(
    example(normal(3, 4), normal(3, 4)),
    example(normal(2, 3, 4), normal(3, 1), alpha=-1.5),
    example(normal(), normal(3)),
)
def sub(x: Array, y: Array, /, alpha: float = 1) -> Answer:
    """Difference x - alpha · y."""
    x, y = _promote(x, y)
    if alpha == 1:
        return x - y, lambda g: g, lambda g: -g
    return x - alpha * y, lambda g: g, lambda g: -alpha * g


@primitive(example(normal(3, 4), normal(3, 4)), example(normal(2, 3, 4), normal(3, 1)), example(normal(), normal(3)))
def mul(x: Array, y: Array, /) -> Answer:
    """Product x · y."""
    x, y = _promote(x, y)
    return x * y, lambda g: g * y, lambda g: g * x


@primitive(
    example(normal(3, 4), positive(3, 4)),
    example(normal(2, 3, 4), nonzero(3, 1)),
    example(normal(), nonzero(3)),
    example(uniform(2.1, 2.4, 3, 4), constant(-1.0, 4), rounding_mode="floor"),
    example(uniform(2.1, 2.4, 3, 4), constant(-1.0, 4), rounding_mode="trunc"),
)
def div(x: Array, y: Array, /, rounding_mode: Literal["floor", "trunc"] | None = None) -> Answer:
    """Quotient x / y, rounded down ("floor") or towards zero ("trunc") if asked to; rounding has the derivative 0.

    Raises:
        ValueError: if ``rounding_mode`` is none of these, or whole numbers are divided by 0 and rounded.
    """
    x, y = _promote(x, y)
    if rounding_mode is None:
        ans = x / y
        return ans, lambda g: g / y, lambda g: -g * ans / y
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(f"div: rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}")
    if np.result_type(x, y).kind != "f" and not np.all(y):
        raise ValueError("div: whole numbers cannot be divided by 0")
    if rounding_mode == "floor":
        return x // y, np.zeros_like, np.zeros_like
    if np.result_type(x, y).kind == "f":
        return np.trunc(x / y), np.zeros_like, np.zeros_like
    floored = x // y  # of whole numbers, floats would lose digits
    return floored + ((floored < 0) & (floored * y != x)), np.zeros_like, np.zeros_like


@primitive(
    example(positive(3, 4), normal(3, 4)),
    example(positive(2, 3, 4), normal(3, 1)),
    example(nonzero(3, 4), constant(2.0)),
    example(nonzero(3, 4), constant(3.0)),
    example(positive(3, 4), constant(-0.5)),
)
def pow(x: Array, exponent: Array, /) -> Answer:
    """Power x ** y. With respect to y, the derivative at x = 0 is 0 for y >= 0 and that at x < 0 is nan.

    See https://pytorch.org/docs/stable/generated/torch.pow.html.
    """
    x, y = _promote(x, exponent)

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
    """Absolute value, with derivative 0 at 0.

    Raises:
        TypeError: if x holds truth values.
    """
    refuse_booleans(x, "abs")
    return np.abs(x), lambda g: g * ((x > 0).astype(g.dtype) - (x < 0))  # at nan 0, as in PyTorch


@primitive(example(nonzero(3, 4)), example(nonzero()))
def sign(x: Array, /) -> Answer:
    """-1, 0 or 1 for a negative number, zero (or nan) or a positive one; its derivative is 0 everywhere."""
    return np.where(np.isnan(x), 0, np.sign(x)), np.zeros_like


@primitive(example(distinct(3, 4)), example(uniform(0.1, 0.9)))
def floor(x: Array, /) -> Answer:
    """Greatest whole number that is not above x; its derivative is 0 everywhere.

    Raises:
        TypeError: if x holds truth values.
    """
    refuse_booleans(x, "floor")
    return np.floor(x), np.zeros_like


@primitive(example(normal(3, 4)), example(normal()))
def square(x: Array, /) -> Answer:
    """Square x²."""
    return x * x, lambda g: 2 * g * x


@primitive(example(nonzero(3, 4)), example(nonzero()))
def reciprocal(x: Array, /) -> Answer:
    """Reciprocal 1 / x."""
    ans = 1 / x
    return ans, lambda g: -g * ans * ans


@primitive(
    example(distinct(3, 4), min=-0.3, max=0.2),
    example(distinct(3, 4), min=0.0),
    example(distinct(), max=0.0),
    example(normal(3, 4), uniform(-0.9, -0.6, 4), uniform(0.6, 0.9, 3, 1)),
    example(normal(2, 3), uniform(0.6, 0.9, 3), uniform(-0.9, -0.6, 2, 1)),
    example(normal(3, 1), normal(4)),
    example(normal(4), max=1.0),
    example(normal(0, 3), uniform(-1.0, 0.0, 3)),
)
def clamp(x: Array, min: Array | None = None, max: Array | None = None, /) -> Answer:
    """Bring every element between two bounds, numbers or arrays; ``max`` counts where the bounds contradict each other.

    At a bound itself the gradient goes to x, beyond it to the bound.
    See https://pytorch.org/docs/stable/generated/torch.clamp.html.

    Raises:
        ValueError: if there is no bound.
    """
    if min is None and max is None:
        raise ValueError("clamp: expected min, max or both, got neither")
    low, x = (min, x) if min is None else _promote(min, x)
    high, x = (max, x) if max is None else _promote(max, x)
    ans = x if low is None else np.maximum(x, low)
    ans = ans if high is None else np.minimum(ans, high)
    floor, ceiling = -np.inf if low is None else low, np.inf if high is None else high
    return (
        ans,
        lambda g: selected(g, (x >= floor) & (x <= ceiling)),
        lambda g: selected(g, (x < floor) & (floor < ceiling)),
        lambda g: selected(g, (x > ceiling) | (ceiling < floor)),
    )


@primitive(
    example(distinct(3, 4), distinct(3, 4)), example(normal(2, 3, 4), normal(3, 1)), example(normal(), normal(3))
)
def maximum(x: Array, y: Array, /) -> Answer:
    """Greater of x and y; equal ones share the gradient."""
    x, y = _promote(x, y)
    return np.maximum(x, y), lambda g: _share(g, x == y, x < y), lambda g: _share(g, x == y, y < x)


@primitive(
    example(distinct(3, 4), distinct(3, 4)), example(normal(2, 3, 4), normal(3, 1)), example(normal(), normal(3))
)
def minimum(x: Array, y: Array, /) -> Answer:
    """Lesser of x and y; equal ones share the gradient."""
    x, y = _promote(x, y)
    return np.minimum(x, y), lambda g: _share(g, x == y, x > y), lambda g: _share(g, x == y, y > x)


def _share(g: Array, equal: Array, lost: Array) -> Array:
    """All of the gradient, half of it where the two are equal, and none where the other was chosen."""
    return np.where(lost, 0, np.where(equal, g / 2, g))


@primitive(
    example(booleans(3, 4), normal(3, 4), normal(3, 4)),
    example(booleans(3, 1), normal(2, 3, 4), normal()),
    example(booleans(), normal(3), normal(2, 1)),
    example(booleans(0, 1), normal(3), normal()),
)
def where(condition: Array, x: Array, y: Array, /) -> Answer:
    """Elements of x where the condition is true, and of y elsewhere; all three broadcast.

    Raises:
        TypeError: if the condition is not boolean.
    """
    condition = np.asarray(condition)
    if condition.dtype != bool:
        raise TypeError(f"where: expected a boolean condition, got one of {condition.dtype}")
    if (isinstance(x, float) or isinstance(y, float)) and not (is_floating(x) or is_floating(y)):
        x, y = (np.asarray(each, get_default_dtype()) for each in (x, y))
    x, y = _promote(x, y)
    return np.where(condition, x, y), None, lambda g: selected(g, condition), lambda g: selected(g, ~condition)


@primitive(
    by_convention(normal(3, 4), factor=np.array([[0.5], [-2.0], [1.0]])),
    example(normal(3, 4), factor=np.array(1.0)),
    reference=lambda _, x, factor: x.detach() + (x - x.detach()) * factor,
)
def scale_gradient(x: Array, /, factor: Array) -> Answer:
    """Leave x as it is, but multiply its gradient by a factor, an array that broadcasts to x."""
    return x.view(), lambda g: g * factor
