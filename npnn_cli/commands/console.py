"""What all subcommands share: the consoles, and which errors are told in plain words."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

import typer
from rich.console import Console

UNFOLDED = 10_000  # characters: wider than any table

# Exit codes.
FAILED_CHECK = 1
USAGE_ERROR = 2  # on the command line, in a spec, or in whatever else is read or written
DIVERGED = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
TERMINATED = 143  # 128 + SIGTERM


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM)."""


class _Console(Console):
    """Output that may go unread."""

    def on_broken_pipe(self) -> None:
        """Go on silently if the reader has gone, as in ``npnn train ... | head``: the work itself is not affected."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def console(*, stderr: bool = False) -> Console:
    """A console for people on a terminal, and plain text, unfolded and without colour, everywhere else."""
    stream = sys.stderr if stderr else sys.stdout  # None if it is closed
    on_terminal = stream is not None and stream.isatty()
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a path may hold what the stream's encoding does not know
    # What is printed are paths, names and numbers, in which [red] or :x: is no markup.
    return _Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=on_terminal,  # FORCE_COLOR, which some CI systems set, would bring progress bars into logs
        width=None if on_terminal else UNFOLDED,
    )


def fail(message: str, code: int) -> typer.Exit:
    """Print an error to stderr, and give the exception that ends the command with this exit code."""
    err = console(stderr=True)
    err.print("error: ", style="bold red", end="")
    err.print(message, soft_wrap=True)
    return typer.Exit(code)


def fail_interrupted(interrupt: KeyboardInterrupt, message: str = "interrupted") -> typer.Exit:
    """As :func:`fail`, for Ctrl-C or SIGTERM."""
    return fail(message, TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED)


def in_plain_words(error: Exception) -> str:
    """What an error says, without the number that the system gives it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return f"not enough memory: {error or 'none is left'}; a smaller training.batch_size needs less"
    return str(error)


def user_errors() -> tuple[type[Exception], ...]:
    """The errors that a user can mend, told without a traceback.

    Called only when an error is on its way: the modules imported here would slow ``npnn --help`` down.
    """
    from npnn_cli.data import DataError
    from npnn_cli.proofs.catalogue import CannotProveError
    from npnn_cli.spec import SpecError
    from npnn_cli.torch_reference.counterparts import NoCounterpartError, TorchMissingError
    from npnn_cli.training.checkpoints import CheckpointError
    from npnn_cli.training.run_folder import RunNotFoundError

    return (
        SpecError,
        DataError,
        CheckpointError,
        RunNotFoundError,
        CannotProveError,
        TorchMissingError,
        NoCounterpartError,
        OSError,
        MemoryError,
    )
