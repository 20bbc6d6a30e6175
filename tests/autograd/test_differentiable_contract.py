"""What every registered op, function, layer and loss promises about dtypes, memory and layout, on all its examples.

That its numbers are right is proved in tests/proofs.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import npnn_cli.nn
from npnn_cli import Tensor, no_grad, registry
from npnn_cli.autograd import lift, threads
from npnn_cli.autograd.graph import contributions
from npnn_cli.optim import SGD
from npnn_cli.proofs.differentiation import build_module, outputs_of

assert npnn_cli.nn  # importing it registers everything

EXAMPLES = [
    pytest.param((kind, entry, example), id=f"{kind.singular} {entry.name} {number}")
    for kind in (registry.ops, registry.functions, registry.layers, registry.losses)
    for entry in kind.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize("case", EXAMPLES)
of_every_op = pytest.mark.parametrize("case", [param for param in EXAMPLES if param.values[0][0] is registry.ops])

LAYOUTS = {
    "Fortran order": lambda x: np.array(x, order="F"),
    "every second element of a wider array": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "negative strides": lambda x: np.asarray(np.flip(np.flip(x).copy())),
    "read-only": lambda x: read_only(x.copy()),
}


def read_only(array):
    array.flags.writeable = False
    return array


def is_floating(array):
    return array.dtype.kind == "f"


def draw(example, dtype=np.float64):
    rng = np.random.default_rng(7)
    arrays = [np.asarray(draw_input(rng)) for draw_input in example.inputs]
    return [array.astype(dtype) if is_floating(array) else array for array in arrays]


def build(case, dtype=np.float64) -> tuple[Callable[..., Tensor], list[Tensor]]:
    """The component as a function of tensors, and its parameters."""
    kind, entry, example = case
    if kind in (registry.ops, registry.functions):
        function = lift(entry.component) if kind is registry.ops else entry.component
        options = {
            name: np.asarray(value, dtype) if isinstance(value, np.ndarray) and is_floating(value) else value
            for name, value in example.options.items()
        }
        return functools.partial(entry.called(function), **options), []
    module = build_module(entry, example, np.random.default_rng(8)).to(dtype)
    return module, list(module.parameters())


@dataclass
class Run:
    inputs: list[Tensor]
    parameters: list[Tensor]
    outputs: tuple[Tensor, ...]
    upstream: list[np.ndarray]

    @property
    def leaves(self):
        """What gradients are asked of; nothing, if there are none, as of argmax."""
        if not any(output.requires_grad for output in self.outputs):
            return []
        return [tensor for tensor in (*self.inputs, *self.parameters) if tensor.requires_grad]

    @property
    def gradients(self):
        return [leaf.grad for leaf in self.leaves]


def run(case, arrays, dtype=np.float64, layout=lambda x: x, pack=False) -> Run:
    """Forward and backward with a random upstream gradient of each output; perhaps an optimizer packs the leaves."""
    function, parameters = build(case, dtype)
    inputs = [Tensor(layout(array), requires_grad=is_floating(array)) for array in arrays]
    if pack and (leaves := [tensor for tensor in (*inputs, *parameters) if tensor.requires_grad]):
        SGD(leaves, lr=0.1)
    outputs = outputs_of(function(*inputs))
    upstream = [layout(gradient) for gradient in upstream_of(outputs, dtype)]
    backward(outputs, upstream)
    return Run(inputs, parameters, outputs, upstream)


def upstream_of(outputs, dtype=np.float64):
    rng = np.random.default_rng(9)
    return [np.asarray(rng.standard_normal(output.shape), dtype) for output in outputs]


def backward(outputs, upstream):
    for output, gradient in zip(outputs, upstream, strict=True):
        if output.requires_grad:
            output.backward(gradient)


@of_every_op
def test_what_overflows_does_so_without_a_warning(case):
    for number in (3e38, np.inf):
        arrays = [np.full_like(a, number) if is_floating(a) else a for a in draw(case[2], np.float32)]
        run(case, arrays, np.float32)


@of_every_op
def test_a_derivative_does_not_pass_through_float64_on_its_way(case):
    result = run(case, draw(case[2], np.float32), np.float32)

    with np.errstate(all="ignore"):  # as when the engine calls it
        (output,), (upstream,) = result.outputs, result.upstream
        gradients = [np.asarray(gradient) for _, gradient, _ in contributions(output, upstream)]
    assert [gradient.dtype for gradient in gradients] == [np.float32] * len(result.leaves)


@of_every_op
def test_each_gradient_goes_to_the_place_that_an_optimizer_has_made(case):
    packed, ordinary = (run(case, draw(case[2]), pack=pack) for pack in (True, False))

    assert all(leaf.grad is leaf.packed.place for leaf in packed.leaves)
    for ours, expected in zip(packed.gradients, ordinary.gradients, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


@every_example
def test_float32_stays_float32_and_is_float64_rounded(case):
    single, double = run(case, draw(case[2], np.float32), np.float32), run(case, draw(case[2]))

    assert {output.dtype for output in single.outputs if output.requires_grad} <= {np.dtype(np.float32)}
    assert [gradient.dtype for gradient in single.gradients] == [np.float32] * len(single.leaves)
    assert [gradient.shape for gradient in single.gradients] == [leaf.shape for leaf in single.leaves]
    for ours, exact in zip(single.outputs, double.outputs, strict=True):
        assert np.allclose(ours.data, exact.data, rtol=1e-4, atol=1e-5, equal_nan=True)
    for ours, exact in zip(single.gradients, double.gradients, strict=True):
        assert np.allclose(ours, exact, rtol=1e-4, atol=1e-4, equal_nan=True)


@every_example
def test_inputs_weights_and_the_upstream_gradient_are_not_changed(case):
    function, parameters = build(case)
    arrays = draw(case[2])
    inputs = [Tensor(array, requires_grad=is_floating(array)) for array in arrays]
    before = [tensor.data.copy() for tensor in (*inputs, *parameters)]
    options = {name: value.copy() for name, value in case[2].options.items() if isinstance(value, np.ndarray)}

    outputs = outputs_of(function(*inputs))
    answers = [output.data.copy() for output in outputs]
    upstream, given = upstream_of(outputs), upstream_of(outputs)
    backward(outputs, upstream)

    for array, old in zip(upstream, given, strict=True):
        assert np.array_equal(array, old)
    for name, old in options.items():
        assert np.array_equal(case[2].options[name], old)
    for tensor, old in zip((*outputs, *inputs, *parameters), (*answers, *before), strict=True):
        assert np.array_equal(tensor.data, old)


@every_example
def test_what_is_recorded_is_read_only_and_what_goes_in_is_not(case):
    function, parameters = build(case)
    inputs = [Tensor(array, requires_grad=is_floating(array)) for array in draw(case[2])]

    for output in outputs_of(function(*inputs)):
        if output.links:
            with pytest.raises(ValueError, match="read-only"):
                output.data[...] = 0
    assert all(tensor.data.flags.writeable for tensor in (*inputs, *parameters))


@every_example
def test_a_gradient_shares_no_memory(case):
    result = run(case, draw(case[2]))

    for one, other in itertools.combinations(result.gradients, 2):
        assert not np.shares_memory(one, other)
    tensors = (*result.outputs, *result.inputs, *result.parameters)
    others = [*result.upstream, *(tensor.data for tensor in tensors)]
    for gradient, other in itertools.product(result.gradients, others):
        assert not np.shares_memory(gradient, other)
        assert gradient.flags.writeable


@every_example
def test_the_layout_in_memory_does_not_matter(case):
    arrays = draw(case[2])
    plain = run(case, arrays)

    for name, layout in LAYOUTS.items():
        other = run(case, arrays, layout=layout)
        for ours, expected in zip(other.outputs, plain.outputs, strict=True):
            np.testing.assert_allclose(ours.data, expected.data, rtol=1e-12, atol=1e-13, err_msg=name)
        for ours, expected in zip(other.gradients, plain.gradients, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13, err_msg=name)


@every_example
def test_threads_do_not_matter(case, monkeypatch):
    arrays = draw(case[2])
    alone = run(case, arrays)

    monkeypatch.setattr(threads, "LEAST_ELEMENTS", 1)
    monkeypatch.setattr(threads, "BLOCK_ELEMENTS", 4)
    monkeypatch.setattr(threads, "_count", 3)
    together = run(case, arrays)

    for ours, expected in zip(together.outputs, alone.outputs, strict=True):
        np.testing.assert_allclose(ours.data, expected.data, rtol=1e-13, atol=1e-14)
    for ours, expected in zip(together.gradients, alone.gradients, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-13, atol=1e-14)


def twins(case):
    """The places of two inputs that could be the same tensor, if there are any."""
    arrays = [(place, array) for place, array in enumerate(draw(case[2])) if is_floating(array)]
    pairs = itertools.combinations(arrays, 2)
    return next(([i, j] for (i, one), (j, other) in pairs if one.shape == other.shape), None)


@pytest.mark.parametrize("case", [param for param in EXAMPLES if twins(param.values[0])])
def test_the_same_tensor_as_two_inputs_gets_both_gradients(case):
    one, other = twins(case)
    arrays = draw(case[2])
    arrays[other] = arrays[one].copy()
    apart = run(case, arrays)

    function, _ = build(case)
    inputs = [Tensor(array, requires_grad=is_floating(array)) for array in arrays]
    inputs[other] = inputs[one]
    backward(outputs_of(function(*inputs)), apart.upstream)

    expected = apart.inputs[one].grad + apart.inputs[other].grad
    np.testing.assert_allclose(inputs[one].grad, expected, rtol=1e-12, atol=1e-13)


@every_example
def test_no_graph_is_recorded_under_no_grad(case):
    function, _ = build(case)
    inputs = [Tensor(array, requires_grad=is_floating(array)) for array in draw(case[2])]

    with no_grad():
        outputs = outputs_of(function(*inputs))

    for output in outputs:
        assert output.links == ()
        assert not output.requires_grad or any(output is given for given in inputs)


def _examples_of(kind: registry.Kind[Any]):
    return [param for param in EXAMPLES if param.values[0][0] is kind]


@pytest.mark.parametrize("case", _examples_of(registry.layers))
def test_an_empty_batch_passes_through_a_layer(case):
    arrays = [array[:0] for array in draw(case[2])]

    result = run(case, arrays)

    assert len(result.outputs[0]) == 0
    if is_floating(arrays[0]):
        assert result.inputs[0].grad.shape == arrays[0].shape
    assert not any(parameter.grad.any() for parameter in result.parameters)
