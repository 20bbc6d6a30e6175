"""Wrong arguments: an error that names function and argument, what came and what is expected, as PyTorch has one."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import npnn_cli.nn
from npnn_cli import Tensor, functional, registry
from npnn_cli.torch_reference.counterparts import to_torch, torch_function

assert npnn_cli.nn  # importing it registers everything

ENTRIES = {entry.name: entry for entry in registry.ops.values() if hasattr(functional, entry.name)}
ENTRIES |= registry.functions


def options_of(entry):
    """Each option that takes more than yes and no, with an example in which it can be set."""
    parameters = list(inspect.signature(entry.component).parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL) or parameter.default in (
            True,
            False,
        ):
            continue
        for number, example in enumerate(entry.examples):
            can_be_left_out = parameter.default is not parameter.empty and parameters.index(parameter) >= len(
                example.inputs
            )
            if parameter.name in example.options or can_be_left_out:
                yield parameter.name, number
                break


OPTIONS = [(name, option, number) for name, entry in ENTRIES.items() for option, number in options_of(entry)]
every_option = pytest.mark.parametrize(("name", "option", "number"), OPTIONS)

# What PyTorch refuses and npnn takes.
LAXER = {
    ("binary_cross_entropy", "weight"): "a number is as good as a tensor",
    ("binary_cross_entropy_with_logits", "weight"): "a number is as good as a tensor",
    ("binary_cross_entropy_with_logits", "pos_weight"): "a number is as good as a tensor",
}


def call(name, number, **options):
    """Call a function with the inputs of an example, and some other options."""
    entry = ENTRIES[name]
    arrays = [np.asarray(draw(np.random.default_rng(0))) for draw in entry.examples[number].inputs]
    return entry.called(getattr(functional, name))(*map(Tensor, arrays), **entry.examples[number].options | options)


def pytorch_refuses(name, number, **options):
    entry = ENTRIES[name]
    arrays = [np.asarray(draw(np.random.default_rng(0))) for draw in entry.examples[number].inputs]
    options = entry.examples[number].options | options
    options = {key: to_torch(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch_function(entry)(*map(to_torch, arrays), **options)
        except Exception:
            return True
    return False


class Nonsense:
    def __repr__(self):
        return "NONSENSE"


@every_option
def test_what_no_option_takes_is_refused_by_name(name, option, number):
    if (name, option) not in LAXER:
        with pytest.raises((TypeError, ValueError), match=rf"^{name}:.*\b{option}\b"):
            call(name, number, **{option: Nonsense()})


@pytest.mark.parametrize("value", [-99, 99, 1.5, 2.0, True, "nonsense"])
@every_option
def test_what_pytorch_refuses_is_refused_by_name(name, option, number, value):
    if (name, option) not in LAXER and pytorch_refuses(name, number, **{option: value}):
        with pytest.raises((TypeError, ValueError, IndexError), match=f"^{name}:"):
            call(name, number, **{option: value})


@pytest.mark.parametrize("name", ENTRIES)
def test_an_unknown_option_is_refused(name):
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'colour'"):
        call(name, 0, colour="red")


@pytest.mark.parametrize("wrong", ["nonsense", {}, Nonsense()], ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_no_tensor_is_refused_by_name(name, wrong):
    entry = ENTRIES[name]
    _, *others = entry.examples[0].inputs
    arrays = [np.asarray(draw(np.random.default_rng(0))) for draw in others]

    with pytest.raises((TypeError, ValueError), match=rf"^{name}:"):
        entry.called(getattr(functional, name))(wrong, *arrays, **entry.examples[0].options)
