"""The fast form of a convolution is the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.autograd.ops.convolution import convolve_columns
from npnn_cli.autograd.ops.row_convolution import convolve_rows


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("padding", [(0, 0), (1, 0), (2, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (2, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_rows_give_what_columns_give(channels, kernel, stride, padding, with_bias):
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((4, channels, 6, 7)), rng.standard_normal((5, channels, *kernel))
    bias = rng.standard_normal(5) if with_bias else None
    ans, *vjps = convolve_rows(x, weight, bias, stride, padding)
    expected, *expected_vjps = convolve_columns(x, weight, bias, stride, (padding, padding), (1, 1), 1)
    g = rng.standard_normal(expected.shape)
    assert np.allclose(ans, expected, rtol=0, atol=1e-12)
    for vjp, expected_vjp in zip(vjps, expected_vjps, strict=True):
        assert (vjp is None) == (expected_vjp is None)
        if vjp is not None:
            assert np.allclose(vjp(g), expected_vjp(g), rtol=0, atol=1e-12)
