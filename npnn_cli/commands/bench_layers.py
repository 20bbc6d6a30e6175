"""``npnn bench --layers``: single layers, timed beside PyTorch's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from npnn_cli.bench.contender import MissingPackageError
from npnn_cli.bench.layers.cases import cases_of
from npnn_cli.bench.layers.entrants import entrants
from npnn_cli.bench.layers.tables import console_table_of_layers, layers_to_json, markdown_table_of_layers
from npnn_cli.bench.machine import in_words, machine
from npnn_cli.bench.process import ContenderFailedError
from npnn_cli.bench.race import LAYERS, QUICK_LAYERS, run_race
from npnn_cli.bench.readme import MarkerError
from npnn_cli.commands.bench import rewrite, status
from npnn_cli.commands.console import FAILED_CHECK, USAGE_ERROR, console, fail
from npnn_cli.registry import UnknownNameError
from npnn_cli.training.run_folder import RunFolder, fresh_folder

NAME = "layers"


@dataclass(frozen=True)
class LayerWishes:
    """What the command line asks for.

    Attributes:
        only: the types of the layers to time; all if there are none.
        against: the libraries to time them against, of ``torch``.
        quick: whether so few measurements are enough as show only that everything works.
        output: the folder to save in; by default a fresh one in ``runs``.
        readme: a Markdown file in which the table of this measurement is replaced.
        runs: the folder of runs.
    """

    only: Sequence[str] = ()
    against: Sequence[str] = ()
    quick: bool = False
    output: Path | None = None
    readme: Path | None = None
    runs: Path = Path("runs")

    def __str__(self) -> str:
        """The command line, as far as it matters for the figures."""
        options = [f"--only {name}" for name in self.only]
        options += [f"--against {library}" for library in self.against]
        options += ["--quick"] if self.quick else []
        return " ".join(["npnn bench --layers", *options])


def bench_layers(wishes: LayerWishes) -> bool:
    """Time layers, print and save the figures; return whether all libraries computed the same.

    Raises:
        typer.Exit: with 2 if a library is missing, a layer is not known or the README has no place for the table, with
            1 if a contender ends before its time.
    """
    try:
        return _bench(wishes)
    except (MissingPackageError, MarkerError, UnknownNameError) as error:
        raise fail(str(error), USAGE_ERROR) from None
    except ContenderFailedError as error:
        raise fail(str(error), FAILED_CHECK) from None


def _bench(wishes: LayerWishes) -> bool:
    out, about = console(), machine()
    cases = cases_of(wishes.only)
    if wishes.readme:
        rewrite(wishes.readme, NAME, None)
    layers = "1 layer" if len(cases) == 1 else f"{len(cases)} layers"
    out.print(f"{layers}, forward and backward, {cases[0].dtype}", soft_wrap=True)
    out.print(f"on      {in_words(about)}\n", soft_wrap=True)
    effort = QUICK_LAYERS if wishes.quick else LAYERS
    races = []
    with status(out) as line:
        for case in cases:
            line.update(str(case))
            races.append((case, run_race(case, entrants(case, wishes.against), effort)))
    out.print(console_table_of_layers(races))
    for case, race in races:
        for outcome in race.outcomes:
            for difference in outcome.differences:
                out.print(f"{case}: {outcome.entrant.form} DIFFERS: {difference}", style="bold red", soft_wrap=True)
    folder = RunFolder(wishes.output or fresh_folder(wishes.runs, f"bench_{NAME}", datetime.now()))
    folder.path.mkdir(parents=True, exist_ok=True)
    found = {"name": NAME, "command": str(wishes), "machine": about, "effort": asdict(effort)}
    folder.write_json("bench.json", {**found, "layers": layers_to_json(races)})
    has_parity = all(race.has_parity for _, race in races)
    if not has_parity:
        out.print("the time of a layer that does not compute what PyTorch's does would mean nothing", style="bold red")
    elif wishes.readme:
        rewrite(wishes.readme, NAME, f"{markdown_table_of_layers(races)}\n\n`{wishes}` on {in_words(about)}.")
    out.print(f"\nsaved in {folder.path}/", soft_wrap=True)
    return has_parity
