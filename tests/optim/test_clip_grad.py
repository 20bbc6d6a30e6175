"""Gradient clipping against PyTorch's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli.optim import SGD, clip_grad_norm_, clip_grad_value_

SHAPES = [(3, 4), (5,), (), (2, 1, 3)]


def with_gradients(scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for shape in SHAPES:
        gradient = np.asarray(rng.standard_normal(shape) * scale, dtype)
        ours.append(Tensor(np.zeros(shape, dtype), requires_grad=True))
        theirs.append(torch.zeros(shape, dtype=torch.float64 if dtype == np.float64 else torch.float32))
        ours[-1].grad, theirs[-1].grad = np.asfortranarray(gradient), torch.tensor(gradient)
    ours[2].grad = np.array(float(theirs[2].grad), dtype)
    ours.append(Tensor([1.0], requires_grad=True))  # has none
    theirs.append(torch.zeros(1))
    return ours, theirs


def assert_equal(ours, theirs, rtol):
    assert ours[-1].grad is None
    for one, other in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-9, 0.1, 1.0, 1e3])
@pytest.mark.parametrize("max_norm", [0.5, 1.0, 1e3, 0.0])
def test_by_norm(max_norm, scale, dtype):
    ours, theirs = with_gradients(scale, dtype)
    rtol = 1e-13 if dtype == np.float64 else 1e-5

    norm = clip_grad_norm_(iter(ours), max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)

    assert type(norm) is float
    assert norm == pytest.approx(expected.item(), rel=rtol)
    assert_equal(ours, theirs, rtol)
    assert all(tensor.grad.dtype == dtype for tensor in ours[:-1])


def test_by_norm_is_in_place_and_never_scales_up():
    ours, _ = with_gradients()
    arrays = [tensor.grad for tensor in ours]
    before = [array.copy() for array in arrays[:-1]]

    norm = clip_grad_norm_(ours, 1e6)
    assert all(np.array_equal(array, old) for array, old in zip(arrays, before, strict=False))
    clip_grad_norm_(ours, 0.5)

    assert all(tensor.grad is array for tensor, array in zip(ours, arrays, strict=True))
    assert clip_grad_norm_(ours, 1e6) == pytest.approx(0.5, rel=1e-5)
    assert norm == pytest.approx(math.sqrt(sum((array**2).sum() for array in before)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_by_a_norm_that_is_not_finite_nothing_is_clipped(bad):
    ours, theirs = with_gradients()
    ours[0].grad[1, 2] = bad
    theirs[0].grad[1, 2] = bad
    before = [tensor.grad.copy() for tensor in ours[:-1]]

    norm = clip_grad_norm_(ours, 0.5)

    np.testing.assert_equal(norm, torch.nn.utils.clip_grad_norm_(theirs, 0.5).item())
    for tensor, old in zip(ours[:-1], before, strict=True):
        np.testing.assert_array_equal(tensor.grad, old)


@pytest.mark.parametrize("norm_type", [1, 2.0, 3.5, math.inf, -math.inf, -1.0, 0])
@pytest.mark.parametrize("is_packed", [False, True])
def test_by_another_norm(is_packed, norm_type):
    ours, theirs = with_gradients(scale=10.0)
    ours[1].grad[0] = theirs[1].grad[0] = 0
    if is_packed:
        SGD(ours[:-1], lr=0.1)
        for tensor in ours[:-1]:
            tensor.packed.place[...] = tensor.grad
            tensor.grad = tensor.packed.place

    norm = clip_grad_norm_(ours, 0.5, norm_type)

    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, 0.5, norm_type).item(), rel=1e-12)
    assert_equal(ours, theirs, 1e-12)


def test_a_single_tensor_will_do():
    tensor = Tensor([3.0, 4.0], requires_grad=True)
    tensor.grad = np.array([3.0, 4.0], np.float32)

    assert clip_grad_norm_(tensor, 1.0) == 5
    np.testing.assert_allclose(tensor.grad, [0.6, 0.8], rtol=1e-6)
    clip_grad_value_(tensor, 0.7)
    np.testing.assert_allclose(tensor.grad, [0.6, 0.7], rtol=1e-6)


def test_a_norm_that_is_not_finite_is_an_error_if_asked_for():
    tensor = Tensor([1.0], requires_grad=True)
    tensor.grad = np.array([math.inf], np.float32)

    with pytest.raises(RuntimeError, match="clip_grad_norm_: the norm of the gradients must be finite, got inf"):
        clip_grad_norm_(tensor, 1.0, error_if_nonfinite=True)


def test_by_norm_of_no_gradients():
    assert clip_grad_norm_([Tensor([1.0], requires_grad=True)], 1.0) == 0
    assert clip_grad_norm_([], 1.0) == 0


@pytest.mark.parametrize("clip_value", [0.1, 1.0, 100.0])
def test_by_value(clip_value):
    ours, theirs = with_gradients()
    arrays = [tensor.grad for tensor in ours]

    clip_grad_value_(ours, clip_value)
    torch.nn.utils.clip_grad_value_(theirs, clip_value)

    assert_equal(ours, theirs, 0)
    assert all(tensor.grad is array for tensor, array in zip(ours, arrays, strict=True))


def test_by_value_nan_stays():
    tensor = Tensor([0.0, 0.0, 0.0], requires_grad=True)
    tensor.grad = np.array([math.nan, math.inf, -math.inf])

    clip_grad_value_([tensor], 2.0)

    np.testing.assert_array_equal(tensor.grad, [math.nan, 2, -2])
