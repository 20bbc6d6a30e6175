"""What the examples of the padding layers cannot show."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import nn


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: nn.ZeroPad2d((1, 2)),
            r"padding must be a whole number or a list of 4 whole numbers, got \(1, 2\)",
        ),
        (
            lambda: nn.ConstantPad1d((1, 2, 3, 4), 0.0),
            "padding must be a whole number or a list of 2 whole",
        ),
    ],
)
def test_sides_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.ZeroPad1d(1), (), r"ZeroPad1d: expected an input \(N, C, L\), got shape \(\)"),
        (nn.ReflectionPad2d(1), (4, 5), r"ReflectionPad2d: expected an input \(N, C, H, W\), got shape \(4, 5\)"),
        (nn.ReflectionPad2d(4), (1, 1, 4, 5), "mode 'reflect' cannot add 4 and 4 to a dimension of size 4"),
        (nn.ReplicationPad1d(1), (2, 3, 0), "mode 'replicate' cannot add 1 and 1 to a dimension of size 0"),
        (nn.ZeroPad1d(-3), (2, 3, 5), r"cannot cut \(-3, -3\) off"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape))
