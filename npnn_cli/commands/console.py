"""What all subcommands share: the consoles, and which errors are told in plain words."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

PIPED_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """A console for people on a terminal, and plain text, unfolded and without colour, everywhere else."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


def fail(message: str, code: int) -> typer.Exit:
    """Print an error to stderr, and give the exception that ends the command with this exit code."""
    err = console(stderr=True)
    err.print("error: ", style="bold red", end="")
    err.print(message, markup=False, soft_wrap=True)
    return typer.Exit(code)


def user_errors() -> tuple[type[Exception], ...]:
    """The errors that a user can mend, told without a traceback.

    Called only when an error is on its way: the modules imported here would slow ``npnn --help`` down.
    """
    from npnn_cli.data import DataError
    from npnn_cli.spec import SpecError
    from npnn_cli.torch_reference.counterparts import TorchMissingError
    from npnn_cli.training.checkpoints import CheckpointError
    from npnn_cli.training.run_folder import RunNotFoundError

    return (SpecError, DataError, CheckpointError, RunNotFoundError, TorchMissingError, OSError)
