"""How training went: a metric per epoch, on the training and on the validation data."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from npnn_cli.reports.canvas import BLUE, FAINT, INK, ORANGE, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPLITS = {"train": ("training", BLUE), "val": ("validation", ORANGE)}
LABELS = {"mae": "mean absolute error", "r2": "R²"}
DECADES_BEFORE_LOG_SCALE = 2
POINTS_BEFORE_PLAIN_LINE = 40
TITLE_LETTERS = 70


def plot_curves(
    history: Sequence[Mapping[str, float]], metric: str, path: Path, *, title: str, best_epoch: int | None
) -> None:
    """Write a PNG of a metric over the epochs, with the best epoch marked.

    Args:
        history: a record per epoch: ``epoch``, and ``train_<metric>`` or ``val_<metric>`` or both. A record that lacks
            one of them is passed over; a nan leaves a gap.
        metric: ``loss``, ``accuracy`` and so on.
        path: the PNG file.
        title: the heading.
        best_epoch: the epoch whose weights were kept, or None if there is none.

    Raises:
        ValueError: if no record has the metric.
    """
    with picture(path, 7, 4.2) as figure:
        draw_curves(figure, history, metric, title=title, best_epoch=best_epoch)


def draw_curves(
    figure: Figure, history: Sequence[Mapping[str, float]], metric: str, *, title: str, best_epoch: int | None
) -> None:
    """Draw on a figure what :func:`plot_curves` writes."""
    from matplotlib.ticker import MaxNLocator

    series = {split: _series(history, f"{split}_{metric}") for split in SPLITS}
    series = {split: (epochs, values) for split, (epochs, values) in series.items() if len(epochs)}
    if not series:
        raise ValueError(f"no record of the history has train_{metric} or val_{metric}: there is nothing to draw")

    axes = figure.subplots()
    for split, (epochs, values) in series.items():
        label, color = SPLITS[split]
        axes.plot(epochs, values, color=color, label=label, marker="o", markevery=_marked(values).tolist())
    if best_epoch is not None:
        _mark_best(axes, best_epoch, *series["val" if "val" in series else "train"])

    drawn = np.concatenate([values[np.isfinite(values)] for _, values in series.values()])
    if metric == "loss" and _spans_decades(drawn):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    if not len(drawn):
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no finite value", transform=axes.transAxes, ha="center", color=FAINT)
    all_epochs = np.concatenate([epochs for epochs, _ in series.values()])
    margin = max(0.5, 0.02 * np.ptp(all_epochs))
    axes.set_xlim(all_epochs.min() - margin, all_epochs.max() + margin)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set(title=textwrap.fill(title, TITLE_LETTERS), xlabel="epoch", ylabel=LABELS.get(metric, metric))
    figure.legend(loc="outside lower center", ncols=3)


def _series(history: Sequence[Mapping[str, float]], key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The epochs that have the key, and its values there with nan for whatever is not finite."""
    records = [record for record in history if key in record]
    values = np.array([record[key] for record in records], dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return np.array([record["epoch"] for record in records], dtype=np.float64), values


def _marked(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The points that get a dot: all of a few, and in any case those between gaps, which no line would show."""
    if len(values) <= POINTS_BEFORE_PLAIN_LINE:
        return np.ones(len(values), dtype=bool)
    gap = np.isnan(np.pad(values, 1, constant_values=np.nan))
    return np.logical_and(gap[:-2], gap[2:])


def _mark_best(axes: Axes, best_epoch: int, epochs: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    at_best = values[epochs == best_epoch]
    axes.axvline(best_epoch, color=FAINT, linestyle=":", linewidth=1.2, zorder=1)
    label = f"best: epoch {best_epoch}" + "".join(f", {value:.4g}" for value in at_best)
    at_epoch = np.full(len(at_best), best_epoch)
    axes.plot(at_epoch, at_best, "o", color=INK, markersize=7, fillstyle="none", label=label, zorder=4)


def _spans_decades(values: NDArray[np.float64]) -> bool:
    if not len(values) or values.min() <= 0:
        return False
    return bool(values.max() > values.min() * 10**DECADES_BEFORE_LOG_SCALE)
