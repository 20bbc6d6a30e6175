"""What is refused where einsum's dimensions are named by lists of numbers instead of an equation."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import Tensor
from npnn_cli import functional as F

X = Tensor(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X, [0, 52]), ValueError, "numbers from 0 to 51, got 52"),
        ((X, [0, -1]), ValueError, "numbers from 0 to 51, got -1"),
        ((X, [0, 1.5]), TypeError, r"a list of whole numbers and \.\.\. after each operand, got \[0, 1.5\]"),
        ((X, [0, 1], X), TypeError, "after each operand, got Tensor"),
        ((X, [0, 1], [2]), ValueError, "'C' must stand once right of the arrow, and left of it, got 'AB->C'"),
        ((X, [..., ...]), ValueError, r"equation must be letters, '...', .* got '\.\.\.\.\.\.'"),
        ((X, [0]), ValueError, "'A' in 'A' does not fit an operand of 2 dimensions"),
    ],
)
def test_lists_that_name_no_dimensions_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"einsum: .*{message}"):
        F.einsum(*arguments)
