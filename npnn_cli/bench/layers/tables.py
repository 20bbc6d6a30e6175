"""The times of layers as a table, for the console and for Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from npnn_cli.bench.layers.cases import LayerCase
from npnn_cli.bench.race import Race
from npnn_cli.bench.tables import DIFFERS, TIMES_NPNN, Row, in_microseconds, to_console, to_json, to_markdown

Races = Sequence[tuple[LayerCase, Race]]


def console_table_of_layers(races: Races) -> Table:
    """The best of each library, a row for each layer, for a terminal."""
    return to_console(_headings(races), list(_rows(races)), [not race.has_parity for _, race in races])


def markdown_table_of_layers(races: Races) -> str:
    """The same in Markdown."""
    return to_markdown(_headings(races), _rows(races, code="`"))


def layers_to_json(races: Races) -> list[dict[str, Any]]:
    """For each layer its input and every outcome."""
    return [{"layer": case.layer, "input": list(case.input_shape), **to_json(race)} for case, race in races]


def _headings(races: Races) -> Row:
    libraries = [f"{outcome.entrant.form} (µs)" for outcome in races[0][1].best]
    return ("layer", "input", *libraries, *[TIMES_NPNN] * (len(libraries) > 1))


def _rows(races: Races, code: str = "") -> Iterator[Row]:
    for case, race in races:
        times = [in_microseconds(outcome.step) if outcome.step else DIFFERS for outcome in race.best]
        ours, *others = (outcome.step.median if outcome.step else float("nan") for outcome in race.best)
        yield (f"{code}{case.layer}{code}", case.shape, *times, *(f"{theirs / ours:.2f}" for theirs in others))
