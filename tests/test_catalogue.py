"""The catalogue as a whole: nothing is registered whose every option is not tried."""

from __future__ import annotations

import pytest

from npnn_cli import registry
from npnn_cli.options import option_parameters
from npnn_cli.spec.components import import_components

import_components()

KINDS = (registry.layers, registry.losses, registry.optimizers, registry.schedulers, registry.initializers)
# Of one value only.
NO_CHOICE = {
    ("Upsample", "mode"),
    ("Upsample", "align_corners"),
    ("ConvTranspose2d", "padding_mode"),
    ("Embedding", "sparse"),
}

OPTIONS = [
    pytest.param(entry, parameter, id=f"{entry.name} {name}")
    for kind in KINDS
    for entry in kind.values()
    for name, parameter in option_parameters(entry.component).items()
    if (entry.name, name) not in NO_CHOICE
]


@pytest.mark.parametrize(("entry", "parameter"), OPTIONS)
def test_an_example_gives_the_option_another_value_than_its_default(entry, parameter):
    """The proofs, and most contracts, are about the examples: what none of them shows is not proved."""
    given = [example.options[parameter.name] for example in entry.examples if parameter.name in example.options]
    tried = getattr(entry.component, "tried", {}).get(parameter.name, ())
    assert any(value != parameter.default for value in (*given, *tried))
