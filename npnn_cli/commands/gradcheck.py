"""``npnn gradcheck``: the proofs, as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from npnn_cli.commands.console import DIVERGED, console, fail
from npnn_cli.proofs.catalogue import CannotProveError, catalogue_checks
from npnn_cli.proofs.check import Against, Check
from npnn_cli.proofs.network import network_checks
from npnn_cli.reports.tables import CheckRow, ComponentRow, check_table, component_table
from npnn_cli.spec import load_spec
from npnn_cli.training.loop import DivergenceError


def gradcheck(config: Path | None, against: Against, only: Sequence[str] = (), verbose: bool = False) -> bool:
    """Run the proofs of a spec's network, or of what is registered; print them and return whether all passed.

    Args:
        config: the spec; None for what is registered.
        against: what to compare with.
        only: the names of those components that are to be checked; none for all.
        verbose: whether to print a row for each case instead of one for each component.

    Raises:
        CannotProveError: if a name stands for nothing that could be checked so, or a spec is given as well.
        typer.Exit: with 3 if a spec's first training step already diverges.
    """
    if only and config is not None:
        raise CannotProveError(f"--only chooses among all that is registered: {config}'s network is checked as a whole")
    out, started = console(), time.perf_counter()
    try:
        with out.status(f"checking against {against} ..."):
            checks = list(network_checks(load_spec(config), against) if config else catalogue_checks(against, only))
    except DivergenceError as error:
        raise fail(f"nothing can be compared, for the training diverges at its first step: {error}", DIVERGED) from None
    seconds = time.perf_counter() - started
    components = {name: list(cases) for name, cases in groupby(checks, key=lambda check: check.component)}
    if config or verbose:
        out.print(check_table(map(_case_row, checks)))
    else:
        out.print(component_table(_component_row(name, cases) for name, cases in components.items()))
    failed = [check for check in checks if not check.passed]
    if failed and not (config or verbose):
        out.print("\nwhat differs:\n", style="bold red")
        out.print(check_table(map(_case_row, failed)))
    worst = max(checks, key=lambda check: check.severity)
    done = _count(len(checks), "check" if config else "case")
    done += "" if config else f" of {_count(len(components), 'component')}"
    out.print(
        f"\n{done} against {against} in {seconds:.1f} s, worst difference {worst.difference:.1e} ({worst.what})",
        soft_wrap=True,
    )
    if failed:
        names = ", ".join(check.what for check in failed)
        out.print(f"{len(failed)} DIFFER: {names}", style="bold red", soft_wrap=True)
    else:
        out.print("all agree", style="bold green")
    return not failed


def _case_row(check: Check) -> CheckRow:
    return check.what, check.shape, check.difference, check.tolerance, check.passed


def _component_row(component: str, cases: Sequence[Check]) -> ComponentRow:
    worst = max(cases, key=lambda check: check.severity)
    return component, len(cases), worst.difference, worst.tolerance, worst.passed


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
