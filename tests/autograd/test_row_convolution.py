"""Convolutions are PyTorch's for every kernel, stride, padding, dilation and number of groups, in any memory order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli import functional as F

BATCH, HEIGHT, WIDTH = 4, 6, 7

KINDS = [
    pytest.mark.parametrize("groups", [1, 2, 4]),
    # The widest padding is wider than some kernels.
    pytest.mark.parametrize(
        ("padding", "dilation"), [((0, 0), (1, 1)), ((1, 0), (2, 1)), ((2, 3), (1, 1)), ((1, 1), (1, 2))], ids=str
    ),
    pytest.mark.parametrize("stride", [(1, 1), (2, 3), (4, 1)], ids=str),
    pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (2, 3)], ids=str),
]


def every_kind(test):
    """The test with every combination of these options."""
    for mark in KINDS:
        test = mark(test)
    return test


def batch_innermost(images):
    return np.ascontiguousarray(images.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)


def compare(name, arrays, layout=lambda images: images, **options):
    """The function of this name, and its gradients, beside PyTorch's of the same name."""
    rng = np.random.default_rng(1)
    x, *parameters = arrays
    ours = [Tensor(array, requires_grad=True) for array in (layout(x), *parameters)]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    ans, expected = getattr(F, name)(*ours, **options), getattr(torch.nn.functional, name)(*theirs, **options)
    g = rng.standard_normal(tuple(expected.shape))
    ans.backward(layout(g))
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(ans.data, expected.detach().numpy(), rtol=0, atol=1e-12)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=0, atol=1e-12)


def draw(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


@every_kind
def test_convolution(kernel, stride, padding, dilation, groups):
    for channels, layout in [(4, np.ascontiguousarray), (8, batch_innermost)]:
        arrays = draw((BATCH, channels, HEIGHT, WIDTH), (12, channels // groups, *kernel), 12)
        compare("conv2d", arrays, layout, stride=stride, padding=padding, dilation=dilation, groups=groups)


@every_kind
def test_transposed_convolution(kernel, stride, padding, dilation, groups):
    for channels, layout in [(4, np.ascontiguousarray), (8, batch_innermost)]:
        arrays = draw((BATCH, channels, HEIGHT, WIDTH), (channels, 6, *kernel), 6 * groups)
        compare("conv_transpose2d", arrays, layout, stride=stride, padding=padding, dilation=dilation, groups=groups)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_padding_that_keeps_the_size(kernel, dilation):
    with np.errstate(all="raise"):
        arrays = draw((2, 1, 9, 10), (3, 1, kernel, kernel + 1), 3)
        rows, columns = (dilation * (size - 1) for size in (kernel, kernel + 1))
        x, weight, bias = arrays
        padded = np.pad(x, ((0, 0), (0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))
        expected = F.conv2d(Tensor(padded), Tensor(weight), Tensor(bias), dilation=dilation).data
        same = F.conv2d(Tensor(x), Tensor(weight), Tensor(bias), padding="same", dilation=dilation).data
        np.testing.assert_allclose(same, expected, rtol=0, atol=1e-13)
