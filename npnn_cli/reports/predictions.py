"""How near a regression's predictions came, sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from npnn_cli.reports.canvas import BLUE, INK, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_predictions(targets: NDArray[Any], predictions: NDArray[Any], path: Path, *, target_name: str) -> None:
    """Write a PNG of predicted against true numbers, and beside it the residuals (predicted - true).

    Args:
        targets: true numbers, (N,) or (N, 1).
        predictions: predicted numbers, of the same shape; those that are not finite are counted but not drawn.
        path: the PNG file.
        target_name: what the numbers are, for the axes.

    Raises:
        ValueError: if the shapes differ.
    """
    with picture(path, 9, 4.4) as figure:
        draw_predictions(figure, targets, predictions, target_name=target_name)


def draw_predictions(figure: Figure, targets: NDArray[Any], predictions: NDArray[Any], *, target_name: str) -> None:
    """Draw on a figure what :func:`plot_predictions` writes."""
    if targets.shape != predictions.shape:
        raise ValueError(f"targets have shape {targets.shape} but predictions {predictions.shape}: they must be equal")
    finite = np.isfinite(targets) & np.isfinite(predictions)
    true, predicted = targets[finite].astype(np.float64), predictions[finite].astype(np.float64)
    middle = float(np.mean(true)) if len(true) else 0.0
    left, right = figure.subplots(1, 2)

    # Many points are drawn fainter, so that their density shows.
    points: dict[str, Any] = {
        "s": 14,
        "color": BLUE,
        "alpha": float(np.clip(np.sqrt(200 / max(len(true), 1)), 0.05, 0.7)),
        "linewidths": 0,
    }
    reference: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": "--"}
    left.scatter(true, predicted, **points)
    left.axline((middle, middle), slope=1, label="predicted = true", **reference)
    left.set_aspect("equal", adjustable="datalim")
    left.set(title="Predicted against true", xlabel=f"true {target_name}", ylabel=f"predicted {target_name}")
    left.legend(loc="upper left")

    right.scatter(predicted, predicted - true, **points)
    right.axhline(0, **reference)
    right.set(title="Residuals", xlabel=f"predicted {target_name}", ylabel="predicted \N{MINUS SIGN} true")
    if not finite.all():
        figure.supxlabel(f"{np.sum(~finite):,} of {finite.size:,} samples are not finite and not drawn", fontsize=9)
