"""What every registered layer promises beside its gradients, on all its examples."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from npnn_cli import Tensor, get_default_dtype, nn, no_grad, set_default_dtype
from npnn_cli.options import option_parameters, takes_rng
from npnn_cli.registry import layers, slots

EXAMPLES = [
    pytest.param(entry, example, id=f"{entry.name} {number}")
    for entry in layers.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize(("entry", "example"), EXAMPLES)


def build(entry, example, seed=0) -> nn.Module:
    return entry.build(**example.options, rng=np.random.default_rng(seed))


def draw(example):
    rng = np.random.default_rng(1)
    arrays = [draw_input(rng) for draw_input in example.inputs]
    return [Tensor(array.astype(np.float32) if array.dtype.kind == "f" else array) for array in arrays]


def output_of(layer, inputs):
    with no_grad():
        return layer(*inputs).data


def parameters_are_equal(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(np.array_equal(ours.data, theirs.data) for ours, theirs in pairs)


@every_example
def test_saved_and_loaded_weights_give_the_same_outputs(entry, example):
    saved, loaded, inputs = build(entry, example, 1).eval(), build(entry, example, 2).eval(), draw(example)

    loaded.load_state_dict(saved.state_dict())

    assert np.array_equal(output_of(loaded, inputs), output_of(saved, inputs))
    assert list(loaded.state_dict()) == list(saved.state_dict())


@every_example
def test_a_state_dict_is_a_copy(entry, example):
    layer = build(entry, example)
    state = layer.state_dict()

    for array in state.values():
        array += 1

    assert all(not np.array_equal(array, layer.state_dict()[name]) for name, array in state.items())


@every_example
def test_evaluation_repeats_itself_and_training_is_the_mode_at_first(entry, example):
    layer, inputs = build(entry, example), draw(example)

    assert all(module.training for _, module in layer.named_modules())
    assert layer.eval() is layer
    assert not any(module.training for _, module in layer.named_modules())
    assert np.array_equal(output_of(layer, inputs), output_of(layer, inputs))
    assert all(module.training for _, module in layer.train().named_modules())


def without_layers(options, entry):
    """The options but those that hold layers, which are objects."""
    held = slots(entry.component)
    return {name: value for name, value in options.items() if name not in held or held[name].as_written}


@every_example
def test_options_are_recorded_and_build_the_layer_again(entry, example):
    layer = build(entry, example)
    defaults = {name: p.default for name, p in option_parameters(entry.component).items() if p.default is not p.empty}

    assert without_layers(layer.options, entry) == without_layers(defaults | example.options, entry)
    assert list(layer.options) == list(option_parameters(entry.component))
    assert repr(entry.build(**layer.options)) == repr(layer)


@every_example
def test_repr_tells_the_name_and_the_options_or_the_modules_inside(entry, example):
    layer = build(entry, example)
    text = repr(layer)

    assert text.startswith(f"{entry.name}(")
    children = list(layer.named_children())
    for name, child in children:
        assert f"({name}): {child!r}".replace("\n", "\n  ") in text
    if not children:
        assert text == f"{entry.name}({', '.join(f'{name}={value!r}' for name, value in layer.options.items())})"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@every_example
def test_a_deep_copy_behaves_alike_and_shares_nothing(entry, example, duplicate):
    layer, inputs = build(entry, example), draw(example)

    twin = duplicate(layer)

    assert repr(twin) == repr(layer)
    assert without_layers(twin.options, entry) == without_layers(layer.options, entry)
    assert np.array_equal(output_of(twin, inputs), output_of(layer, inputs))  # random layers draw the same, too
    for ours, theirs in zip(layer.parameters(), twin.parameters(), strict=True):
        assert type(theirs) is nn.Parameter
        assert theirs.requires_grad
        assert not np.shares_memory(ours.data, theirs.data)


@every_example
def test_what_is_inferred_is_what_the_example_says(entry, example):
    for name, infer in entry.component.inferred.items():
        assert name in option_parameters(entry.component)
        assert infer(draw(example)[0].shape[1:]) == example.options[name]


@every_example
def test_equal_seeds_make_equal_weights(entry, example):
    layer = build(entry, example, 1)

    assert parameters_are_equal(layer, build(entry, example, 1))
    if takes_rng(entry.component) and list(layer.parameters()):
        assert not parameters_are_equal(layer, build(entry, example, 2))


@every_example
def test_parameters_require_gradients_and_have_the_default_dtype(entry, example):
    before = get_default_dtype()
    for dtype in (np.float32, np.float64):
        set_default_dtype(dtype)
        try:
            layer = build(entry, example)
        finally:
            set_default_dtype(before)
        assert all(parameter.requires_grad for parameter in layer.parameters())
        assert {parameter.dtype for parameter in layer.parameters()} <= {np.dtype(dtype)}


@every_example
def test_an_array_is_taken_for_a_tensor(entry, example):
    layer, (first, *others) = build(entry, example).eval(), draw(example)

    assert np.array_equal(output_of(layer, [first.data, *others]), output_of(layer, [first, *others]))


@every_example
def test_an_unknown_option_is_refused_by_name(entry, example):
    with pytest.raises(TypeError, match=f"{entry.name}: .*'colour'"):
        entry.build(**example.options, colour="red")
