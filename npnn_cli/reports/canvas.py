"""The one style of all pictures, and their way to the disk: whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npnn_cli.training.durable_files import write_durably

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE = "#2f6db3"
ORANGE = "#dd7a1f"
INK = "#333333"
FAINT = "#8c8c8c"

STYLE: dict[str, Any] = {
    "figure.dpi": 150,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a class name or title may hold dollar signs
    "axes.labelcolor": INK,
    "axes.edgecolor": "#b0b0b0",
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "xtick.color": "#b0b0b0",
    "ytick.color": "#b0b0b0",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
}


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A new figure to draw on, written to ``path`` as a PNG when the block ends without an error.

    The file appears in one step: until then, and after an error, a previous picture stays as it was. The style does
    not depend on the user's matplotlibrc, and no display is needed.

    Args:
        path: where to write; the folder must exist.
        width: in inches, of 150 pixels each.
        height: in inches.
    """
    # Where no home folder is writable, Matplotlib warns that its cache is a temporary one, which concerns nobody here.
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    # pyplot is avoided: it takes longer to import than all the drawing.
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logger.setLevel(level)
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        with write_durably(path) as file:
            figure.savefig(file, format="png")


def shortened(name: str, most_letters: int) -> str:
    """The name, cut with an ellipsis where it would be longer than that."""
    return name if len(name) <= most_letters else name[: most_letters - 1] + "\N{HORIZONTAL ELLIPSIS}"
