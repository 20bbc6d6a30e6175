"""Activation functions whose derivative is simpler, or more stable, than that of their parts.

At kinks, as in PyTorch: relu'(0) = 0, leaky_relu'(0) = the slope, elu'(0) = alpha, hardtanh' = 0 at both edges.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from npnn_cli.autograd.dtypes import refuse_booleans, require_floating
from npnn_cli.autograd.ops.dimensions import dim_of
from npnn_cli.autograd.ops.normal_distribution import normal_distribution
from npnn_cli.autograd.ops.primitive import Answer, Array, floating, primitive
from npnn_cli.autograd.ops.selection import selected
from npnn_cli.autograd.threads import by_parts, mapped
from npnn_cli.examples import distinct, example, nonzero, normal, uniform


@primitive(example(nonzero(3, 4)), example(nonzero()))
def relu(x: Array, /) -> Answer:
    """Rectifier max(x, 0), with derivative 0 at 0.

    Raises:
        TypeError: if x holds truth values.
    """
    refuse_booleans(x, "relu")
    ans = rectified(x)
    return ans, lambda g: selected(g, ans != 0)  # also where ans is nan, as in PyTorch


def rectified(x: Array, out: Array | None = None) -> Array:
    """max(x, 0): NumPy clips by two numbers of the array's own dtype in a third of the time that np.maximum takes."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return np.maximum(x, 0, out=out)
    return x.clip(x.dtype.type(0), x.dtype.type(np.inf), out=out)


@primitive(example(nonzero(3, 4)), example(nonzero(), negative_slope=0.3), example(nonzero(5), negative_slope=-0.2))
def leaky_relu(x: Array, /, negative_slope: float = 0.01) -> Answer:
    """Rectifier that leaks: x above 0, negative_slope · x elsewhere.

    Raises:
        TypeError: if x is not floating.
    """
    require_floating(x, "leaky_relu")
    above = (x > 0).astype(x.dtype)
    slopes = above + negative_slope * (1 - above)  # at a tenth of the time of np.where, whose branches mispredict
    return x * slopes, lambda g: g * slopes


@primitive(example(nonzero(3, 4)), example(nonzero(), alpha=0.5))
def elu(x: Array, /, alpha: float = 1.0) -> Answer:
    """Exponential linear unit: x above 0, alpha (e ** x - 1) elsewhere.

    Clevert et al., "Fast and accurate deep network learning by exponential linear units", ICLR 2016.

    Raises:
        TypeError: if x is not floating.
    """
    require_floating(x, "elu")
    above, curve = (~(x <= 0)).astype(x.dtype), alpha * np.expm1(np.fmin(x, 0))  # nan counts as above, as in PyTorch
    return np.maximum(x, 0) + curve, lambda g: g * (above + (1 - above) * (curve + alpha))


@primitive(example(normal(3, 4)), example(normal()))
def sigmoid(x: Array, /) -> Answer:
    """Logistic function 1 / (1 + e ** -x), with derivative ans (1 - ans)."""
    ans = mapped(_sigmoid, floating(x))

    def gradient(g: Array, ans: Array, out: Array) -> None:
        np.subtract(1, ans, out=out)
        out *= ans
        out *= g

    return ans, lambda g: mapped(gradient, g, ans)


def _sigmoid(x: Array, out: Array) -> Array:
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    return np.divide(1, out, out=out)


@primitive(example(normal(3, 4)), example(normal()))
def silu(x: Array, /) -> Answer:
    """Sigmoid linear unit, also known as swish: x s with s = 1 / (1 + e ** -x); its derivative is s + x s (1 - s).

    Raises:
        TypeError: if x is not floating.
    """
    require_floating(x, "silu")
    ans, slope = np.empty_like(x), np.empty_like(x)

    def of_part(x: Array, ans: Array, slope: Array) -> None:
        below = _sigmoid(x, out=slope)
        np.multiply(x, below, out=ans)
        change = 1 - below
        change *= ans
        slope += change

    by_parts(of_part, x, ans, slope)
    return ans, lambda g: mapped(np.multiply, g, slope)


@primitive(
    example(normal(3, 4)),
    example(uniform(-7.0, 7.0, 5)),
    example(normal(), approximate="tanh"),
    example(uniform(-7.0, 7.0, 3, 2), approximate="tanh"),
)
def gelu(x: Array, /, approximate: Literal["none", "tanh"] = "none") -> Answer:
    """Gaussian error linear unit x Φ(x), with the normal distribution Φ(x) = (1 + erf(x/√2)) / 2.

    With ``approximate="tanh"``, Φ(x) is taken for (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
    Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    Raises:
        ValueError: if ``approximate`` is neither.
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    require_floating(x, "gelu")
    of_part = _gelu if approximate == "none" else _gelu_by_tanh
    ans, slope = np.empty_like(x), np.empty_like(x)
    by_parts(of_part, x, ans, slope)
    return ans, lambda g: mapped(np.multiply, g, slope)


def _gelu(x: Array, ans: Array, slope: Array) -> None:
    """X Φ(x), and its derivative Φ(x) + x Φ'(x)."""
    below, density = normal_distribution(x)
    np.multiply(x, below, out=ans)
    np.multiply(x, density, out=slope)
    slope += below


def _gelu_by_tanh(x: Array, ans: Array, slope: Array) -> None:
    """X Φ(x) with Φ(x) = (1 + tanh u) / 2, u = √(2/π) (x + 0.044715 x³); the derivative is Φ + 2 x Φ (1 - Φ) u'."""
    scale, square = x.dtype.type(math.sqrt(2 / math.pi)), np.square(x)
    below = np.multiply(square, scale * x.dtype.type(0.044715))
    below += scale
    below *= x
    np.tanh(below, out=below)
    below += 1
    below *= 0.5
    np.multiply(x, below, out=ans)
    np.multiply(square, scale * x.dtype.type(6 * 0.044715), out=slope)
    slope += 2 * scale
    slope *= ans
    slope *= np.subtract(1, below, out=square)
    slope += below


@primitive(
    example(normal(3, 4)),
    example(normal(), beta=2.0),
    example(uniform(1.0, 3.0, 5), beta=0.5, threshold=0.4),
    example(uniform(20.5, 22.0, 2)),
)
def softplus(x: Array, /, beta: float = 1.0, threshold: float = 20.0) -> Answer:
    """Smooth rectifier log(1 + e ** (beta · x)) / beta; x itself where beta · x is above the threshold.

    Raises:
        TypeError: if x is not floating.
    """
    require_floating(x, "softplus")
    scaled = beta * x
    linear = scaled > threshold
    ans = np.where(linear, x, (np.maximum(scaled, 0) + np.log1p(np.exp(-np.abs(scaled)))) / beta)
    return ans, lambda g: g * np.where(linear, 1, 1 / (1 + np.exp(-scaled)))


@primitive(example(nonzero(3, 4)), example(distinct(3, 4), min_val=-0.3, max_val=0.2), example(nonzero()))
def hardtanh(x: Array, /, min_val: float = -1.0, max_val: float = 1.0) -> Answer:
    """Bring x between min_val and max_val, with derivative 0 at both.

    Raises:
        ValueError: if min_val is above max_val, or below 0 for unsigned numbers.
        TypeError: if x holds no numbers.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val must not be above max_val, got {min_val} and {max_val}")
    x = np.asarray(x)
    refuse_booleans(x, "hardtanh")
    if x.dtype.kind == "u" and int(min_val) < 0:
        raise ValueError(f"hardtanh: min_val must not be below 0 for an input of {x.dtype}, got {min_val}")
    low, high = x.dtype.type(min_val), x.dtype.type(max_val)
    outside = (x <= low) | (x >= high)
    return np.clip(x, low, high), lambda g: selected(g, ~outside)


@primitive(example(normal(3, 4)), example(uniform(3.1, 5.0, 2)), example(uniform(-5.0, -3.1)))
def hardswish(x: Array, /) -> Answer:
    """Swish with a sigmoid of three straight lines, x · min(max(x + 3, 0), 6) / 6.

    Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Raises:
        TypeError: if x is not floating.
    """
    require_floating(x, "hardswish")
    ans = x * np.clip(x + 3, 0, 6) / 6
    below = x <= -3
    return ans, lambda g: selected(g * np.where(x < 3, x / 3 + 0.5, 1), ~below)


@primitive(
    example(normal(3, 4), dim=-1),
    example(normal(2, 3, 4), dim=1),
    example(normal(), dim=0),
    example(normal(0, 3), dim=0),
)
def softmax(x: Array, /, dim: int) -> Answer:
    """Exponentials along ``dim`` divided by their sum, e ** x / Σ e ** x: positive numbers that add up to 1.

    dans_i/dx_j = ans_i (δ_ij - ans_j).
    """
    ans = np.exp(_shifted(x, dim, "softmax"))
    ans /= ans.sum(axis=dim, keepdims=True)
    return ans, lambda g: (g - (g * ans).sum(axis=dim, keepdims=True)) * ans


@primitive(example(normal(3, 4), dim=-1), example(normal(2, 3, 4), dim=1), example(normal(), dim=0))
def log_softmax(x: Array, /, dim: int) -> Answer:
    """Logarithm of the softmax along ``dim``, x - log Σ e ** x.

    dans_i/dx_j = δ_ij - softmax_j.
    """
    shifted = _shifted(x, dim, "log_softmax")
    ans = shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return ans, lambda g: g - np.exp(ans) * g.sum(axis=dim, keepdims=True)


def _shifted(x: Array, dim: int, op: str) -> Array:
    """X less its maximum along ``dim``, so that no exponential overflows."""
    require_floating(x, op)
    return np.asarray(x - x.max(axis=dim_of(x, dim, op), keepdims=True, initial=-np.inf))
