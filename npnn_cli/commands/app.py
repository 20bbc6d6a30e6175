"""The command ``npnn``: its subcommands and options, and what it makes of errors.

Each subcommand's work is in a module of its own, imported when it is called, so that ``npnn --help`` is there at once.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from npnn_cli import __version__
from npnn_cli.commands.console import (
    FAILED_CHECK,
    USAGE_ERROR,
    fail,
    fail_interrupted,
    in_plain_words,
    user_errors,
)


class _Npnn(TyperGroup):
    """Reports what is the user's mistake, or the machine's, in a line or two instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:  # before user_errors(), whose imports may be what was interrupted
            raise fail_interrupted(interrupt) from None
        except user_errors() as error:
            raise fail(in_plain_words(error), USAGE_ERROR) from None


app = typer.Typer(
    cls=_Npnn,
    name="npnn",
    help="Neural networks from first principles in NumPy, trained from a YAML spec, every gradient proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

RunsOption = Annotated[Path, typer.Option("--runs", help="The folder that holds the run folders.")]


class Against(StrEnum):
    """What derivatives are compared with."""

    finite_differences = "finite-differences"
    torch = "torch"


class Weights(StrEnum):
    """Which weights of a run."""

    best = "best"
    last = "last"


class Opponent(StrEnum):
    """What training is timed against."""

    torch = "torch"
    sklearn = "sklearn"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"npnn {__version__}")
        raise typer.Exit


@app.callback()
def npnn(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Neural networks from first principles in NumPy, trained from a YAML spec, every gradient proved."""


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="The spec, a YAML file such as configs/mnist_mlp.yaml.")],
    runs: RunsOption = Path("runs"),
) -> None:
    """Train the network that a spec describes, and write all about it to a fresh run folder."""
    from npnn_cli.commands.train import train

    train(config, runs)


@app.command("eval")
def evaluate(
    run: Annotated[str, typer.Argument(help="A run folder, or its name inside the folder of runs.")],
    weights: Annotated[Weights, typer.Option(help="Which weights to evaluate.")] = Weights.best,
    runs: RunsOption = Path("runs"),
) -> None:
    """Evaluate a run's weights on the test data; print the report and save it, with pictures, in the run folder."""
    from npnn_cli.commands.evaluate import evaluate

    evaluate(run, weights.value, runs)


@app.command()
def gradcheck(
    config: Annotated[
        Path | None, typer.Argument(help="A spec, to check its network; without one, everything there is is checked.")
    ] = None,
    against: Annotated[Against, typer.Option(help="What to compare with.")] = Against.finite_differences,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Check this op, function, layer, ... alone; may be given several times."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print a row for each case.")] = False,
) -> None:
    """Prove that the derivatives and update rules are right, in float64; exit with 1 if anything differs."""
    from npnn_cli.commands.gradcheck import gradcheck

    if not gradcheck(config, against.value, only or (), verbose):
        raise typer.Exit(FAILED_CHECK)


@app.command()
def bench(
    config: Annotated[Path | None, typer.Argument(help="The spec whose training is timed.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Time single layers instead, forward and backward.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="A type of layer to time, such as Conv2d; may be given several times.")
    ] = None,
    against: Annotated[
        list[Opponent] | None, typer.Option(help="A library to time it against; may be given twice.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Samples in a batch, instead of the spec's.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few measurements: to see that all works.")] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Measure how time and memory grow with batch, width, depth and channels.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="The folder to save in, instead of a fresh one.")] = None,
    readme: Annotated[
        Path | None, typer.Option(help="A Markdown file whose table of this measurement is to be replaced.")
    ] = None,
    runs: RunsOption = Path("runs"),
) -> None:
    """Time the training of a spec beside other libraries, after proof that all compute the same; exit with 1 if not."""
    if layers == (config is not None):
        raise typer.BadParameter("give either a spec or --layers")
    if config is None:
        from npnn_cli.commands.bench_layers import LayerWishes, bench_layers

        if batch_size or sweep or Opponent.sklearn in (against or ()):
            raise typer.BadParameter("--batch-size, --sweep and --against sklearn are for specs, not for --layers")
        if only and readme:
            raise typer.BadParameter("--readme needs all layers, not --only some")
        same = bench_layers(LayerWishes(only or (), against or (), quick, output, readme, runs))
    else:
        from npnn_cli.commands.bench import Wishes, bench

        if only:
            raise typer.BadParameter("--only is for --layers")
        same = bench(Wishes(config, against or (), batch_size, quick, sweep, output, readme, runs))
    if not same:
        raise typer.Exit(FAILED_CHECK)


def main() -> None:
    """Entry point of the command."""
    app()
