"""Initial weights. The spread is chosen so that signals neither fade nor explode from layer to layer.

Each initializer makes a new array of a shape; under PyTorch's name, which ends in ``_``, it fills a tensor instead.
Shapes are those of weights: (out_features, in_features) for a Linear, (C_out, C_in, kernel height, kernel width) for a
convolution. A unit's ``fan_in`` is the number of its inputs, ``fan_out`` the number of units that it feeds.
See https://pytorch.org/docs/stable/nn.init.html.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Annotated, Any, Literal

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example
from npnn_cli.registry import Written, construct, initializers

Shape = tuple[int, ...]
Mode = Literal["fan_in", "fan_out"]

Init = Annotated[Written, initializers]
"""An initializer as a spec names it: ``xavier_uniform``, or ``{type: kaiming_normal, nonlinearity: tanh}``."""


def fans(shape: Shape) -> tuple[int, int]:
    """``fan_in`` and ``fan_out`` of a weight of this shape.

    Raises:
        ValueError: if it has fewer than two dimensions.
    """
    if len(shape) < 2:
        raise ValueError(f"init: fan_in and fan_out need a shape of two dimensions or more, got {shape}")
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that makes up for what an activation takes from the spread of a signal.

    1 for linear maps and Sigmoid, 5/3 for Tanh, √2 for ReLU, √(2 / (1 + param²)) for LeakyReLU of the slope ``param``
    (0.01 by default), 3/4 for SELU.

    Raises:
        ValueError: if the activation is none of these.
    """
    convolutions = [f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)]
    gains = dict.fromkeys(["linear", *convolutions, "sigmoid"], 1.0)
    gains |= {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    gains["leaky_relu"] = math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in gains:
        raise ValueError(f"init: unknown nonlinearity '{nonlinearity}'; known are {', '.join(gains)}")
    return gains[nonlinearity]


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), a=-2.0, b=0.5))
def uniform(shape: Shape, /, a: float = 0.0, b: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Uniform between ``a`` and ``b``."""
    return rng.uniform(a, b, shape)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), mean=2.0, std=0.1))
def normal(shape: Shape, /, mean: float = 0.0, std: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Normal with this mean and standard deviation."""
    return rng.normal(mean, std, shape)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), mean=1.0, std=0.5, a=0.0, b=1.2))
def trunc_normal(
    shape: Shape, /, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, *, rng: np.random.Generator
) -> Array:
    """Normal with this mean and standard deviation, but nothing outside of ``a`` to ``b``.

    Drawn as the quantiles of uniform shares.
    """
    if not a < b:
        raise ValueError(f"trunc_normal: needs a < b, got a={a}, b={b}")
    distribution = NormalDist(mean, std)
    shares = rng.uniform(distribution.cdf(a), distribution.cdf(b), shape)
    quantile = np.vectorize(distribution.inv_cdf, otypes=[np.float64])
    quantiles: Array = np.clip(quantile(np.clip(shares, 1e-300, 1 - 1e-16)), a, b)
    return quantiles


@initializers.register(example(shape=(400, 300), val=0.3))
def constant(shape: Shape, /, val: float) -> Array:
    """The number ``val`` everywhere."""
    return np.full(shape, val, np.float64)


@initializers.register(example(shape=(400, 300)))
def ones(shape: Shape, /) -> Array:
    """1 everywhere."""
    return np.ones(shape)


@initializers.register(example(shape=(400, 300)))
def zeros(shape: Shape, /) -> Array:
    """0 everywhere."""
    return np.zeros(shape)


@initializers.register(example(shape=(400, 300)))
def eye(shape: Shape, /) -> Array:
    """The identity: 1 on the diagonal of a matrix, 0 elsewhere."""
    if len(shape) != 2:
        raise ValueError(f"eye: needs a shape of two dimensions, got {shape}")
    return np.eye(*shape)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), gain=2.0))
def xavier_normal(shape: Shape, /, gain: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Normal with variance gain² · 2 / (fan_in + fan_out), for Tanh and Sigmoid.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 12.
    """
    return rng.normal(0.0, gain * math.sqrt(2 / sum(fans(shape))), shape)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), gain=2.0))
def xavier_uniform(shape: Shape, /, gain: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Uniform with variance gain² · 2 / (fan_in + fan_out), for Tanh and Sigmoid.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 16.
    """
    bound = gain * math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-bound, bound, shape)


@initializers.register(
    example(shape=(400, 300)),
    example(shape=(400, 300), a=0.5, mode="fan_out"),
    example(shape=(400, 300), nonlinearity="tanh"),
)
def kaiming_normal(
    shape: Shape,
    /,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: np.random.Generator,
) -> Array:
    """Normal with variance gain² / fan_in (or / fan_out): 2 / fan_in keeps the variance through a ReLU.

    ``a`` is the slope of a LeakyReLU, see :func:`calculate_gain`.
    He et al., "Delving deep into rectifiers", 2015, equation 10.
    """
    return rng.normal(0.0, _kaiming_spread(shape, a, mode, nonlinearity), shape)


@initializers.register(
    example(shape=(400, 300)),
    example(shape=(400, 300), a=0.5, mode="fan_out"),
    example(shape=(400, 300), nonlinearity="tanh"),
)
def kaiming_uniform(
    shape: Shape,
    /,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: np.random.Generator,
) -> Array:
    """Uniform with variance gain² / fan_in (or / fan_out): 2 / fan_in keeps the variance through a ReLU.

    ``a`` is the slope of a LeakyReLU, see :func:`calculate_gain`.
    He et al., "Delving deep into rectifiers", 2015, equation 10.
    """
    bound = math.sqrt(3) * _kaiming_spread(shape, a, mode, nonlinearity)
    return rng.uniform(-bound, bound, shape)


def _kaiming_spread(shape: Shape, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"init: mode must be 'fan_in' or 'fan_out', got '{mode}'")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(shape)[mode == "fan_out"])


@initializers.register(example(shape=(400, 300)), example(shape=(30, 50), gain=2.0))
def orthogonal(shape: Shape, /, gain: float = 1.0, *, rng: np.random.Generator) -> Array:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain``.

    Further dimensions are taken as columns. Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics
    of learning in deep linear neural networks", 2014.
    """
    if len(shape) < 2:
        raise ValueError(f"orthogonal: needs a shape of two dimensions or more, got {shape}")
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # makes every such matrix equally likely
    return gain * (q.T if rows < columns else q).reshape(shape)


def initial_weight(init: Init, shape: Shape, rng: np.random.Generator | None) -> Array:
    """A new weight by this initializer; without a generator, an unpredictable one."""
    weight: Array = initializers.build(init, shape, rng=rng or np.random.default_rng())
    return weight


def _in_place(initializer: Callable[..., Array]) -> Callable[..., Tensor]:
    @functools.wraps(initializer)
    def fill(tensor: Tensor, *args: Any, rng: np.random.Generator | None = None, **options: Any) -> Tensor:
        rng = rng or np.random.default_rng()
        tensor.data[...] = construct(initializer, tensor.shape, *args, options=options, rng=rng)
        Tensor.note_change([tensor])
        return tensor

    return fill


uniform_ = _in_place(uniform)
normal_ = _in_place(normal)
trunc_normal_ = _in_place(trunc_normal)
constant_ = _in_place(constant)
ones_ = _in_place(ones)
zeros_ = _in_place(zeros)
eye_ = _in_place(eye)
xavier_normal_ = _in_place(xavier_normal)
xavier_uniform_ = _in_place(xavier_uniform)
kaiming_normal_ = _in_place(kaiming_normal)
kaiming_uniform_ = _in_place(kaiming_uniform)
orthogonal_ = _in_place(orthogonal)
