"""How time and memory grow with the size of a network and its batches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npnn_cli.reports.canvas import BLUE, FAINT, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 2
TITLE_LETTERS = 90


@dataclass(frozen=True)
class GrowthCurve:
    """Something measured at several sizes.

    Attributes:
        quantity: what was measured, with its unit: the label of the vertical axis.
        size: what was varied: the label of the horizontal axis.
        sizes: its values, increasing.
        values: what was measured at each.
        low: the lower quartile at each; equal to ``values`` where it was measured once.
        high: the upper quartile at each.
    """

    quantity: str
    size: str
    sizes: Sequence[float]
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def plot_growth(curves: Sequence[GrowthCurve], path: Path, *, title: str) -> None:
    """Write a PNG with a panel per curve, each with the straight line that fits it best.

    Args:
        curves: at least one, each of two points or more.
        path: the PNG file.
        title: the heading.
    """
    rows = -(-len(curves) // COLUMNS)
    with picture(path, 4.4 * min(len(curves), COLUMNS), 3.3 * rows + 0.4) as figure:
        draw_growth(figure, curves, title=title)


def draw_growth(figure: Figure, curves: Sequence[GrowthCurve], *, title: str) -> None:
    """Draw on a figure what :func:`plot_growth` writes."""
    columns = min(len(curves), COLUMNS)
    panels = figure.subplots(-(-len(curves) // columns), columns, squeeze=False).ravel()
    for axes, curve in zip(panels, curves, strict=False):
        _draw_curve(axes, curve)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    figure.suptitle(textwrap.fill(title, TITLE_LETTERS), x=0.01, ha="left", fontsize=11)


def _draw_curve(axes: Axes, curve: GrowthCurve) -> None:
    from matplotlib.ticker import MaxNLocator

    sizes, values = np.asarray(curve.sizes, np.float64), np.asarray(curve.values, np.float64)
    spread = np.abs(np.stack([curve.low, curve.high]) - values)
    slope, start = np.polyfit(sizes, values, 1)
    ends = np.array([0.0, sizes[-1]])
    axes.plot(ends, start + slope * ends, color=FAINT, linestyle="--", linewidth=1.2)
    axes.errorbar(sizes, values, spread, color=BLUE, marker="o", capsize=2, elinewidth=1)
    axes.margins(y=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"straight line: {start:.2g} + {slope:.2g} per unit", fontsize=8, color=FAINT, pad=4)
    axes.set(xlabel=curve.size, ylabel=curve.quantity, xlim=(0, None), ylim=(min(0.0, float(start)), None))
