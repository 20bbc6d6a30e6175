"""Proofs of every registered op, function, layer and loss: each example's output and gradients, in float64."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from npnn_cli import registry
from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.finite_differences import numerical_gradient
from npnn_cli.autograd.graph import no_grad
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import Example
from npnn_cli.nn.module import Module
from npnn_cli.proofs.check import TOLERANCE, Against, Check, chosen, largest_difference
from npnn_cli.registry import Entry


@dataclass(frozen=True)
class Case:
    """An example of a component, drawn and ready to be differentiated.

    Attributes:
        component: kind and name.
        what: the same, and the options.
        inputs: the tensors that go in; gradients are asked of the floating ones.
        evaluate: computes the outputs; it gives the same each time, whatever is random in the component.
        reference: PyTorch's outputs and then its gradients, of the inputs and after them of the parameters, given the
            upstream gradients.
        parameters: tensors inside the component whose gradients are compared too.
    """

    component: str
    what: str
    inputs: list[Tensor]
    evaluate: Callable[[], tuple[Tensor, ...]]
    reference: Callable[..., list[Array | None]]
    parameters: tuple[Tensor, ...] = ()

    def check(self, against: Against, rng: np.random.Generator) -> Check:
        """Compare the outputs and all gradients, under random upstream gradients."""
        outputs = self.evaluate()
        upstream = [np.asarray(rng.standard_normal(output.shape)) for output in outputs]
        leaves = [tensor for tensor in (*self.inputs, *self.parameters) if tensor.requires_grad]
        if not any(output.requires_grad for output in outputs):
            leaves = []  # as of argmax
        for output, gradient in zip(outputs, upstream, strict=True):
            if output.requires_grad:
                output.backward(gradient)
        ours = [*(output.data for output in outputs), *(leaf.grad for leaf in leaves)]
        if against == "torch":
            theirs = self.reference(*upstream)[: len(ours)]
        else:
            theirs = [*ours[: len(outputs)], *(self._finite_differences(leaf, upstream) for leaf in leaves)]
        relative = against == "finite-differences"
        differences = [largest_difference(a, b, relative=relative) for a, b in zip(ours, theirs, strict=True)]
        shape = ", ".join(str(tensor.shape) for tensor in self.inputs)
        return Check(self.what, shape, float(np.max(differences)), TOLERANCE[against], self.component)

    def _finite_differences(self, leaf: Tensor, upstream: list[Array]) -> Array:
        def loss() -> float:
            return sum(float((o.data * g).sum()) for o, g in zip(self.evaluate(), upstream, strict=True))

        with no_grad():
            return numerical_gradient(loss, leaf.data)


def differentiation_checks(against: Against, only: Container[str] | None = None) -> Iterator[Check]:
    """Check every example of every registered op, function, layer and loss, or of those of these names.

    Finite differences are not asked about gradients that are no slopes.
    """
    for kind, case_of in _CASES:
        for entry in chosen(kind, only):
            for number, example in enumerate(entry.examples):
                if against == "finite-differences" and not example.has_slope:
                    continue
                rng = np.random.default_rng([number])
                yield case_of(entry, example, rng).check(against, rng)


def outputs_of(answer: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors that an answer consists of: ``split`` gives several."""
    return answer if isinstance(answer, tuple) else (answer,)


def _op_case(entry: Entry[Any], example: Example, rng: np.random.Generator) -> Case:
    return _case(entry, lift(entry.component), example, rng, kind="op")


def _function_case(entry: Entry[Any], example: Example, rng: np.random.Generator) -> Case:
    return _case(entry, entry.component, example, rng, kind="function")


def _case(
    entry: Entry[Any], function: Callable[..., Any], example: Example, rng: np.random.Generator, kind: str
) -> Case:
    inputs, called = _draw(example, rng), functools.partial(entry.called(function), **example.options)

    def reference(*upstream: Array) -> list[Array | None]:
        from npnn_cli.torch_reference.training import differentiate_op

        return _without_integers(inputs, differentiate_op(entry, _arrays(inputs), example.options, *upstream))

    component, what = f"{kind} {entry.name}", _describe(kind, entry, example)
    return Case(component, what, inputs, lambda: outputs_of(called(*inputs)), reference)


def _module_case(kind: str) -> Callable[[Entry[Any], Example, np.random.Generator], Case]:
    def case_of(entry: Entry[Any], example: Example, rng: np.random.Generator) -> Case:
        inputs = _draw(example, rng)
        module = build_module(entry, example, rng)
        restart = restart_of_randomness(module)
        parameters = tuple(module.parameters())

        def evaluate() -> tuple[Tensor, ...]:
            restart()
            return outputs_of(module(*inputs))

        def reference(*upstream: Array) -> list[Array | None]:
            from npnn_cli.torch_reference.counterparts import torch_module
            from npnn_cli.torch_reference.training import differentiate, gradient_of

            restart()
            counterpart = torch_module(module)
            results = differentiate(counterpart, _arrays(inputs), *upstream)
            results += map(gradient_of, counterpart.parameters())
            return _without_integers([*inputs, *parameters], results)

        component, what = f"{kind} {entry.name}", _describe(kind, entry, example)
        return Case(component, what, inputs, evaluate, reference, parameters)

    return case_of


_CASES = (
    (registry.ops, _op_case),
    (registry.functions, _function_case),
    (registry.layers, _module_case("layer")),
    (registry.losses, _module_case("loss")),
)


def build_module(entry: Entry[Any], example: Example, rng: np.random.Generator) -> Module:
    """The example's layer or loss in float64, with every parameter random (a bias of 0 would hide mistakes)."""
    module: Module = entry.build(**example.options, rng=rng)
    module.to(np.float64)
    for parameter in module.parameters():
        parameter.data += rng.normal(0, 0.1, parameter.shape)
    return module


def restart_of_randomness(module: Module) -> Callable[[], None]:
    """A function that sets all random generators inside a module back to where they are now."""
    generators = [inner.rng for _, inner in module.named_modules() if hasattr(inner, "rng")]
    states = [generator.bit_generator.state for generator in generators]

    def restart() -> None:
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state

    return restart


def _draw(example: Example, rng: np.random.Generator) -> list[Tensor]:
    arrays = [draw(rng) for draw in example.inputs]
    return [Tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]


def _arrays(tensors: list[Tensor]) -> list[Array]:
    return [tensor.data for tensor in tensors]


def _without_integers(leaves: list[Tensor], results: list[Array | None]) -> list[Array | None]:
    """The outputs, and the gradients of those leaves that can have one."""
    count = len(results) - len(leaves)
    gradients = zip(leaves, results[count:], strict=True)
    return [*results[:count], *(gradient for leaf, gradient in gradients if leaf.requires_grad)]


def _describe(kind: str, entry: Entry[Any], example: Example) -> str:
    options = ", ".join(f"{name}={_brief(value)}" for name, value in example.options.items())
    return f"{kind} {entry.name}({options})" if options else f"{kind} {entry.name}"


def _brief(value: Any) -> str:
    return f"array{value.shape}" if isinstance(value, np.ndarray) else repr(value)
