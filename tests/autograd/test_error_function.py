"""erf beside the C library's, element by element."""

from __future__ import annotations

import math

import numpy as np
import pytest

from npnn_cli.autograd.ops.error_function import SMALL, error_function

POINTS = np.concatenate(
    [
        np.linspace(-7, 7, 20_001),
        np.logspace(-300, 2, 1_000),
        [0.0, SMALL, np.nextafter(SMALL, 0), np.nextafter(SMALL, 1), 6.0, np.nextafter(6.0, 0)],
    ]
)
EXACT = np.array([math.erf(point) for point in POINTS])


def test_it_is_exact_to_the_last_bits():
    np.testing.assert_allclose(error_function(POINTS), EXACT, rtol=1e-15, atol=0)


def test_in_float32_it_is_exact_to_the_last_bits_of_float32():
    ours = error_function(POINTS.astype(np.float32))

    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, EXACT, rtol=5e-7, atol=1e-38)


def test_at_the_ends_and_at_zero():
    ours = error_function(np.array([-np.inf, -0.0, 0.0, np.inf, np.nan]))

    np.testing.assert_array_equal(ours, [-1, 0, 0, 1, np.nan])
    assert np.signbit(ours).tolist()[:4] == [True, True, False, False]


@pytest.mark.parametrize("points", [np.array(0.7), np.zeros((0, 3)), np.linspace(-3, 3, 24_000).reshape(2, -1, 3).T])
def test_of_every_shape_and_layout(points):
    expected = np.vectorize(math.erf, otypes=[float])(points)

    np.testing.assert_allclose(error_function(points), expected, rtol=1e-15)
