"""A measurement as a table, for the console and for Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from npnn_cli.bench.race import Outcome, Race
from npnn_cli.bench.timing import Timing

TIMES_NPNN = "\N{MULTIPLICATION SIGN} npnn"
HEADINGS = ("contender", "threads", "step (µs)", TIMES_NPNN, "epoch (s)", "peak memory (MiB)")
DIFFERS = "DIFFERS"
MIB = 2**20

Row = tuple[str, ...]


def console_table(race: Race) -> Table:
    """The best of each form, for a terminal."""
    return to_console(HEADINGS, list(_rows(race)), [bool(outcome.differences) for outcome in race.best])


def markdown_table(race: Race) -> str:
    """The best of each form, as a table in Markdown."""
    return to_markdown(HEADINGS, _rows(race))


def to_console(headings: Sequence[str], rows: Sequence[Row], are_wrong: Sequence[bool]) -> Table:
    """A table for a terminal, in which the rows that are wrong are seen at once."""
    table = Table(box=box.HORIZONTALS, show_edge=False, pad_edge=False)
    for position, heading in enumerate(headings):
        if position == 0:  # folded where the terminal is narrow: what is cut off would be who was timed
            table.add_column(Text(heading), overflow="fold")
        else:
            table.add_column(Text(heading), justify="right")
    for row, is_wrong in zip(rows, are_wrong, strict=True):
        table.add_row(*map(Text, row), style="bold red" if is_wrong else "")
    return table


def to_markdown(headings: Sequence[str], rows: Iterable[Row]) -> str:
    """A table in Markdown."""
    lines = [headings, ("---", *["---:"] * (len(headings) - 1)), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def to_json(race: Race) -> dict[str, Any]:
    """Every outcome, times in seconds and memory in bytes; the ``best`` are those in the table."""
    best, ours = race.best, _median(race.outcomes[0])
    contenders = [
        {
            "form": outcome.entrant.form,
            "threads": outcome.entrant.threads,
            "options": dict(outcome.entrant.options),
            "best_of_form": outcome in best,
            "differs": {difference.what: difference.size for difference in outcome.differences},
            "step": outcome.step and asdict(outcome.step),
            "times_npnn": _median(outcome) / ours if outcome.step else None,
            "epoch": outcome.epoch and asdict(outcome.epoch),
            "peak_memory": outcome.peak_memory or None,
        }
        for outcome in race.outcomes
    ]
    return {"contenders": contenders, "absent": race.absent}


def _rows(race: Race) -> Iterator[Row]:
    ours = _median(race.outcomes[0])
    for outcome in race.best:
        name, threads = outcome.entrant.form, str(outcome.entrant.threads)
        if outcome.step is None:
            yield name, threads, DIFFERS, "", "", ""
            continue
        yield (
            name,
            threads,
            in_microseconds(outcome.step),
            f"{outcome.step.median / ours:.2f}",
            f"{outcome.epoch.median:#.3g}" if outcome.epoch else "",
            f"{outcome.peak_memory / MIB:.0f}",
        )


def in_microseconds(timing: Timing) -> str:
    """The median, and within what half of all lay: ``284 (280 to 292)``."""
    low, median, high = (f"{1e6 * seconds:.0f}" for seconds in (timing.low, timing.median, timing.high))
    return f"{median} ({low} to {high})"


def _median(outcome: Outcome) -> float:
    """The median time of a step; nan if it was not timed."""
    return outcome.step.median if outcome.step else float("nan")
