"""Tables of numbers in CSV files."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from npnn_cli.data.errors import DataError


def read_csv(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read a CSV file of finite numbers whose first line names the columns; blank lines are skipped.

    Returns:
        Column name -> float64 array (rows,), in the order of the file.

    Raises:
        DataError: if a cell is no finite number, or the table is not rectangular; it names file, line and column.
        OSError: if the file cannot be opened.
    """
    return decode_csv(path.read_bytes(), file=str(path))


def decode_csv(content: bytes, *, file: str) -> dict[str, NDArray[np.float64]]:
    """Decode the content of such a file, as :func:`read_csv` does.

    Args:
        content: UTF-8, with or without a byte order mark.
        file: the name that error messages give to the content.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{file}:{line}: is not UTF-8 text ({error.reason})") from error

    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = _column_names(next(lines, []), file)
        rows = [_numbers(cells, names, f"{file}:{lines.line_num}") for cells in lines if cells]
    except csv.Error as error:
        raise DataError(f"{file}:{lines.line_num}: is not valid CSV ({error})") from error
    if not rows:
        raise DataError(f"{file}: has no rows below its header")
    columns = np.array(rows, dtype=np.float64).T
    return {name: np.ascontiguousarray(column) for name, column in zip(names, columns, strict=True)}


def _column_names(header: list[str], file: str) -> list[str]:
    names = [name.strip() for name in header]
    if not names:
        raise DataError(f"{file}:1: the first line must name the columns, but it is empty")
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(f"{file}:1: column {position} has no name")
        if name in names[: position - 1]:
            raise DataError(f"{file}:1: column {position} has the name '{name}', as an earlier one has")
    return names


def _numbers(cells: list[str], names: list[str], place: str) -> list[float]:
    if len(cells) != len(names):
        raise DataError(f"{place}: has {len(cells)} cells, but the header names {len(names)} columns")
    return [_number(cell, f"{place}: column '{name}'") for cell, name in zip(cells, names, strict=True)]


def _number(cell: str, place: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{place}: expected a finite number, found '{cell}'")
    return number
