"""What the examples of the activations cannot show: wrong arguments, and inputs far out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli import functional as F

X = np.linspace(-2, 2, 24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.gelu(x, "erf"), ValueError, "gelu: approximate must be 'none' or 'tanh', got 'erf'"),
        (lambda x: F.hardtanh(x, 1, -1), ValueError, "hardtanh: min_val must not be above max_val, got 1 and -1"),
        (lambda x: F.prelu(x, Tensor([0.1, 0.2])), ValueError, r"prelu: expected a weight of shape \(1,\) or \(3,\)"),
        (lambda x: F.prelu(x, Tensor(np.ones((3, 1)))), ValueError, r"for the input \(2, 3, 4\), got \(3, 1\)"),
        (lambda x: F.softmax(Tensor(np.arange(3)), 0), TypeError, "softmax: input must be floating, got int64"),
        (lambda x: nn.GELU("erf"), ValueError, "GELU: approximate must be 'none' or 'tanh', got 'erf'"),
        (lambda x: nn.Hardtanh(1.0, 1.0), ValueError, "Hardtanh: min_val must be below max_val, got 1.0 and 1.0"),
        (lambda x: nn.PReLU(0), ValueError, "PReLU: num_parameters must be at least 1, got 0"),
        (lambda x: nn.PReLU(4)(x), ValueError, r"prelu: expected a weight of shape \(1,\) or \(3,\)"),
        (lambda x: nn.Softmax(3)(x), IndexError, r"softmax: dim must lie between -3 and 2 for the shape \(2, 3, 4\)"),
        (lambda x: nn.Softmax(), TypeError, "Softmax: missing .* 'dim'|dim"),
    ],
)
def test_a_wrong_argument_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(X))


@pytest.mark.parametrize(
    "name",
    [
        *("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign"),
        *("hardtanh", "hardsigmoid", "hardswish", "sigmoid", "logsigmoid"),
    ],
)
def test_far_out_nothing_overflows(name):
    points = np.array([-1e3, -100.0, -37.0, -20.0, 20.0, 37.0, 100.0, 1e3])
    ours, theirs = Tensor(points, requires_grad=True), torch.tensor(points, requires_grad=True)
    answer, expected = getattr(F, name)(ours), getattr(torch.nn.functional, name)(theirs)
    answer.sum().backward()
    expected.sum().backward()

    np.testing.assert_allclose(answer.data, expected.detach().numpy(), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_gelu_of_float32_is_as_exact_as_float32():
    points = np.linspace(-20, 20, 20_001, dtype=np.float32)
    single, double = Tensor(points, requires_grad=True), Tensor(points.astype(np.float64), requires_grad=True)
    for input in (single, double):
        F.gelu(input).sum().backward()

    off = np.abs(F.gelu(single).data - F.gelu(double).data) / np.maximum(1, np.abs(points))
    assert off.max() < 2e-7
    np.testing.assert_allclose(single.grad, double.grad, rtol=0, atol=3e-7)


@pytest.mark.parametrize("row", [[1e3, 0.0, -1e3], [-np.inf, 0.0, 1.0], [-np.inf, -np.inf, -np.inf], [1e300, 0.0, 1.0]])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_extreme_logits(name, row):
    ours, theirs = (
        Tensor(np.array([row]), requires_grad=True),
        torch.tensor([row], dtype=torch.float64).requires_grad_(),
    )
    answer, expected = getattr(ours, name)(1), getattr(theirs, name)(1)
    upstream = np.arange(1.0, expected.numel() + 1).reshape(tuple(expected.shape))
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    np.testing.assert_allclose(answer.data, expected.detach().numpy(), rtol=1e-15)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-14, atol=1e-15)
