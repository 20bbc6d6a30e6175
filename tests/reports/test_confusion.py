"""The picture of a confusion matrix, asked of the figure itself."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from npnn_cli.reports.confusion import draw_confusion_matrix


def draw(figure, matrix, names=None):
    matrix = np.asarray(matrix)
    draw_confusion_matrix(figure, matrix, names or [f"class {i}" for i in range(len(matrix))], title="a title")
    return figure.axes[0]


def cell_colors(axes):
    (image,) = axes.images
    return image.to_rgba(image.get_array())[..., :3]


def luminance(color):
    """Relative luminance as WCAG 2 defines it."""
    channels = np.asarray(color)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_counts_stand_in_rows_of_the_true_and_columns_of_the_predicted_class(figure):
    axes = draw(figure, [[5, 1, 0], [0, 7, 2], [3, 0, 9]], ["a", "b", "c"])
    at = {text.get_position(): text.get_text() for text in axes.texts}
    assert at[(1, 0)] == "1"
    assert at[(0, 2)] == "3"
    assert len(at) == 9
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_colour_is_the_share_of_the_true_class_whatever_its_size(figure):
    colors = cell_colors(draw(figure, [[9, 1], [1000, 9000]]))
    np.testing.assert_allclose(colors[0, 0], colors[1, 1])
    np.testing.assert_allclose(colors[0, 1], colors[1, 0])


def test_same_share_has_the_same_colour_in_every_picture(figure):
    from matplotlib.figure import Figure

    unsure, sure = cell_colors(draw(figure, [[6, 4], [4, 6]])), cell_colors(draw(Figure(), [[6, 4], [0, 10]]))
    np.testing.assert_allclose(unsure[0], sure[0])


def test_one_error_in_a_hundred_can_be_seen(figure):
    colors = cell_colors(draw(figure, [[99, 1, 0], [0, 100, 0], [0, 0, 100]]))
    assert np.abs(colors[0, 1] - colors[0, 2]).max() > 0.05


def test_counts_are_readable_on_every_shade(figure):
    hits = np.arange(20)  # of 19: every share from none to all
    axes = draw(figure, np.diag(hits) + np.roll(np.diag(19 - hits), 1, axis=1))
    colors = cell_colors(axes)
    for text in axes.texts:
        column, row = text.get_position()
        dark, light = sorted((luminance(to_rgb(text.get_color())), luminance(colors[row, column])))
        assert (light + 0.05) / (dark + 0.05) > 3.5, "3.57 is the best on the worst shade"


@pytest.mark.parametrize(("num_classes", "counts"), [(2, 4), (20, 400), (21, 0), (120, 0)])
def test_counts_are_written_for_up_to_twenty_classes(figure, num_classes, counts):
    axes = draw(figure, np.eye(num_classes, dtype=int))
    assert len(axes.texts) == counts
    assert len(axes.get_xticks()) == len(axes.get_yticks()) <= 50
    assert axes.get_yticklabels()[-1].get_text() == f"class {int(axes.get_yticks()[-1])}"


def test_class_without_samples_is_a_pale_row(figure):
    colors = cell_colors(draw(figure, [[4, 0], [0, 0]]))
    np.testing.assert_allclose(colors[1], colors[[0, 0], [1, 1]])


def test_names_that_would_touch_are_turned_and_long_ones_cut(figure):
    axes = draw(figure, np.eye(10, dtype=int), ["a very long name of a class"] * 10)
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {45}
    assert axes.get_yticklabels()[0].get_text() == "a very long name of\N{HORIZONTAL ELLIPSIS}"


def test_short_names_stay_upright(figure):
    axes = draw(figure, np.eye(10, dtype=int), list("0123456789"))
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (3,)])
def test_matrix_that_does_not_fit_the_names_is_an_error(figure, shape):
    with pytest.raises(ValueError, match=r"expected \(3, 3\)"):
        draw(figure, np.zeros(shape, int), ["a", "b", "c"])
