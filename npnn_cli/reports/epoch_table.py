"""One aligned row of plain text per epoch, for terminals, pipes and logs alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

NUMBER_WIDTH = 10
FORMATS = {"learning_rate": "{:.4g}", "seconds": "{:.2f}"}


class EpochTable:
    """Formats the records of a training run; a ``*`` beside the epoch marks a new best.

    Every line has the same width, whatever the values.

    Args:
        columns: the keys of a record, in the order to show; ``epoch`` comes first whether named or not.
        total_epochs: the number of epochs that were asked for.
        width: in which a line has to fit; the last columns are left out for it.
    """

    def __init__(self, columns: Sequence[str], total_epochs: int, width: float = math.inf) -> None:
        self.columns = [column for column in columns if column != "epoch"]
        self.total_epochs = total_epochs
        while len(self.columns) > 1 and len(self.header()) > width:
            self.columns.pop()

    def header(self) -> str:
        """The names of the columns."""
        return self._line("epoch ", [column.replace("_", " ") for column in self.columns])

    def row(self, record: Mapping[str, float], *, best: bool = False) -> str:
        """One epoch.

        Args:
            record: ``epoch`` and the columns' values; one that is missing is shown as ``-``.
            best: whether this is the best epoch so far.
        """
        epoch = f"{int(record['epoch'])}/{self.total_epochs}{'*' if best else ' '}"
        return self._line(epoch, [_formatted(column, record.get(column)) for column in self.columns])

    def _line(self, epoch: str, cells: Sequence[str]) -> str:
        epoch_width = max(len("epoch "), len(f"{self.total_epochs}/{self.total_epochs} "))
        widths = (max(NUMBER_WIDTH, len(column)) for column in self.columns)
        return "  ".join(
            [epoch.rjust(epoch_width), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))]
        )


def _formatted(column: str, value: float | None) -> str:
    if value is None:
        return "-"
    if column in FORMATS:
        return FORMATS[column].format(value)
    # At most NUMBER_WIDTH characters, and at least three significant digits.
    return f"{value:.4f}" if value == 0 or 0.01 <= abs(value) < 1000 else f"{value:.2e}"
