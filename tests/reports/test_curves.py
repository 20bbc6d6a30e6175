"""Curves, asked of the figure itself."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.reports.curves import draw_curves

NAN = float("nan")


def history(**columns):
    """Records of epochs 1, 2, ...; None leaves a key out."""
    rows = zip(*columns.values(), strict=True)
    return [
        {"epoch": epoch} | {key: value for key, value in zip(columns, row, strict=True) if value is not None}
        for epoch, row in enumerate(rows, start=1)
    ]


def draw(figure, records, metric="loss", best_epoch=None):
    draw_curves(figure, records, metric, title="a title", best_epoch=best_epoch)
    (axes,) = figure.axes
    return axes


def line(axes, label):
    (found,) = [line for line in axes.get_lines() if line.get_label() == label]
    return found


def legend(figure):
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def dots(line):
    """The values that are marked with a dot, as Matplotlib will draw them."""
    values, marked = line.get_ydata(), np.asarray(line.get_markevery())
    return [value for value in values[marked].tolist() if np.isfinite(value)]


def test_both_curves_are_drawn_against_the_epoch(figure):
    axes = draw(figure, history(train_loss=[3.0, 2.0, 1.0], val_loss=[4.0, 3.0, 2.5], val_accuracy=[0.1, 0.2, 0.3]))
    assert line(axes, "training").get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert line(axes, "validation").get_xydata().tolist() == [[1, 4], [2, 3], [3, 2.5]]
    assert legend(figure) == ["training", "validation"]
    assert (axes.get_title(loc="left") + axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == (
        "a title",
        "epoch",
        "loss",
    )


@pytest.mark.parametrize(("metric", "label"), [("mae", "mean absolute error"), ("r2", "R²"), ("accuracy", "accuracy")])
def test_the_axis_names_the_metric_in_words(figure, metric, label):
    assert draw(figure, history(**{f"val_{metric}": [0.5, 0.75]}), metric).get_ylabel() == label


@pytest.mark.parametrize(("split", "label"), [("train", "training"), ("val", "validation")])
def test_one_curve_is_enough(figure, split, label):
    draw(figure, history(**{f"{split}_accuracy": [0.5, 0.75]}), metric="accuracy", best_epoch=2)
    assert legend(figure) == [label, "best: epoch 2, 0.75"]


def test_best_epoch_has_a_line_and_a_dot_on_the_validation_curve(figure):
    axes = draw(figure, history(train_loss=[3.0, 2.0, 1.0], val_loss=[4.0, 0.08123, 2.0]), best_epoch=2)
    assert legend(figure)[-1] == "best: epoch 2, 0.08123"
    assert line(axes, "best: epoch 2, 0.08123").get_xydata().tolist() == [[2, 0.08123]]
    assert [2, 2] in [list(line.get_xdata()) for line in axes.get_lines()]


def test_best_epoch_without_a_value_keeps_its_line(figure):
    axes = draw(figure, history(train_loss=[3.0, 2.0], val_loss=[4.0, None]), best_epoch=2)
    assert legend(figure)[-1] == "best: epoch 2"
    assert [2, 2] in [list(line.get_xdata()) for line in axes.get_lines()]


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 20, 400])
def test_epochs_are_ticked_at_whole_numbers_within_the_axis(figure, epochs):
    axes = draw(figure, history(train_loss=np.linspace(2, 1, epochs)))
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
    assert low < 1
    assert high > epochs


def test_single_epoch_shows_as_a_dot(figure):
    axes = draw(figure, history(train_loss=[0.5]), best_epoch=1)
    assert dots(line(axes, "training")) == [0.5]


def test_values_that_are_not_finite_leave_gaps_and_points_between_gaps_stay_visible(figure):
    values = np.linspace(2.0, 1.0, 100)
    values[[10, 12]] = NAN, np.inf
    axes = draw(figure, history(train_loss=values))
    assert np.flatnonzero(np.isnan(line(axes, "training").get_ydata())).tolist() == [10, 12]
    assert dots(line(axes, "training")) == [values[11]]


def test_validation_every_few_epochs_is_one_connected_curve(figure):
    axes = draw(figure, history(train_loss=[3.0] * 6, val_loss=[None, 2.0, None, 1.5, None, 1.0]))
    assert line(axes, "validation").get_xydata().tolist() == [[2, 2], [4, 1.5], [6, 1]]


def test_history_without_a_finite_value_says_so(figure):
    axes = draw(figure, history(train_loss=[NAN, np.inf]))
    assert [text.get_text() for text in axes.texts] == ["no finite value"]


@pytest.mark.parametrize(
    ("metric", "values", "scale"),
    [
        ("loss", [101.0, 1.0], "log"),
        ("loss", [100.0, 1.0], "linear"),
        ("loss", [101.0, NAN, 1.0], "log"),
        ("loss", [101.0, 0.0], "linear"),
        ("loss", [101.0, -1.0], "linear"),
        ("accuracy", [0.001, 1.0], "linear"),
    ],
)
def test_loss_over_more_than_two_decades_is_drawn_on_a_log_scale(figure, metric, values, scale):
    axes = draw(figure, history(**{f"train_{metric}": values}), metric=metric)
    assert axes.get_yscale() == scale


def test_ticks_of_a_log_scale_are_plain_numbers(figure):
    axes = draw(figure, history(train_loss=[250.0, 10.0, 0.01]))
    figure.draw_without_rendering()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert {"0.1", "1", "10", "100"} <= set(labels)


def test_long_title_is_broken_into_lines(figure):
    draw_curves(figure, history(train_loss=[1.0]), "loss", title="word " * 30, best_epoch=None)
    (title,) = {text for text in (figure.axes[0].get_title(), figure.axes[0].get_title(loc="left")) if text}
    assert "\n" in title


def test_metric_that_was_not_recorded_is_an_error(figure):
    with pytest.raises(ValueError, match="train_accuracy or val_accuracy"):
        draw(figure, history(train_loss=[1.0]), metric="accuracy")
