"""What convolution, pooling and interpolation refuse."""

from __future__ import annotations

import math

import numpy as np
from refusals import ROW, X, assert_refused, every_row

from npnn_cli import Tensor
from npnn_cli import functional as F

IMAGES, FILTERS = Tensor(np.ones((2, 3, 5, 6))), Tensor(np.ones((4, 3, 3, 2)))

TABLE = [
    # Convolution and pooling
    (
        lambda: F.conv2d(IMAGES[:, :2], FILTERS),
        ValueError,
        r"conv2d: expected images \(N, in_channels=3, H, W\), got .*\(2, 2, 5, 6\)",
    ),
    (
        lambda: F.conv2d(IMAGES, FILTERS, np.ones(3)),
        ValueError,
        r"conv2d: expected a bias \(C_out,\) .* \(4, 3, 3, 2\), got shape \(3,\)",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, groups=3), ValueError, "conv2d: expected filters .* divisible by groups=3"),
    (
        lambda: F.conv2d(IMAGES, FILTERS, stride=0),
        ValueError,
        r"conv2d: stride and dilation must be at least 1 .*, got \(0, 0\)",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, padding=-1), ValueError, r"conv2d: .* padding at least 0, got .* \(-1, -1\)"),
    (
        lambda: F.conv2d(IMAGES, FILTERS, padding="full"),
        ValueError,
        "conv2d: padding must be numbers, 'same' or 'valid', got 'full'",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, stride=2, padding="same"), ValueError, "conv2d: padding 'same' needs stride 1"),
    (
        lambda: F.conv2d(IMAGES, FILTERS, stride=(1, 2, 3)),
        TypeError,
        r"conv2d: stride must be one whole number, or two .*, got \(1, 2, 3\)",
    ),
    (
        lambda: F.conv1d(X[:, :2], X),
        ValueError,
        r"conv1d: expected signals \(N, in_channels=3, L\), got shape \(2, 2, 4\)",
    ),
    (
        lambda: F.conv1d(X, np.ones((4, 3, 9))),
        ValueError,
        r"conv1d: the signals \(4,\) .* are smaller than the kernel, which covers \(9,\)",
    ),
    (
        lambda: F.adaptive_avg_pool2d(IMAGES, 2**70),
        ValueError,
        "adaptive_avg_pool2d: .* output_size 1180591620717411303424",
    ),
    (lambda: F.adaptive_avg_pool2d(IMAGES, (2**40, 2**40)), ValueError, "adaptive_avg_pool2d: array is too big"),
    (lambda: F.adaptive_max_pool2d(IMAGES, (None, 2**62)), ValueError, "adaptive_max_pool2d: array is too big"),
    (lambda: F.conv_transpose2d(IMAGES, FILTERS[:2]), ValueError, "conv_transpose2d: expected images"),
    (
        lambda: F.conv_transpose2d(IMAGES, FILTERS[:3], output_padding=1),
        ValueError,
        "conv_transpose2d: output_padding .* smaller",
    ),
    (
        lambda: F.max_pool2d(IMAGES, 0),
        ValueError,
        r"max_pool2d: kernel_size must be at least 1, got \(0, 0\)",
    ),
    (
        lambda: F.max_pool2d(IMAGES, 2, padding=2),
        ValueError,
        r"max_pool2d: padding \(2, 2\) must be between 0 and half",
    ),
    (
        lambda: F.avg_pool2d(IMAGES, 7),
        ValueError,
        r"avg_pool2d: kernel_size \(7, 7\) is larger than the input of shape",
    ),
    (lambda: F.avg_pool2d(np.ones((1, 1, 4, 4), int), 2), TypeError, "avg_pool2d: input must be floating, got int64"),
    (lambda: F.max_pool1d(IMAGES, 2), ValueError, r"max_pool1d: expected signals \(N, C, L\) or \(C, L\), got shape"),
    (
        lambda: F.adaptive_avg_pool2d(IMAGES, (0, 1)),
        ValueError,
        r"adaptive_avg_pool2d: output_size .* at least 1, got \(0, 1\)",
    ),
    (
        lambda: F.adaptive_max_pool2d(IMAGES, (1, 2, 3)),
        TypeError,
        "adaptive_max_pool2d: output_size must be a whole number",
    ),
    (
        lambda: F.interpolate(IMAGES, 2, 2.0),
        ValueError,
        "interpolate: expected either size or scale_factor, got size=2, scale_factor=2.0",
    ),
    (
        lambda: F.interpolate(IMAGES, (2, 3, 4)),
        ValueError,
        r"interpolate: size must have 2 numbers, .* got \(2, 3, 4\)",
    ),
    (
        lambda: F.conv2d(IMAGES, FILTERS, stride=True),
        TypeError,
        "conv2d: stride must be one whole number, .*, got True",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, padding=(True, 1)), TypeError, r"conv2d: padding must be .*, got \(True, 1\)"),
    (lambda: F.conv2d(IMAGES, FILTERS, dilation=1.0), TypeError, "conv2d: dilation must be .*, got 1.0"),
    (lambda: F.conv2d(IMAGES, FILTERS, groups=2.0), TypeError, "conv2d: groups must be a whole number, got 2.0"),
    (lambda: F.conv1d(X, X, groups=True), TypeError, "conv1d: groups must be a whole number, got True"),
    (lambda: F.conv1d(X, X, stride=(1, 1)), TypeError, r"conv1d: stride must be a whole number, got \(1, 1\)"),
    (lambda: F.conv1d(X, X, stride=0), ValueError, r"conv1d: stride and dilation must be at least 1 .*, got \(0,\)"),
    (
        lambda: F.conv1d(X, Tensor(X.data, dtype=np.float32)),
        TypeError,
        "conv1d: expected numbers of one dtype, got input float64, weight float32$",
    ),
    (
        lambda: F.conv_transpose2d(IMAGES, FILTERS[:3], groups=1.0),
        TypeError,
        "conv_transpose2d: groups must be a whole number, got 1.0",
    ),
    (
        lambda: F.conv_transpose2d(IMAGES, FILTERS[:3], output_padding=False),
        TypeError,
        "conv_transpose2d: output_padding must be one whole number, .*, got False",
    ),
    (lambda: F.max_pool2d(IMAGES, True), TypeError, "max_pool2d: kernel_size must be one whole number, .*, got True"),
    (lambda: F.max_pool2d(IMAGES, 2, ceil_mode=1), TypeError, "max_pool2d: ceil_mode must be True or False, got 1"),
    (lambda: F.max_pool2d(IMAGES > 0, 2), TypeError, "max_pool2d: input must be numbers, got bool"),
    (lambda: F.max_pool1d(X, 2, padding=2), ValueError, "max_pool1d: padding 2 must be between 0 and half .* 2, "),
    (lambda: F.max_pool1d(X, 2, dilation=9), ValueError, "max_pool1d: kernel_size 2 with dilation 9 is larger than"),
    (lambda: F.max_pool1d(X, 0), ValueError, "max_pool1d: kernel_size must be at least 1, got 0"),
    (lambda: F.avg_pool1d(X, 2, (1, 2)), TypeError, r"avg_pool1d: stride must be a whole number, got \(1, 2\)"),
    (
        lambda: F.avg_pool2d(IMAGES, 2, count_include_pad=None),
        TypeError,
        "avg_pool2d: count_include_pad must be True or False, got None",
    ),
    (
        lambda: F.avg_pool2d(IMAGES, 2, divisor_override=0.5),
        TypeError,
        "avg_pool2d: divisor_override must be a whole number, got 0.5",
    ),
    (lambda: F.avg_pool2d(IMAGES, 2, divisor_override=0), ValueError, "avg_pool2d: divisor_override must not be 0"),
    (
        lambda: F.adaptive_avg_pool2d(np.ones((1, 4, 4), int), 2),
        TypeError,
        "adaptive_avg_pool2d: input must be floating, got int64",
    ),
    (lambda: F.adaptive_max_pool2d(IMAGES, True), TypeError, "adaptive_max_pool2d: output_size must be .*, got True"),
    (lambda: F.interpolate(IMAGES), ValueError, "interpolate: expected either size or scale_factor, got size=None"),
    (lambda: F.interpolate(IMAGES, 2, mode="area"), ValueError, "interpolate: mode must be 'nearest', got 'area'"),
    (lambda: F.interpolate(ROW, 2), ValueError, r"interpolate: expected an input \(N, C, ...\) .*, got shape \(4,\)"),
    (lambda: F.interpolate(IMAGES, True), TypeError, "interpolate: size must be whole numbers, got True"),
    (
        lambda: F.interpolate(np.ones((1, 1, 2), int), 2),
        TypeError,
        "interpolate: input must be floating or uint8, got int64",
    ),
    (lambda: F.interpolate(IMAGES, scale_factor=math.inf), ValueError, "interpolate: scale_factor must be .* got inf"),
    (lambda: F.interpolate(IMAGES, scale_factor=(2.0, "2")), TypeError, "interpolate: scale_factor must be a number"),
    (lambda: F.interpolate(IMAGES, None, True), TypeError, "interpolate: scale_factor must be a number, got True"),
    (
        lambda: F.interpolate(IMAGES, scale_factor=2, recompute_scale_factor=1),
        TypeError,
        "interpolate: recompute_scale_factor must be True or False, got 1",
    ),
]


@every_row(TABLE)
def test_a_refusal_says_what_came_and_what_is_expected(refused, error, message):
    assert_refused(refused, error, message)
