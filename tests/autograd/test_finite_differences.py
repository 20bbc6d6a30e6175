"""Finite differences on functions whose derivatives are known."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.autograd.finite_differences import central_difference, numerical_gradient


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_of_an_exponential_to_ten_digits(shape):
    x = np.asarray(np.random.default_rng(0).standard_normal(shape))

    gradient = numerical_gradient(lambda: float(np.exp(x).sum()), x)

    assert gradient.shape == shape
    np.testing.assert_allclose(gradient, np.exp(x), rtol=1e-9)


def test_the_error_falls_with_the_square_of_the_step():
    x = np.array([1.0])

    errors = [abs(central_difference(lambda: float(x[0] ** 3), x, (0,), step) - 3) for step in (1e-1, 1e-2)]

    assert errors == pytest.approx([1e-2, 1e-4])


def test_what_is_moved_is_put_back_exactly():
    x = np.random.default_rng(0).standard_normal((3, 4)) * 1e3
    before = x.copy()

    numerical_gradient(lambda: float((x**2).sum()), x)

    assert np.array_equal(x, before)


def test_a_part_of_a_larger_array_can_be_moved():
    whole = np.arange(6.0)

    assert numerical_gradient(lambda: float(whole @ whole), whole[::2]) == pytest.approx([0, 4, 8])
