"""The proofs hold: every example of everything that is registered, against finite differences and PyTorch."""

from __future__ import annotations

import functools
import re

import pytest

import npnn_cli.nn
import npnn_cli.optim
from npnn_cli import registry
from npnn_cli.proofs.differentiation import differentiation_checks
from npnn_cli.proofs.optimization import GRADIENT_SCALES, optimizer_checks, scheduler_checks

assert npnn_cli.nn  # importing them registers everything
assert npnn_cli.optim

AGAINST = ["finite-differences", "torch"]
PROVED = {
    differentiation_checks: (registry.ops, registry.functions, registry.layers, registry.losses),
    optimizer_checks: (registry.optimizers,),
}
COMPONENTS = [
    pytest.param(checks, kind, entry, id=f"{kind.singular} {entry.name}")
    for checks, kinds in PROVED.items()
    for kind in kinds
    for entry in kind.values()
]


@functools.cache
def found_by(checks, *against):
    return list(checks(*against))


def about(kind, entry, checks):
    return [check for check in checks if re.split(r"[ (]", check.what)[:2] == [kind.singular, entry.name]]


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize(("checks", "kind", "entry"), COMPONENTS)
def test_it_is_right_on_all_its_examples(checks, kind, entry, against):
    found = about(kind, entry, found_by(checks, against))

    if checks is optimizer_checks and against == "torch":  # each example, and all combinations, at every scale
        assert len(found) == (len(entry.examples) + 1) * len(GRADIENT_SCALES)
    else:
        assert len(found) == len(entry.examples)
    assert [check for check in found if not check.passed] == []


@pytest.mark.parametrize("entry", registry.schedulers.values(), ids=list(registry.schedulers))
def test_a_schedule_is_pytorchs_on_all_its_examples(entry):
    found = about(registry.schedulers, entry, found_by(scheduler_checks))

    assert len(found) == len(entry.examples)
    assert [check for check in found if not check.passed] == []


def test_against_torch_the_tolerance_is_a_billionth_and_in_practice_far_less_is_found():
    checks = found_by(differentiation_checks, "torch")

    assert {check.tolerance for check in checks} == {1e-9}
    assert max(check.difference for check in checks) < 1e-12
