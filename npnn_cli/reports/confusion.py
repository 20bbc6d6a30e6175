"""Which classes a classifier takes for which."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from npnn_cli.reports.canvas import INK, picture, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES_WITH_COUNTS = 20
MOST_NAMES_ON_AN_AXIS = 50
INCHES_PER_LETTER = 0.085
MOST_LETTERS_OF_A_NAME = 20


def plot_confusion_matrix(matrix: NDArray[Any], class_names: Sequence[str], path: Path, *, title: str) -> None:
    """Write a PNG of a confusion matrix, coloured by the share of each true class, with counts for up to 20 classes.

    Args:
        matrix: number of samples by true class (row) and predicted class (column), (C, C).
        class_names: C names.
        path: the PNG file.
        title: the heading.

    Raises:
        ValueError: if the matrix and the names do not fit.
    """
    side = _inches(len(class_names))
    longest_name = min(max(map(len, class_names)), MOST_LETTERS_OF_A_NAME) * INCHES_PER_LETTER
    with picture(path, side + 1.6 + longest_name, side + 0.9 + 0.7 * longest_name) as figure:
        draw_confusion_matrix(figure, matrix, class_names, title=title)


def draw_confusion_matrix(figure: Figure, matrix: NDArray[Any], class_names: Sequence[str], *, title: str) -> None:
    """Draw on a figure what :func:`plot_confusion_matrix` writes."""
    from matplotlib.colors import PowerNorm

    num_classes = len(class_names)
    if matrix.shape != (num_classes, num_classes):
        raise ValueError(
            f"a confusion matrix of shape {matrix.shape} does not fit {num_classes} class names: "
            f"expected ({num_classes}, {num_classes})"
        )
    support = matrix.sum(axis=1, keepdims=True)
    share = matrix / np.maximum(support, 1)
    axes = figure.subplots()
    axes.grid(visible=False)
    # The root spreads the small shares: one error in a hundred is a tenth of the way to the full colour.
    image = axes.imshow(share, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    if num_classes <= MOST_CLASSES_WITH_COUNTS:
        shades = np.asarray(image.to_rgba(share))[..., :3] @ np.array([0.299, 0.587, 0.114])
        size = 10 if num_classes <= 10 else 8
        for (row, column), count in np.ndenumerate(matrix):
            color = "white" if shades[row, column] < 0.49 else INK
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=size)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}\N{NO-BREAK SPACE}%")
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    _name_axes(axes, class_names)
    axes.set(title=textwrap.fill(title, int(10 * _inches(num_classes)) + 10), xlabel="predicted", ylabel="true")


def _inches(num_classes: int) -> float:
    """The side of the matrix in the picture."""
    return min(max(0.55 * num_classes, 3.0), 8.5)


def _name_axes(axes: Axes, class_names: Sequence[str]) -> None:
    num_classes = len(class_names)
    ticks = range(0, num_classes, -(-num_classes // MOST_NAMES_ON_AN_AXIS))
    names = [shortened(class_names[tick], MOST_LETTERS_OF_A_NAME) for tick in ticks]
    size = 9 if num_classes <= MOST_CLASSES_WITH_COUNTS else 6
    axes.set_yticks(ticks, names, fontsize=size)
    axes.set_xticks(ticks, names, fontsize=size)
    if max(map(len, names)) * INCHES_PER_LETTER > 0.9 * _inches(num_classes) / num_classes:
        axes.tick_params(axis="x", rotation=45)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
