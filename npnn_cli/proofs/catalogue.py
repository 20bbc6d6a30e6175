"""Proofs of the whole catalogue: whatever is registered that has a derivative, an update rule or a schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from npnn_cli import registry
from npnn_cli.proofs.check import Against, Check
from npnn_cli.proofs.differentiation import differentiation_checks
from npnn_cli.proofs.optimization import optimizer_checks, scheduler_checks
from npnn_cli.registry import did_you_mean
from npnn_cli.spec.components import import_components

_DIFFERENTIABLE = (registry.ops, registry.functions, registry.layers, registry.losses, registry.optimizers)
_OTHERS = (registry.schedulers, registry.initializers, registry.datasets)


class CannotProveError(LookupError):
    """A name that stands for nothing that could be proved."""


def catalogue_checks(against: Against, only: Iterable[str] = ()) -> Iterator[Check]:
    """Check every registered component, or those of these names.

    Schedules have no derivatives: they are checked against PyTorch alone.

    Raises:
        CannotProveError: if a name is unknown, or what it stands for cannot be checked in this way.
    """
    import_components()
    names = {_found(name, against) for name in only} or None
    yield from differentiation_checks(against, names)
    yield from optimizer_checks(against, names)
    if against == "torch":
        yield from scheduler_checks(names)


def _found(name: str, against: Against) -> str:
    """The registered name that a name or an alias stands for."""
    provable = (*_DIFFERENTIABLE, registry.schedulers)
    for kind in provable if against == "torch" else _DIFFERENTIABLE:
        if name in kind:
            return kind[name].name
    for kind in _OTHERS:
        if name in kind:
            remedy = ": compare it with --against torch" if kind is registry.schedulers else ""
            raise CannotProveError(f"--only: the {kind.singular} {name} has no derivative{remedy}")
    hint = did_you_mean(name, [known for kind in provable for known in kind])
    raise CannotProveError(f"--only: nothing is named '{name}'{hint or '; npnn gradcheck lists all there is'}")
