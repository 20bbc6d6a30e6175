"""Activation functions as layers, elementwise on any shape but for the softmax."""

from __future__ import annotations

from typing import Literal

import numpy as np

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import distinct, example, nonzero, normal, uniform
from npnn_cli.nn.module import Module, Parameter
from npnn_cli.registry import layers

__all__ = ["ELU", "GELU", "SELU", "LeakyReLU", "Mish", "PReLU", "ReLU", "ReLU6", "SiLU", "Softplus", "Softsign"]
__all__ += ["Hardsigmoid", "Hardswish", "Hardtanh", "LogSigmoid", "LogSoftmax", "Sigmoid", "Softmax", "Tanh"]


@layers.register(example(nonzero(3, 4)))
class ReLU(Module):
    """Rectifier max(x, 0)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.relu(input)


@layers.register(example(nonzero(3, 4)))
class ReLU6(Module):
    """Rectifier with a ceiling, min(max(x, 0), 6)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.relu6(input)


@layers.register(example(nonzero(3, 4)), example(nonzero(3, 4), negative_slope=0.2))
class LeakyReLU(Module):
    """Rectifier that leaks: x above 0, negative_slope · x elsewhere."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.leaky_relu(input, self.negative_slope)


@layers.register(example(nonzero(3, 4)), example(nonzero(2, 3, 4), num_parameters=3, init=0.1))
class PReLU(Module):
    """Rectifier with learned leaks: x above 0, weight · x elsewhere.

    The weight (num_parameters,) holds one slope for all, or one for each channel of inputs (N, C, ...); every slope is
    ``init`` at first. He et al., "Delving deep into rectifiers", ICCV 2015.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        if num_parameters < 1:
            raise ValueError(f"PReLU: num_parameters must be at least 1, got {num_parameters}")
        self.weight = Parameter(np.full(num_parameters, init))

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element.

        Raises:
            ValueError: if there is more than one slope, and another number of channels.
        """
        return F.prelu(input, self.weight)


@layers.register(example(nonzero(3, 4)), example(nonzero(3, 4), alpha=0.5))
class ELU(Module):
    """Exponential linear unit: x above 0, alpha (e ** x - 1) elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.elu(input, self.alpha)


@layers.register(example(nonzero(3, 4)))
class SELU(Module):
    """Scaled exponential linear unit, 1.0507 elu(x) with alpha 1.6733."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.selu(input)


@layers.register(example(normal(3, 4)), example(normal(3, 4), approximate="tanh"))
class GELU(Module):
    """Gaussian error linear unit x Φ(x), with Φ by the error function unless ``approximate`` is "tanh"."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.gelu(input, self.approximate)


@layers.register(example(normal(3, 4)))
class SiLU(Module):
    """Sigmoid linear unit x · sigmoid(x), also known as swish."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.silu(input)


@layers.register(example(normal(3, 4)))
class Mish(Module):
    """Smooth unit x · tanh(softplus(x))."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.mish(input)


@layers.register(example(normal(3, 4)), example(uniform(1.0, 3.0, 5), beta=0.5, threshold=0.4))
class Softplus(Module):
    """Smooth rectifier log(1 + e ** (beta · x)) / beta; x itself where beta · x is above the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.softplus(input, self.beta, self.threshold)


@layers.register(example(nonzero(3, 4)))
class Softsign(Module):
    """Sigmoid of polynomial tails, x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.softsign(input)


@layers.register(example(normal(3, 4)))
class Sigmoid(Module):
    """Logistic function 1 / (1 + e ** -x)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.sigmoid(input)


@layers.register(example(normal(3, 4)))
class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.tanh(input)


@layers.register(example(nonzero(3, 4)), example(distinct(3, 4), min_val=-0.3, max_val=0.2))
class Hardtanh(Module):
    """x brought between min_val and max_val."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.hardtanh(input, self.min_val, self.max_val)


@layers.register(
    example(normal(3, 4)),
    reference=lambda torch, _: lambda x: torch.nn.functional.relu6(x + 3) / 6,  # see F.hardsigmoid
)
class Hardsigmoid(Module):
    """Sigmoid of three straight lines, relu6(x + 3) / 6."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.hardsigmoid(input)


@layers.register(example(normal(3, 4)))
class Hardswish(Module):
    """Swish with the hard sigmoid, x · relu6(x + 3) / 6."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.hardswish(input)


@layers.register(example(normal(3, 4)))
class LogSigmoid(Module):
    """Logarithm of the sigmoid, -log(1 + e ** -x)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return F.logsigmoid(input)


@layers.register(example(normal(3, 4), dim=-1), example(normal(2, 3, 4), dim=1))
class Softmax(Module):
    """Positive numbers that add up to 1 along ``dim``, e ** x / Σ e ** x."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Apply it along ``dim``.

        Raises:
            IndexError: if there is no such dimension.
        """
        return F.softmax(input, self.dim)


@layers.register(example(normal(3, 4), dim=-1), example(normal(2, 3, 4), dim=1))
class LogSoftmax(Module):
    """Logarithm of the softmax along ``dim``."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Apply it along ``dim``.

        Raises:
            IndexError: if there is no such dimension.
        """
        return F.log_softmax(input, self.dim)
