"""Numbers that the registered examples do not show, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli import functional as F

MASK, WHOLE = np.array([True, False]), np.array([1, 2])


def in_torch(operand):
    return torch.tensor(operand) if isinstance(operand, np.ndarray) else operand


def in_npnn(operand):
    return Tensor(operand) if isinstance(operand, np.ndarray) else operand


def assert_same(ours, theirs):
    assert ours.dtype == theirs.numpy().dtype
    np.testing.assert_array_equal(ours.data, theirs.numpy())


@pytest.mark.parametrize("operands", [(WHOLE, 0.0), (1, 0.0), (1.0, WHOLE), (1, 0), (WHOLE, WHOLE), (0.5, WHOLE / 2)])
def test_where_of_whole_numbers_and_python_numbers(operands):
    ours, theirs = (
        where(convert(MASK), *map(convert, operands))
        for where, convert in ((F.where, in_npnn), (torch.where, in_torch))
    )
    assert_same(ours, theirs)


@pytest.mark.parametrize("rounding_mode", ["trunc", "floor"])
def test_quotients_of_whole_numbers_keep_their_digits(rounding_mode):
    x, y = np.array([2**53 + 1, 7, -7, 7, -7, 6]), np.array([1, 2, 2, -2, -2, -3])
    ours = F.div(Tensor(x), Tensor(y), rounding_mode=rounding_mode)
    assert_same(ours, torch.div(torch.tensor(x), torch.tensor(y), rounding_mode=rounding_mode))


@pytest.mark.parametrize("loss", ["smooth_l1_loss", "huber_loss", "mse_loss", "l1_loss"])
def test_a_target_of_whole_numbers_leaves_float32_as_it_is(loss):
    outputs, targets = np.ones(3, np.float32), np.array([1, 2, 3])
    ours = getattr(F, loss)(Tensor(outputs), Tensor(targets))
    assert ours.dtype == np.float32
    assert ours.item() == getattr(torch.nn.functional, loss)(torch.tensor(outputs), torch.tensor(targets)).item()


@pytest.mark.parametrize("probability", [0.0, 1e-60, 0.5, 1.0])
def test_cross_entropy_towards_its_targets(probability):
    ours, theirs = (
        Tensor(np.array([0.3]), requires_grad=True),
        torch.tensor([0.3], dtype=torch.float64).requires_grad_(),
    )
    F.binary_cross_entropy(Tensor(np.array([probability])), ours).backward()
    torch.nn.functional.binary_cross_entropy(torch.tensor([probability], dtype=torch.float64), theirs).backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_cross_entropy_of_no_samples(reduction):
    outputs, targets = np.zeros((0, 3), np.float32), np.zeros(0, np.int64)
    ours = F.cross_entropy(Tensor(outputs), Tensor(targets), reduction=reduction)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(outputs), torch.tensor(targets), reduction=reduction)
    assert_same(ours, theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_signals_are_resized_to_any_size(dtype):
    for old in (2, 3, 45, 64):
        signal = np.arange(old, dtype=dtype).reshape(1, 1, old)
        for new in range(1, 131):
            assert_same(F.interpolate(Tensor(signal), new), torch.nn.functional.interpolate(torch.tensor(signal), new))


# Each in pairs, of a height + width of at most 128 and above: there, PyTorch rounds otherwise.
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize(
    "options",
    [{"size": sizes} for sizes in ((46, 82), (47, 82))]
    + [{"scale_factor": factors} for factors in ((1.01, 1.01), (2.01, 2.01), (0.6, 1.35), (1.5, 1.35))],
    ids=str,
)
def test_images_are_resized_to_any_size(options, dtype):
    image = (np.arange(40 * 64) % 251).astype(dtype).reshape(1, 1, 40, 64)
    theirs = torch.nn.functional.interpolate(torch.tensor(image), **options)
    assert_same(F.interpolate(Tensor(image), **options), theirs)


@pytest.mark.parametrize("pad", [(-1, 1), (1, -1), (-2, 2), (3, -1), (-1, -1), (4, 4)])
def test_circular_padding_with_negative_sides(pad):
    signal = np.arange(1.0, 5.0).reshape(1, 1, 4)
    assert_same(F.pad(Tensor(signal), pad, "circular"), torch.nn.functional.pad(torch.tensor(signal), pad, "circular"))


def test_dropout_in_evaluation_makes_a_tensor_of_an_array():
    assert isinstance(F.dropout(np.ones(3), 0.5, False), Tensor)
