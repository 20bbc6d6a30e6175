"""What the examples of the elementwise functions cannot show: wrong arguments, dtypes, Python numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli import functional as F

X = np.linspace(-2, 2, 6).reshape(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.clamp(x), ValueError, "clamp: expected min, max or both, got neither"),
        (lambda x: F.where(x, x, 0.0), TypeError, "where: expected a boolean condition, got one of float64"),
        (lambda x: Tensor(np.ones(3, int)).div(0, "trunc"), ValueError, "div: whole numbers cannot be divided by 0"),
        (lambda x: F.div(x, 2, rounding_mode="up"), ValueError, "div: rounding_mode must be .*, got 'up'"),
    ],
)
def test_a_wrong_argument_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(X))


@pytest.mark.parametrize(
    "call",
    [
        lambda F, x: F.clamp(x, -1, 1),
        lambda F, x: F.clamp(x, min=0.5),
        lambda F, x: F.clamp(x, None, 0.5),
        lambda F, x: x.clamp(max=0),
        lambda F, x: F.add(x, x, alpha=2),
        lambda F, x: x.sub(1, alpha=0.5),
        lambda F, x: x.div(x, rounding_mode="floor"),
        lambda F, x: F.where(x > 0, x, -1.0),
        lambda F, x: x.where(x > 0, x * 2),
        lambda F, x: x.maximum(x * x),
        lambda F, x: F.minimum(x, x * x),
        lambda F, x: x.max(x * x),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_calls_read_as_in_pytorch_and_keep_the_dtype(call, dtype):
    array = X.astype(dtype)

    ours, theirs = call(F, Tensor(array)), call(torch, torch.tensor(array))

    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours.data, theirs.numpy())


def test_a_choice_between_two_python_numbers_has_the_default_dtype():
    chosen = F.where(Tensor(X) > 0, 1.0, 0.0)

    assert chosen.dtype == np.float32
    np.testing.assert_array_equal(chosen.data, X > 0)


@pytest.mark.parametrize("name", ["sign", "floor"])
def test_a_step_has_no_slope_even_at_the_step(name):
    x = Tensor(np.array([-1.0, 0.0, 1.0]), requires_grad=True)

    getattr(x, name)().sum().backward()

    assert x.grad.tolist() == [0, 0, 0]
