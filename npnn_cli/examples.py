"""Examples with which components are registered: the inputs to try them on, and the options.

An input is described by how it is drawn, so that every check can draw its own. The domain keeps finite differences
away from points without a derivative: ``distinct`` for a maximum, ``nonzero`` for a ReLU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator], NDArray[Any]]


@dataclass(frozen=True)
class Example:
    """One use of a component.

    Attributes:
        inputs: how to draw its array inputs.
        options: to give it.
        has_slope: whether its gradient is the slope, which finite differences find. Where it is not, only the
            comparison with PyTorch proves it.
    """

    inputs: tuple[Draw, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    has_slope: bool = True


def example(*inputs: Draw, **options: Any) -> Example:
    """An example with these inputs and options: ``example(normal(5, 3), dim=1)``."""
    return Example(inputs, options)


def by_convention(*inputs: Draw, **options: Any) -> Example:
    """An example whose gradient is another than the slope, because PyTorch wants it so: of padding it is 0."""
    return Example(inputs, options, has_slope=False)


def normal(*shape: int) -> Draw:
    """Standard normal numbers."""
    return lambda rng: np.asarray(rng.standard_normal(shape))


def uniform(low: float, high: float, *shape: int) -> Draw:
    """Uniform numbers between two bounds."""
    return lambda rng: np.asarray(rng.uniform(low, high, shape))


def positive(*shape: int) -> Draw:
    """Numbers between 0.5 and 2, for a logarithm or a divisor."""
    return uniform(0.5, 2.0, *shape)


def nonzero(*shape: int) -> Draw:
    """Numbers of either sign, at least 0.1 away from 0, for functions with a kink there."""
    return lambda rng: np.asarray(rng.uniform(0.1, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def distinct(*shape: int) -> Draw:
    """Numbers that differ from one another and from 0 by at least 0.05, for maxima and minima."""

    def draw(rng: np.random.Generator) -> NDArray[Any]:
        count = int(np.prod(shape))
        values: NDArray[Any] = rng.permutation((np.arange(count) - count // 2) * 0.1 + 0.05)
        return values.reshape(shape)

    return draw


def constant(value: float, *shape: int) -> Draw:
    """The same number everywhere."""
    return lambda _: np.full(shape, value)


def classes(count: int, *shape: int) -> Draw:
    """Class indices from 0 to ``count`` - 1."""
    return lambda rng: np.asarray(rng.integers(0, count, shape))


def booleans(*shape: int) -> Draw:
    """True and false, as likely as each other."""
    return lambda rng: np.asarray(rng.random(shape) < 0.5)
