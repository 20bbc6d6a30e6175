"""What the examples of the reductions cannot show: wrong dims, nothing to reduce, dims in every spelling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli import functional as F

X = np.random.default_rng(0).standard_normal((2, 3, 4))
OF_SEVERAL_DIMS = ["sum", "mean", "var", "std", "amax", "amin", "logsumexp"]
OF_ONE_DIM = ["prod", "cumsum", "argmax", "argmin", "max", "min", "softmax", "log_softmax"]


@pytest.mark.parametrize("dim", [3, -4, (0, 3)])
@pytest.mark.parametrize("name", OF_SEVERAL_DIMS)
def test_a_dim_that_is_not_there_is_refused(name, dim):
    with pytest.raises(IndexError, match=rf"{name}: dim must lie between -3 and 2 for the shape \(2, 3, 4\), got"):
        getattr(F, name)(Tensor(X), dim)


@pytest.mark.parametrize("name", OF_ONE_DIM)
def test_of_one_dim_no_other_is_there_and_no_two_are_taken(name):
    with pytest.raises(IndexError, match=r"dim must lie between -3 and 2"):
        getattr(Tensor(X), name)(3)
    with pytest.raises(
        TypeError, match=rf"{name}: dim must be one whole number, got \(0, 1\)".replace("max:", ".*max:")
    ):
        getattr(Tensor(X), name)((0, 1))


@pytest.mark.parametrize("dim", [1.0, "0", True, (0, 1.0)])
def test_a_dim_is_a_whole_number(dim):
    with pytest.raises(TypeError, match="sum: dim must be a whole number, or several, got"):
        F.sum(X, dim)


def test_a_dim_is_named_once():
    with pytest.raises(ValueError, match=r"sum: dim names a dimension twice, got \(0, -3\)"):
        F.sum(X, (0, -3))


@pytest.mark.parametrize("name", ["amax", "amin", "argmax", "argmin"])
def test_of_nothing_there_is_no_extreme(name):
    with pytest.raises(ValueError, match=rf"{name}: there is no element to choose from, the shape is \(0, 3\)"):
        getattr(F, name)(np.zeros((0, 3)), 0)
    assert getattr(F, name)(np.zeros((0, 3)), 1).shape == (0,)


@pytest.mark.parametrize("p", ["nuc", "l2"])
def test_a_norm_that_is_not_known_is_refused(p):
    with pytest.raises(ValueError, match=f"norm: p must be a number or 'fro', got '{p}'"):
        F.norm(X, p)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, x: F.sum(x, [0, 2]),
        lambda F, x: F.sum(x, dim=()),
        lambda F, x: F.amax(x, dim=[-1]),
        lambda F, x: x.var(1, keepdim=True),
        lambda F, x: x.std(correction=2),
        lambda F, x: F.var(x, axis=(0, 1), correction=0, keepdims=True),
        lambda F, x: x.var(1, unbiased=False),
        lambda F, x: x.std(1, False),
        lambda F, x: x.var(correction=None),
        lambda F, x: F.std(x, 1, correction=None),
        lambda F, x: x.var(False),
        lambda F, x: F.std(x, True),
        lambda F, x: F.max(x, other=-x),
        lambda F, x: x.norm(),
        lambda F, x: x.norm(1, 0),
        lambda F, x: x.norm(0),
        lambda F, x: F.norm(x, None),
        lambda F, x: F.norm(x, math.inf, (0, 1)),
        lambda F, x: x.prod(),
        lambda F, x: x.prod(-1, True),
        lambda F, x: x.cumsum(1),
        lambda F, x: F.max(x),
        lambda F, x: F.max(x, 1)[0],
        lambda F, x: F.min(x, dim=1, keepdim=True)[1],
        lambda F, x: F.min(x, x * x),
        lambda F, x: x.argmin(),
        lambda F, x: F.argmax(x, 1, keepdim=True),
        lambda F, x: x.sum().cumsum(0),
        lambda F, x: x.sum().prod(0),
        lambda F, x: x.sum().softmax(-1),
        lambda F, x: x.sum().max(0)[0],
        lambda F, x: x.sum().sum(-1, keepdim=True),
    ],
)
def test_calls_read_as_in_pytorch(call):
    ours, theirs = call(F, Tensor(X)), call(torch, torch.tensor(X))

    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=1e-14)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "norm"])
def test_of_nothing(name):
    ours = getattr(Tensor(np.zeros((0, 3))), name)(dim=0)
    with pytest.warns() if name in ("var", "std") else np.errstate():
        theirs = getattr(torch.zeros((0, 3)), name)(dim=0)

    np.testing.assert_array_equal(ours.data, theirs.numpy())


def test_logsumexp_of_nothing_is_minus_infinity():
    assert F.logsumexp(np.zeros((2, 0)), 1).data.tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_a_product_has_its_gradient_at_zero(zeros):
    array = np.array([[2.0, 3.0, 5.0], [7.0, 11.0, 13.0]])
    array[0, :zeros] = 0
    ours, theirs = Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)

    (ours.prod(1) * np.array([2.0, 3.0])).sum().backward()
    (theirs.prod(1) * torch.tensor([2.0, 3.0])).sum().backward()

    np.testing.assert_array_equal(ours.grad, theirs.grad.numpy())


def test_the_norm_that_counts_has_no_slope():
    x = Tensor(np.array([1.0, 0.0, -2.0]), requires_grad=True)

    x.norm(0).backward()

    assert x.grad.tolist() == [0, 0, 0]
