"""``npnn gradcheck``: the proofs, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from npnn_cli.commands.console import DIVERGED, console, fail
from npnn_cli.proofs.check import Against, Check
from npnn_cli.proofs.differentiation import differentiation_checks
from npnn_cli.proofs.network import network_checks
from npnn_cli.proofs.optimization import optimizer_checks, scheduler_checks
from npnn_cli.reports.tables import check_table
from npnn_cli.spec import load_spec
from npnn_cli.spec.components import import_components
from npnn_cli.training.loop import DivergenceError


def gradcheck(config: Path | None, against: Against) -> bool:
    """Run the proofs of a spec's network, or of everything registered; print them and return whether all passed.

    Raises:
        typer.Exit: with 3 if a spec's first training step already diverges.
    """
    out = console()
    try:
        with out.status(f"checking against {against} ..."):
            checks = list(_everything(against) if config is None else network_checks(load_spec(config), against))
    except DivergenceError as error:
        raise fail(f"nothing can be compared, for the training diverges at its first step: {error}", DIVERGED) from None
    out.print(check_table((c.what, c.shape, c.difference, c.tolerance, c.passed) for c in checks))
    failed = [check for check in checks if not check.passed]
    # A difference that is nan is worse than any number, and max() alone would overlook it.
    worst = max(checks, key=lambda check: (check.difference != check.difference, check.difference / check.tolerance))
    out.print(f"\n{len(checks)} checks against {against}, worst difference {worst.difference:.1e} ({worst.what})")
    if failed:
        names = ", ".join(check.what for check in failed)
        out.print(f"{len(failed)} DIFFER: {names}", style="bold red", soft_wrap=True)
    else:
        out.print("all agree", style="bold green")
    return not failed


def _everything(against: Against) -> Iterable[Check]:
    import_components()
    schedulers = scheduler_checks() if against == "torch" else ()
    return chain(differentiation_checks(against), optimizer_checks(against), schedulers)
