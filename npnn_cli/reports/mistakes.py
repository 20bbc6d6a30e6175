"""The images that a classifier got wrong while it was surest."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from npnn_cli.reports.canvas import picture, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_MISTAKES = 24
MOST_COLUMNS = 6
LETTERS_PER_LINE = 20
MOST_LETTERS_OF_A_NAME = 13


def plot_mistakes(
    images: NDArray[Any],
    targets: NDArray[Any],
    predictions: NDArray[Any],
    confidences: NDArray[Any],
    class_names: Sequence[str],
    path: Path,
) -> None:
    """Write a PNG of up to 24 wrongly classified images, the most confident mistake first.

    Args:
        images: (N, H, W), (N, 1, H, W) or (N, 3, H, W); the brightest and darkest shown value become white and black.
        targets: true class indices, (N,).
        predictions: predicted class indices, (N,).
        confidences: the probability that was given to the predicted class, (N,).
        class_names: the classes' names.
        path: the PNG file.

    Raises:
        ValueError: if the images have another shape.
    """
    mistakes = most_confident_mistakes(targets, predictions, confidences)
    rows, columns = _grid(len(mistakes))
    with picture(path, 1.55 * columns, 1.75 * rows + 0.4) as figure:
        draw_mistakes(figure, images, targets, predictions, confidences, class_names)


def most_confident_mistakes(
    targets: NDArray[Any], predictions: NDArray[Any], confidences: NDArray[Any]
) -> NDArray[np.intp]:
    """The indices of all wrong predictions, the most confident first."""
    mistakes = np.flatnonzero(targets != predictions)
    return mistakes[np.argsort(-confidences[mistakes], kind="stable")]


def draw_mistakes(
    figure: Figure,
    images: NDArray[Any],
    targets: NDArray[Any],
    predictions: NDArray[Any],
    confidences: NDArray[Any],
    class_names: Sequence[str],
) -> None:
    """Draw on a figure what :func:`plot_mistakes` writes."""
    mistakes = most_confident_mistakes(targets, predictions, confidences)
    if not len(mistakes):
        figure.text(0.5, 0.5, f"No mistakes among {len(targets):,} samples", ha="center", va="center", fontsize=14)
        return
    shown = mistakes[:MOST_MISTAKES]
    panels = figure.subplots(*_grid(len(mistakes)), squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, image, index in zip(panels, _displayable(images[shown]), shown, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
        true, predicted = (shortened(class_names[of[index]], MOST_LETTERS_OF_A_NAME) for of in (targets, predictions))
        caption = f"{true} → {predicted}, {100 * confidences[index]:.0f}\N{NO-BREAK SPACE}%"
        axes.set_title(textwrap.fill(caption, LETTERS_PER_LINE), fontsize=8, loc="center", pad=4)
    which = f"The {len(shown)} most confident of " if len(mistakes) > len(shown) else ""
    mistakes_among = f"{len(mistakes):,} mistake{'s' if len(mistakes) > 1 else ''} among {len(targets):,} samples"
    title = f"{which}{mistakes_among}: true → predicted, confidence"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)


def _grid(mistakes: int) -> tuple[int, int]:
    """Rows and columns; at least four columns, so that the title fits."""
    shown = min(mistakes, MOST_MISTAKES)
    columns = min(max(shown, 4), MOST_COLUMNS)
    return max(1, -(-shown // columns)), columns


def _displayable(images: NDArray[Any]) -> NDArray[np.float64]:
    """Grey (N, H, W) or colour (N, H, W, 3), scaled together to the range from 0 to 1."""
    if images.ndim == 4 and images.shape[1] in (1, 3):
        images = images[:, 0] if images.shape[1] == 1 else np.moveaxis(images, 1, -1)
    elif images.ndim != 3:
        raise ValueError(f"images have shape {images.shape}, expected (N, H, W), (N, 1, H, W) or (N, 3, H, W)")
    darkest, brightest = float(images.min()), float(images.max())
    return (images.astype(np.float64) - darkest) / ((brightest - darkest) or 1.0)
