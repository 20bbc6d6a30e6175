"""Activation functions: what makes a network more than a linear map."""

from __future__ import annotations

import math

from npnn_cli.autograd.compositions import prelu
from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops import activations
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, nonzero, normal, uniform
from npnn_cli.functional.elementwise import abs, div
from npnn_cli.registry import functions

__all__ = ["elu", "gelu", "leaky_relu", "mish", "prelu", "relu", "relu6", "selu", "silu", "softplus", "softsign"]
__all__ += ["hardsigmoid", "hardswish", "hardtanh", "log_softmax", "logsigmoid", "sigmoid", "softmax"]

relu = lift(activations.relu)
leaky_relu = lift(activations.leaky_relu)
elu = lift(activations.elu)
gelu = lift(activations.gelu)
softplus = lift(activations.softplus)
hardtanh = lift(activations.hardtanh)
hardswish = lift(activations.hardswish)
sigmoid = lift(activations.sigmoid)
silu = lift(activations.silu)
softmax = lift(activations.softmax)
log_softmax = lift(activations.log_softmax)


@functions.register(example(nonzero(3, 4)), example(uniform(6.1, 8.0)))
def relu6(input: Tensor) -> Tensor:
    """Rectifier with a ceiling, min(max(x, 0), 6), with derivative 0 at both."""
    return hardtanh(input, 0.0, 6.0)


@functions.register(example(nonzero(3, 4)), example(nonzero()))
def selu(input: Tensor) -> Tensor:
    """Scaled exponential linear unit: 1.0507 times the elu with alpha 1.6733, which keeps mean 0 and variance 1.

    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
    """
    return elu(input, 1.6732632423543772848170429916717) * 1.0507009873554804934193349852946


@functions.register(example(normal(3, 4)), example(uniform(-30.0, 30.0, 9)))
def mish(input: Tensor) -> Tensor:
    """Smooth unit x · tanh(softplus(x)) (Misra, 2019)."""
    return input * softplus(input).tanh()


@functions.register(example(nonzero(3, 4)), example(normal()))
def softsign(input: Tensor) -> Tensor:
    """Sigmoid of polynomial tails, x / (1 + |x|)."""
    return div(input, abs(input) + 1)


@functions.register(
    example(normal(3, 4)),
    example(uniform(3.1, 5.0, 2)),
    example(uniform(-5.0, -3.1)),
    # PyTorch's own derivative is 5e-9 off: it takes 1/6 to the precision of float32.
    reference=lambda torch, x: torch.nn.functional.relu6(x + 3) / 6,
)
def hardsigmoid(input: Tensor) -> Tensor:
    """Sigmoid of three straight lines, relu6(x + 3) / 6.

    Raises:
        TypeError: if the input is not floating.
    """
    require_floating(input, "hardsigmoid")
    return relu6(input + 3) / 6


@functions.register(example(normal(3, 4)), example(uniform(-40.0, 40.0, 9)))
def logsigmoid(input: Tensor) -> Tensor:
    """Logarithm of the sigmoid, -log(1 + e ** -x)."""
    return -softplus(-input, threshold=math.inf)
