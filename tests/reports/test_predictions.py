"""Predicted against true, asked of the figure itself."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.reports.predictions import draw_predictions

TARGETS = np.array([100.0, 200.0, 300.0, 250.0])
PREDICTIONS = np.array([110.0, 180.0, 300.0, 400.0])


def draw(figure, targets=TARGETS, predictions=PREDICTIONS):
    draw_predictions(figure, targets, predictions, target_name="price")
    return figure.axes


def points(axes):
    (collection,) = axes.collections
    return collection.get_offsets().tolist()


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_points_and_residuals_are_those_of_the_samples(figure, shape):
    left, right = draw(figure, TARGETS.reshape(shape), PREDICTIONS.reshape(shape))
    assert points(left) == [[100, 110], [200, 180], [300, 300], [250, 400]]
    assert points(right) == [[110, 10], [180, -20], [300, 0], [400, 150]]
    assert (left.get_xlabel(), left.get_ylabel()) == ("true price", "predicted price")
    assert (right.get_xlabel(), right.get_ylabel()) == ("predicted price", "predicted \N{MINUS SIGN} true")


def test_diagonal_is_predicted_equals_true_in_equal_units(figure):
    left, right = draw(figure)
    (diagonal,) = left.get_lines()
    x, y = diagonal.get_xy1()
    assert x == y
    assert diagonal.get_slope() == 1
    assert left.get_aspect() == 1
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["predicted = true"]
    (zero,) = right.get_lines()
    assert list(zero.get_ydata()) == [0, 0]


def test_axes_stay_near_targets_that_are_far_from_zero(figure):
    left, _ = draw(figure, TARGETS + 10_000, PREDICTIONS + 10_000)
    figure.draw_without_rendering()
    assert min(left.get_xlim() + left.get_ylim()) > 9_000


def test_many_points_are_fainter(figure):
    few, _ = draw(figure)
    many, _ = draw(type(figure)(), np.linspace(0, 1, 10_000), np.linspace(0, 1, 10_000))
    assert many.collections[0].get_alpha() < 0.5 * few.collections[0].get_alpha()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted_not_drawn(figure, bad):
    left, right = draw(figure, TARGETS, np.array([bad, 180.0, 300.0, bad]))
    assert points(left) == [[200, 180], [300, 300]]
    assert points(right) == [[180, -20], [300, 0]]
    assert figure.get_supxlabel() == "2 of 4 samples are not finite and not drawn"


def test_nothing_finite_is_still_a_picture(figure):
    left, right = draw(figure, TARGETS, np.full(4, np.nan))
    assert points(left) == points(right) == []
    assert figure.get_supxlabel().startswith("4 of 4 samples")


def test_shapes_that_differ_are_an_error(figure):
    with pytest.raises(ValueError, match=r"\(4,\) but predictions \(4, 1\)"):
        draw(figure, TARGETS, PREDICTIONS[:, None])
