"""Initial weights. The spread is chosen so that signals neither fade nor explode from layer to layer.

Each initializer makes a new array of a shape; under PyTorch's name, which ends in ``_``, it fills a tensor instead.
Shapes are those of weights: (out_features, in_features) for a Linear, (C_out, C_in, kernel height, kernel width) for a
convolution. A unit's ``fan_in`` is the number of its inputs, ``fan_out`` the number of units that it feeds.
See https://pytorch.org/docs/stable/nn.init.html.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Annotated, Any, Literal, get_args

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example
from npnn_cli.options import Written
from npnn_cli.registry import construct, initializers

Shape = tuple[int, ...]
Mode = Literal["fan_in", "fan_out"]
Nonlinearity = Literal[
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
]

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


def calculate_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    """The factor that makes up for what an activation takes from the spread of a signal.

    1 for linear maps and Sigmoid, 5/3 for Tanh, √2 for ReLU, √(2 / (1 + param²)) for LeakyReLU of the slope ``param``
    (0.01 by default), 3/4 for SELU.

    Raises:
        ValueError: if the activation is none of these.
    """
    known = get_args(Nonlinearity)
    if nonlinearity not in known:
        raise ValueError(f"init: unknown nonlinearity {nonlinearity!r}; known are {', '.join(known)}")
    slope = 0.01 if param is None else param
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + slope**2)), "selu": 3 / 4}
    return gains.get(nonlinearity, 1.0)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), a=-2.0, b=0.5))
def uniform(shape: Shape, /, a: float = 0.0, b: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Uniform between ``a`` and ``b``."""
    if a > b:
        raise ValueError(f"uniform: needs a <= b, got a={a}, b={b}")
    return rng.uniform(a, b, shape)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), mean=2.0, std=0.1))
def normal(shape: Shape, /, mean: float = 0.0, std: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Normal with this mean and standard deviation."""
    if std < 0:
        raise ValueError(f"normal: std must be at least 0, got {std}")
    return rng.normal(mean, std, shape)


@initializers.register(example(shape=(400, 300)), example(shape=(400, 300), mean=1.0, std=0.5, a=0.0, b=1.2))
def trunc_normal(
    shape: Shape, /, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, *, rng: np.random.Generator
) -> Array:
    """Normal with this mean and standard deviation, but nothing outside of ``a`` to ``b``.

    Drawn as the quantiles of uniform shares.
    """
    if not a < b or std <= 0:
        raise ValueError(f"trunc_normal: needs a < b and a std above 0, got a={a}, b={b}, std={std}")
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


@initializers.register(example(shape=(40, 30, 3, 5)), example(shape=(12, 3, 4), groups=3))
def dirac(shape: Shape, /, groups: int = 1) -> Array:
    """The identity of a convolution: each output channel is an input channel, as far as there are any, of its group.

    1 in the middle of the kernel, 0 elsewhere.
    """
    if not 3 <= len(shape) <= 5:
        raise ValueError(f"dirac: needs a shape (C_out, C_in, kernel sizes ...) of 3 to 5 dimensions, got {shape}")
    if groups < 1 or shape[0] % groups:
        raise ValueError(f"dirac: the {shape[0]} output channels must be divisible by groups={groups}")
    weight = np.zeros(shape)
    middle = tuple(size // 2 for size in shape[2:])
    for start in range(0, shape[0], shape[0] // groups):
        for channel in range(min(shape[0] // groups, shape[1])):
            weight[(start + channel, channel, *middle)] = 1
    return weight


@initializers.register(example(shape=(400, 300), sparsity=0.1), example(shape=(400, 300), sparsity=0.3, std=2.0))
def sparse(shape: Shape, /, sparsity: float, std: float = 0.01, *, rng: np.random.Generator) -> Array:
    """Normal with standard deviation ``std``, but in each column of a matrix the share ``sparsity`` is 0.

    Martens, "Deep learning via Hessian-free optimization", ICML 2010.
    """
    if len(shape) != 2:
        raise ValueError(f"sparse: needs a shape of two dimensions, got {shape}")
    if not 0 <= sparsity <= 1 or std < 0:
        raise ValueError(f"sparse: needs 0 <= sparsity <= 1 and std >= 0, got sparsity={sparsity}, std={std}")
    weight = rng.normal(0.0, std, shape)
    order = rng.random(shape).argsort(axis=0)  # of the rows, in each column its own
    np.put_along_axis(weight, order[: math.ceil(sparsity * shape[0])], 0.0, axis=0)
    return weight


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
    nonlinearity: Nonlinearity = "leaky_relu",
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
    nonlinearity: Nonlinearity = "leaky_relu",
    *,
    rng: np.random.Generator,
) -> Array:
    """Uniform with variance gain² / fan_in (or / fan_out): 2 / fan_in keeps the variance through a ReLU.

    ``a`` is the slope of a LeakyReLU, see :func:`calculate_gain`.
    He et al., "Delving deep into rectifiers", 2015, equation 10.
    """
    bound = math.sqrt(3) * _kaiming_spread(shape, a, mode, nonlinearity)
    return rng.uniform(-bound, bound, shape)


def _kaiming_spread(shape: Shape, a: float, mode: Mode, nonlinearity: Nonlinearity) -> float:
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
    """The initializer under PyTorch's name: it fills a tensor, and returns it; what is no tensor is a TypeError."""

    def fill(tensor: Tensor, *args: Any, rng: np.random.Generator | None = None, **options: Any) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{fill.__name__}: expected a tensor, got {type(tensor).__name__}")
        rng = rng or np.random.default_rng()
        tensor.data[...] = construct(initializer, tensor.shape, *args, options=options, rng=rng)
        Tensor.note_change([tensor])
        return tensor

    functools.update_wrapper(fill, initializer)
    fill.__name__ = fill.__qualname__ = f"{initializer.__name__}_"
    _shape, *others = inspect.signature(initializer).parameters.values()
    others = [p.replace(default=None) if p.name == "rng" else p for p in others]
    tensor = inspect.Parameter("tensor", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="Tensor")
    fill.__dict__["__signature__"] = inspect.Signature([tensor, *others], return_annotation="Tensor")
    return fill


uniform_ = _in_place(uniform)
normal_ = _in_place(normal)
trunc_normal_ = _in_place(trunc_normal)
constant_ = _in_place(constant)
ones_ = _in_place(ones)
zeros_ = _in_place(zeros)
eye_ = _in_place(eye)
dirac_ = _in_place(dirac)
sparse_ = _in_place(sparse)
xavier_normal_ = _in_place(xavier_normal)
xavier_uniform_ = _in_place(xavier_uniform)
kaiming_normal_ = _in_place(kaiming_normal)
kaiming_uniform_ = _in_place(kaiming_uniform)
orthogonal_ = _in_place(orthogonal)
