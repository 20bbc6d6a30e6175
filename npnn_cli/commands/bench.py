"""``npnn bench``: the training of a spec, timed beside that of other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from npnn_cli.bench.contender import MissingPackageError
from npnn_cli.bench.entrants import entrants
from npnn_cli.bench.growth import measure_growth
from npnn_cli.bench.machine import in_words, machine
from npnn_cli.bench.process import ContenderFailedError
from npnn_cli.bench.race import QUICK, Effort, Race, run_race
from npnn_cli.bench.readme import MarkerError, with_measurement
from npnn_cli.bench.tables import console_table, markdown_table, to_json
from npnn_cli.bench.workload import timed_spec
from npnn_cli.commands.console import FAILED_CHECK, USAGE_ERROR, console, fail
from npnn_cli.reports.sweep import GrowthCurve, plot_growth
from npnn_cli.spec import RunSpec, load_spec
from npnn_cli.training.building import build_network
from npnn_cli.training.durable_files import write_text_durably
from npnn_cli.training.run_folder import RunFolder, fresh_folder


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for.

    Attributes:
        config: the spec.
        against: the libraries to time it against, of ``torch`` and ``sklearn``.
        batch_size: in place of the spec's.
        quick: whether so few measurements are enough as show only that everything works.
        sweep: whether growth is measured as well.
        output: the folder to save in; by default a fresh one in ``runs``.
        readme: a Markdown file in which the table of this measurement is replaced.
        runs: the folder of runs.
    """

    config: Path
    against: Sequence[str] = ()
    batch_size: int | None = None
    quick: bool = False
    sweep: bool = False
    output: Path | None = None
    readme: Path | None = None
    runs: Path = Path("runs")

    def __str__(self) -> str:
        """The command line, as far as it matters for the figures."""
        options = [f"--against {library}" for library in self.against]
        options += [f"--batch-size {self.batch_size}"] if self.batch_size else []
        options += ["--quick"] if self.quick else []
        return " ".join(["npnn bench", str(self.config), *options])


def bench(wishes: Wishes) -> bool:
    """Time the training of a spec, print and save the figures; return whether all contenders computed the same.

    Raises:
        typer.Exit: with 2 if a library is missing or the README has no place for the table, with 1 if a contender ends
            before its time.
    """
    try:
        return _bench(wishes)
    except (MissingPackageError, MarkerError) as error:
        raise fail(str(error), USAGE_ERROR) from None
    except ContenderFailedError as error:
        raise fail(str(error), FAILED_CHECK) from None


def _bench(wishes: Wishes) -> bool:
    out, about = console(), machine()
    spec = load_spec(wishes.config)
    network = build_network(spec)  # a mistake in the spec is told before anything is started
    timed = timed_spec(spec, wishes.batch_size)
    name = f"{spec.name}_b{wishes.batch_size}" if wishes.batch_size else spec.name
    if wishes.readme:
        rewrite(wishes.readme, name, None)
    out.print(f"spec    {wishes.config}, batches of {timed.training.batch_size}, {timed.dtype}", soft_wrap=True)
    out.print(f"on      {in_words(about)}\n", soft_wrap=True)
    effort = QUICK if wishes.quick else Effort()
    with status(out) as line:
        race = run_race(timed, entrants(timed, wishes.against), effort, line.update)
    _print(out, race)
    folder = RunFolder(wishes.output or fresh_folder(wishes.runs, f"bench_{name}", datetime.now()))
    folder.path.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "name": name,
        "command": str(wishes),
        "batch_size": timed.training.batch_size,
        "dtype": timed.dtype,
        "machine": about,
        "effort": asdict(effort),
        **to_json(race),
    }
    folder.write_json("bench.json", found)
    if not race.has_parity:
        out.print("the time of a contender that does not compute what npnn does would mean nothing", style="bold red")
    elif wishes.readme:
        rewrite(wishes.readme, name, f"{markdown_table(race)}\n\n`{wishes}` on {in_words(about)}.")
    if wishes.sweep:
        batch_size = {"batch_size": timed.training.batch_size}
        spec = spec.model_copy(update={"training": spec.training.model_copy(update=batch_size)})
        curves = _growth(out, spec, len(network.load_data().train), wishes.quick)
        folder.write_json("bench.json", {**found, "growth": [asdict(curve) for curve in curves]})
        plot_growth(curves, folder.path / "growth.png", title=f"{spec.name}: how npnn's training grows")
    out.print(f"\nsaved in {folder.path}/", soft_wrap=True)
    return race.has_parity


def _growth(out: Console, spec: RunSpec, samples: int, quick: bool) -> list[GrowthCurve]:
    with status(out) as line:
        return measure_growth(spec, samples, quick=quick, tell=line.update)


def status(out: Console) -> Status:
    """What is going on, as a line on a terminal; to redraw it more often would take time from what is timed."""
    return out.status("", refresh_per_second=1)


def _print(out: Console, race: Race) -> None:
    out.print(console_table(race))
    for outcome in race.best:
        for difference in outcome.differences:
            out.print(f"{outcome.entrant.form} DIFFERS from npnn: {difference}", style="bold red", soft_wrap=True)
    for form, reason in race.absent.items():
        out.print(f"{form}: {reason}", soft_wrap=True)


def rewrite(readme: Path, name: str, content: str | None) -> None:
    """Put a measurement into its place in a file; without content, only make sure that the place is there."""
    try:
        text = with_measurement(readme.read_text(encoding="utf-8"), name, content or "")
    except MarkerError as error:
        raise MarkerError(f"{readme}: {error}") from None
    if content is not None:
        write_text_durably(readme, text)
