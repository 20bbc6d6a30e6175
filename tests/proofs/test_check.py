"""How two arrays are compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from npnn_cli.proofs.check import Check, largest_difference

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.5, 2.8], 0.5),
        ([[1.0]], [[1.0]], 0.0),
        ([], [], 0.0),
        (1.0, 3.0, 2.0),
        ([NAN, INF, -INF], [NAN, INF, -INF], 0.0),
        ([NAN, 1.0], [2.0, 1.0], NAN),
        ([2.0, 1.0], [NAN, 1.0], NAN),
        ([INF], [1.0], INF),
        ([1.0], [INF], INF),
        ([INF], [-INF], INF),
        ([1.0, 2.0], [1.0, 2.0, 3.0], INF),
        ([[1.0, 2.0]], [1.0, 2.0], INF),
        ([1.0], 1.0, INF),
    ],
)
def test_the_largest_difference_counts(ours, theirs, expected):
    difference = largest_difference(np.array(ours), np.array(theirs))

    assert difference == pytest.approx(expected, nan_ok=True)
    assert type(difference) is float


def test_a_side_that_is_missing_is_no_equal_of_one_that_is_not():
    assert largest_difference(None, None) == 0
    assert largest_difference(np.zeros(3), None) == INF
    assert largest_difference(None, np.zeros(0)) == INF


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(110.0, 100.0, 0.1), (0.2, 0.1, 0.1), (1e3, -1e3, 2.0), (NAN, NAN, 0.0), (NAN, 1.0, NAN)],
)
def test_relative_to_large_numbers_only(ours, theirs, expected):
    difference = largest_difference(np.array([ours]), np.array([theirs]), relative=True)

    assert difference == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("theirs", [INF, NAN, -INF])
def test_relative_to_what_is_not_finite_never_passes(theirs):
    difference = largest_difference(np.array([1.0]), np.array([theirs]), relative=True)

    assert not Check("x", "()", difference, 1e-6).passed


@pytest.mark.parametrize(
    ("difference", "passed"), [(0.0, True), (1e-9, True), (1.1e-9, False), (INF, False), (NAN, False)]
)
def test_a_check_passes_up_to_its_tolerance(difference, passed):
    assert Check("op add", "(3,)", difference, 1e-9).passed is passed
