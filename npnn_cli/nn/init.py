"""Initial weights. The spread is chosen so that signals neither fade nor explode from layer to layer.

Shapes are those of weights: (out_features, in_features) for a Linear, (C_out, C_in, kernel height, kernel width) for a
convolution. A unit's ``fan_in`` is the number of its inputs, ``fan_out`` the number of units that it feeds.
See https://pytorch.org/docs/stable/nn.init.html.
"""

from __future__ import annotations

import math

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.examples import example
from npnn_cli.registry import initializers

Shape = tuple[int, ...]


def fans(shape: Shape) -> tuple[int, int]:
    """``fan_in`` and ``fan_out`` of a weight of this shape."""
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


@initializers.register(example(shape=(400, 300)))
def kaiming_normal(shape: Shape, *, rng: np.random.Generator) -> Array:
    """Normal with variance 2 / fan_in, which keeps the variance through a ReLU.

    He et al., "Delving deep into rectifiers", 2015, equation 10.
    """
    return rng.normal(0.0, math.sqrt(2 / fans(shape)[0]), shape)


@initializers.register(example(shape=(400, 300)))
def kaiming_uniform(shape: Shape, *, rng: np.random.Generator) -> Array:
    """Uniform with variance 2 / fan_in (bounds ±√(6 / fan_in)), which keeps the variance through a ReLU.

    He et al., "Delving deep into rectifiers", 2015, equation 10.
    """
    bound = math.sqrt(6 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


@initializers.register(example(shape=(400, 300)))
def xavier_normal(shape: Shape, *, rng: np.random.Generator) -> Array:
    """Normal with variance 2 / (fan_in + fan_out), for Tanh and Sigmoid.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 12.
    """
    return rng.normal(0.0, math.sqrt(2 / sum(fans(shape))), shape)


@initializers.register(example(shape=(400, 300)))
def xavier_uniform(shape: Shape, *, rng: np.random.Generator) -> Array:
    """Uniform with variance 2 / (fan_in + fan_out), for Tanh and Sigmoid.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 16.
    """
    bound = math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-bound, bound, shape)


def initial_weight(name: str, shape: Shape, rng: np.random.Generator | None) -> Array:
    """A new weight by the initializer of this name; without a generator, an unpredictable one."""
    weight: Array = initializers[name].component(shape, rng=rng or np.random.default_rng())
    return weight
