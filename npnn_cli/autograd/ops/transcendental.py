"""Roots, exponentials, logarithms and trigonometry of every element.

As in PyTorch, inf and nan are results like any other: sqrt'(0) = inf, log(-1) = nan.
"""

from __future__ import annotations

import math

import numpy as np

from npnn_cli.autograd.ops.primitive import Answer, Array, floating, primitive
from npnn_cli.autograd.threads import mapped
from npnn_cli.examples import example, normal, positive, uniform


@primitive(example(positive(3, 4)), example(positive()))
def sqrt(x: Array, /) -> Answer:
    """Square root, with derivative inf at 0."""
    ans = np.sqrt(x)
    return ans, lambda g: g / (2 * ans)


@primitive(example(positive(3, 4)), example(positive()))
def rsqrt(x: Array, /) -> Answer:
    """Reciprocal of the square root, 1 / √x."""
    ans = 1 / np.sqrt(x)
    return ans, lambda g: -0.5 * g * (ans * ans * ans)


@primitive(example(normal(3, 4)), example(normal()))
def exp(x: Array, /) -> Answer:
    """Exponential e ** x."""
    ans = mapped(np.exp, floating(x))
    return ans, lambda g: g * ans


@primitive(example(normal(3, 4)), example(normal()))
def expm1(x: Array, /) -> Answer:
    """Exponential minus one, e ** x - 1, exact near 0 too."""
    ans = np.expm1(x)
    return ans, lambda g: g * (ans + 1)


@primitive(example(positive(3, 4)), example(positive()))
def log(x: Array, /) -> Answer:
    """Natural logarithm."""
    return np.log(x), lambda g: g / x


@primitive(example(positive(3, 4)), example(uniform(-0.5, 0.5)))
def log1p(x: Array, /) -> Answer:
    """Natural logarithm of 1 + x, exact near 0 too."""
    return np.log1p(x), lambda g: g / (1 + x)


@primitive(example(positive(3, 4)), example(positive()))
def log2(x: Array, /) -> Answer:
    """Logarithm to the base 2."""
    return np.log2(x), lambda g: g / (x * math.log(2))


@primitive(example(normal(3, 4)), example(normal()))
def sin(x: Array, /) -> Answer:
    """Sine."""
    return np.sin(x), lambda g: g * np.cos(x)


@primitive(example(normal(3, 4)), example(normal()))
def cos(x: Array, /) -> Answer:
    """Cosine."""
    return np.cos(x), lambda g: -g * np.sin(x)


@primitive(example(uniform(-1.2, 1.2, 3, 4)), example(uniform(-1.2, 1.2)))
def tan(x: Array, /) -> Answer:
    """Tangent."""
    ans = np.tan(x)
    return ans, lambda g: g * (1 + ans * ans)


@primitive(example(normal(3, 4)), example(normal()))
def tanh(x: Array, /) -> Answer:
    """Hyperbolic tangent, with derivative 1 - ans²."""
    ans = mapped(np.tanh, floating(x))

    def gradient(g: Array, ans: Array, out: Array) -> None:
        np.square(ans, out=out)
        np.subtract(1, out, out=out)
        out *= g

    return ans, lambda g: mapped(gradient, g, ans)
