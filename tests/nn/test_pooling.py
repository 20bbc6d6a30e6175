"""Pooling and upsampling: ties, sizes, and what is refused. The numbers of every option are proved elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli import functional as F


@pytest.mark.parametrize(
    "pool", [lambda F, x: F.adaptive_max_pool2d(x, (3, 2)), lambda F, x: F.max_pool1d(x[:, 0], 3, 2, 1)]
)
def test_of_equal_elements_the_first_takes_the_gradient(pool):
    images = np.random.default_rng(0).integers(-1, 2, (2, 3, 7, 5)).astype(np.float64)
    ours, theirs = Tensor(images, requires_grad=True), torch.tensor(images, requires_grad=True)
    answer, expected = pool(F, ours), pool(torch.nn.functional, theirs)
    upstream = np.arange(1.0, expected.numel() + 1).reshape(tuple(expected.shape))
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    assert np.array_equal(answer.data, expected.detach().numpy())
    assert np.array_equal(ours.grad, theirs.grad.numpy())


@pytest.mark.parametrize(
    ("pool", "shape"),
    [
        (lambda nn: nn.MaxPool2d(3, 2, 1, return_indices=True), (2, 3, 7, 5)),
        (lambda nn: nn.MaxPool1d(2, dilation=2, ceil_mode=True, return_indices=True), (2, 3, 7)),
        (lambda nn: nn.AdaptiveMaxPool2d((3, 2), return_indices=True), (3, 7, 5)),
    ],
)
def test_indices_are_pytorchs_where_elements_are_equal_nan_or_infinite(pool, shape):
    values = np.random.default_rng(0).choice([-np.inf, -1.0, 0.0, np.nan], shape, p=[0.6, 0.2, 0.15, 0.05])
    answer, indices = pool(nn)(values)
    expected, their_indices = pool(torch.nn)(torch.tensor(values))

    np.testing.assert_array_equal(answer.data, expected.numpy())
    np.testing.assert_array_equal(indices.data, their_indices.numpy(), strict=True)


def test_a_pooling_that_returns_indices_may_be_the_last_of_a_row_but_is_not_fused():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2, return_indices=True))
    images = rng.standard_normal((2, 2, 4, 6)).astype(np.float32)
    values, indices = model(images)

    before = model[1](model[0](Tensor(images))).data.reshape(2, 3, 24)
    assert indices.shape == (2, 3, 2, 3)
    assert np.array_equal(np.take_along_axis(before, indices.data.reshape(2, 3, 6), 2), values.data.reshape(2, 3, 6))


def test_nan_is_passed_on():
    images = np.zeros((1, 1, 2, 4))
    images[0, 0, 1, 2] = np.nan
    for pool in (F.adaptive_max_pool2d, F.adaptive_avg_pool2d):
        assert np.isnan(pool(Tensor(images), (1, 2)).data).tolist() == [[[[False, True]]]]


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_windows_at_the_edge_are_pytorchs_whatever_the_sizes(ceil_mode, count_include_pad):
    for size in range(3, 9):
        for kernel, stride, padding in [(2, 2, 0), (2, 3, 1), (3, 2, 1), (3, 1, 1), (3, 4, 0), (3, 3, 1)]:
            images = np.random.default_rng(size).standard_normal((1, 1, size, size + 1))
            options = (kernel, stride, padding, ceil_mode, count_include_pad)
            ours = F.avg_pool2d(Tensor(images), *options).data
            np.testing.assert_allclose(ours, torch.nn.functional.avg_pool2d(torch.tensor(images), *options), atol=1e-14)


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.7, 1.0, 1.1, 1.5, 2.0, 2.7, 10 / 3])
@pytest.mark.parametrize("size", [4, 7, 13, 30])
def test_nearest_is_pytorchs_whatever_the_scale(size, scale):
    signal = np.arange(float(size)).reshape(1, 1, size)
    theirs = torch.nn.functional.interpolate(torch.tensor(signal), scale_factor=scale).numpy()
    assert np.array_equal(F.interpolate(Tensor(signal), scale_factor=scale).data, theirs)
    by_size = torch.nn.functional.interpolate(torch.tensor(signal), size=theirs.shape[2]).numpy()
    assert np.array_equal(F.interpolate(Tensor(signal), theirs.shape[2]).data, by_size)
    recomputed = F.interpolate(Tensor(signal), scale_factor=scale, recompute_scale_factor=True)
    assert np.array_equal(recomputed.data, by_size)


IMAGES, SIGNALS, ROWS = np.ones((2, 3, 4, 5)), np.ones((2, 3, 4)), np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.AvgPool2d(0), "AvgPool2d: .*kernel_size=0"),
        (lambda: nn.AvgPool1d(2, stride=0), "AvgPool1d: .*stride=0"),
        (lambda: nn.MaxPool1d(2, padding=-1), "MaxPool1d: .*padding=-1"),
        (lambda: nn.AvgPool2d(2)(ROWS), r"avg_pool2d: expected images \(N, C, H, W\) .*, got shape \(2, 3\)"),
        (lambda: nn.AvgPool2d(6)(IMAGES), r"avg_pool2d: kernel_size \(6, 6\) is larger"),
        (lambda: nn.AvgPool2d(2, padding=2)(IMAGES), r"avg_pool2d: padding \(2, 2\) .* half of kernel_size \(2, 2\)"),
        (lambda: F.avg_pool2d(IMAGES, 2, divisor_override=0), "avg_pool2d: divisor_override must not be 0"),
        (lambda: nn.AvgPool1d(2)(IMAGES), r"avg_pool1d: expected signals .*, got shape \(2, 3, 4, 5\)"),
        (lambda: nn.MaxPool1d(5)(SIGNALS), "max_pool1d: kernel_size 5 is larger than the input"),
        (lambda: nn.AdaptiveAvgPool2d(0)(IMAGES), "adaptive_avg_pool2d: output_size must be at least 1, got 0"),
        (lambda: nn.AdaptiveMaxPool2d(1)(ROWS), r"adaptive_max_pool2d: expected images .* \(2, 3\)"),
        (lambda: nn.Upsample(), "Upsample: expected either size or scale_factor"),
        (lambda: nn.Upsample(2, 2.0), "Upsample: expected either size or scale_factor"),
        (lambda: nn.Upsample(2, recompute_scale_factor=True), "Upsample: recompute_scale_factor is for a scale_factor"),
        (lambda: F.interpolate(IMAGES, 2, recompute_scale_factor=True), "interpolate: recompute_scale_factor is for a"),
        (lambda: F.interpolate(IMAGES, 2, align_corners=False), "align_corners must be None .*, got False"),
        (lambda: nn.Upsample(2, mode="bilinear"), "mode must be 'nearest', got 'bilinear'"),
        (lambda: nn.Upsample((2, 3))(SIGNALS), r"interpolate: size must have 1 numbers"),
        (lambda: nn.Upsample(scale_factor=0.1)(SIGNALS), r"interpolate: sizes must be at least 1"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
