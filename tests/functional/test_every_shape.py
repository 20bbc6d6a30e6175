"""Every op and function on shapes that its examples do not have: PyTorch's numbers, or a refusal where PyTorch refuses.

The shapes are made of those of the examples: as single numbers, empty, repeated by broadcasting, and not fitting.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

import npnn_cli.nn
from npnn_cli import Tensor, functional, registry
from npnn_cli.proofs.check import largest_difference
from npnn_cli.proofs.differentiation import outputs_of
from npnn_cli.torch_reference.counterparts import to_torch, torch_function
from npnn_cli.torch_reference.training import gradient_of

assert npnn_cli.nn  # importing it registers everything

ENTRIES = {entry.name: entry for entry in registry.ops.values() if hasattr(functional, entry.name)}
ENTRIES |= registry.functions
every_name = pytest.mark.parametrize("name", ENTRIES)

# Of each name the cases, by the options and the shapes of the inputs, where shapes that PyTorch takes are refused.
STRICTER = {
    # Images without pixels have no mean; PyTorch's is nan, for some output sizes, for which it takes any dimensions.
    "adaptive_avg_pool2d": lambda _, x: 0 in x[-3:] or len(x) > 4,
    # One image without channels; PyTorch refuses a batch of them.
    "adaptive_max_pool2d": lambda _, x: len(x) == 3 and x[0] == 0,
    # Signals and images without channels, for which PyTorch's answer lacks the filters' channels, too.
    "conv1d": lambda _, x, *filters: x[-2] == 0,
    "conv2d": lambda _, x, *filters: x[-3] == 0,
    # Statistics, weights and biases must fit, even if there is nothing to normalize.
    "batch_norm": lambda _, x, *others: x[1] == 0 or any(other != x[1:2] for other in others),
    # The one target of (C,) is a number, no vector; without classes there is no loss.
    "cross_entropy": lambda _, x, target: x[:2][-1:] == (0,) or (len(x), target) == (1, (1,)),
    "nll_loss": lambda _, x, target: (len(x), target) == (1, (1,)),
    # The weight is a matrix, and the bias a vector.
    "linear": lambda _, x, weight, *bias: len(weight) != 2 or any(len(shape) != 1 for shape in bias),
    # A target of another shape would be broadcast without a word.
    "kl_div": lambda _, x, target: x != target,
}
# Likewise, where shapes that PyTorch refuses are taken.
LAXER = {
    # PyTorch mirrors and repeats only along one dimension of two or three, two of three or four, and so on.
    "pad": lambda options, x: "mode" in options and (0 in x[1:] or len(x) - len(options["pad"]) // 2 not in (1, 2)),
}


@dataclass(frozen=True)
class Case:
    """An example of which some inputs were given other shapes."""

    kind: str
    number: int
    arrays: list[np.ndarray]

    def __str__(self):
        return f"example {self.number}, {self.kind}: {', '.join(str(array.shape) for array in self.arrays)}"


def with_part(dim, part):
    """The array cut to a part along a dimension that is counted from the last one, if it has that."""
    index = (..., part) + (slice(None),) * (dim - 1)
    return lambda array: array[index] if array.ndim >= dim and array.size else array


def changes(rank) -> Iterator[tuple[str, object]]:
    yield "a single number", lambda array: array.reshape(-1)[:1].reshape(()) if array.size else array
    for dim in range(1, rank + 1):
        yield "empty", with_part(dim, slice(0))
        yield "broadcast", with_part(dim, slice(1))
        yield "too small", with_part(dim, slice(-1))
    yield "broadcast", lambda array: array[0] if array.ndim and len(array) else array
    yield "broadcast", lambda array: array[None]
    yield "too many dimensions", lambda array: array[..., None]


def cases(entry) -> list[Case]:
    """All inputs of each example changed in the same way, and each by itself."""
    found = []
    for number, example in enumerate(entry.examples):
        rng = np.random.default_rng(number)
        arrays = [np.asarray(draw(rng)) for draw in example.inputs]
        found.append(Case("as it is", number, arrays))
        everywhere = range(len(arrays))
        for places in dict.fromkeys([tuple(everywhere), *((place,) for place in everywhere)]):
            for kind, change in changes(max((array.ndim for array in arrays), default=0)):
                changed = [change(array) if place in places else array for place, array in enumerate(arrays)]
                if [array.shape for array in changed] != [array.shape for array in arrays]:
                    found.append(Case(kind, number, changed))
    return found


@dataclass(frozen=True)
class Result:
    """What came of a case: outputs and gradients (None where they could not be found), or a refusal."""

    outputs: list[np.ndarray]
    gradients: list[np.ndarray | None] | None
    refusal: Exception | None = None


def upstream_of(outputs):
    rng = np.random.default_rng(0)
    return [np.asarray(rng.standard_normal(tuple(output.shape))) for output in outputs]


def in_pytorch(entry, case) -> Result:
    options = entry.examples[case.number].options
    options = {name: to_torch(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}
    tensors = [to_torch(array, requires_grad=array.dtype.kind == "f") for array in case.arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="Using a target size")  # this warning says that it was a mistake
        try:
            outputs = outputs_of(torch_function(entry)(*tensors, **options))
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, UserWarning) as error:
            return Result([], None, error)
        arrays = [output.detach().numpy() for output in outputs]
        try:
            for output, gradient in zip(outputs, upstream_of(outputs), strict=True):
                if output.requires_grad:
                    output.backward(to_torch(gradient), retain_graph=True)
        except RuntimeError:  # PyTorch has no gradient of clamp where bounds broadcast its input
            return Result(arrays, None)
    return Result(arrays, [gradient_of(tensor) for tensor in tensors if tensor.requires_grad])


def in_npnn(entry, case) -> Result:
    function = entry.called(getattr(functional, entry.name))
    tensors = [Tensor(array, requires_grad=array.dtype.kind == "f") for array in case.arrays]
    try:
        outputs = outputs_of(function(*tensors, **entry.examples[case.number].options))
    except (ValueError, TypeError, IndexError) as error:
        return Result([], None, error)
    for output, gradient in zip(outputs, upstream_of(outputs), strict=True):
        if output.requires_grad:
            output.backward(gradient)
    return Result([output.data for output in outputs], [tensor.grad for tensor in tensors if tensor.requires_grad])


def results(name):
    """Every case of an op or function, with what npnn and PyTorch make of it."""
    entry = ENTRIES[name]
    return [(case, in_npnn(entry, case), in_pytorch(entry, case)) for case in cases(entry)]


def mistake_in(name, ours, theirs) -> tuple[str | None, dict]:
    """What is wrong with a result of npnn's, given PyTorch's, and the table of the cases where that is meant."""
    if ours.refusal is not None and not str(ours.refusal).startswith((f"{name}:", f"{name}(")):
        return f"a refusal that does not name it: {ours.refusal}", {}
    if ours.refusal is not None and theirs.refusal is None:
        return f"refused, but not by PyTorch: {ours.refusal}", STRICTER
    if ours.refusal is None and theirs.refusal is not None:
        return f"taken, but not by PyTorch: {theirs.refusal}", LAXER
    pairs = list(zip(ours.outputs, theirs.outputs, strict=True))
    if theirs.gradients is not None:
        pairs += zip(ours.gradients, theirs.gradients, strict=True)
    differences = [largest_difference(one, other) for one, other in pairs]
    return None if max(differences, default=0) < 1e-9 else f"differs by {differences}", {}


def is_meant(name, case, table) -> bool:
    shapes = [array.shape for array in case.arrays]
    return name in table and table[name](ENTRIES[name].examples[case.number].options, *shapes)


@every_name
def test_the_numbers_are_pytorchs_or_both_refuse(name):
    found = [(case, *mistake_in(name, ours, theirs)) for case, ours, theirs in results(name)]
    meant = [table for case, mistake, table in found if mistake is not None and is_meant(name, case, table)]

    assert {case.kind for case, *_ in found} >= {"as it is", "a single number", "empty", "broadcast", "too small"}
    assert [
        f"{case}: {mistake}"
        for case, mistake, table in found
        if mistake is not None and not is_meant(name, case, table)
    ] == []
    assert all(table in meant for table in (STRICTER, LAXER) if name in table), "an exception that nothing needs"
