"""What holds for all shapes and arguments: functions that move and take elements, and einsum, against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npnn_cli import Tensor
from npnn_cli import functional as F

# Of a gradient without elements, PyTorch warns that it lies in memory in another order than its input.
pytestmark = pytest.mark.filterwarnings("ignore:grad and param do not obey the gradient layout contract")

every = settings(max_examples=40, derandomize=True, database=None, deadline=None)


def shapes(min_dims=0, min_side=0):
    return hnp.array_shapes(min_dims=min_dims, max_dims=4, min_side=min_side, max_side=4)


def assert_as_in_pytorch(ours, theirs, arrays):
    """Outputs and gradients of a function of some arrays, under random upstream gradients."""
    our_tensors = [Tensor(array, requires_grad=True) for array in arrays]
    their_tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    answers, expected = ours(*our_tensors), theirs(*their_tensors)
    if not isinstance(answers, tuple):
        answers, expected = (answers,), (expected,)
    rng = np.random.default_rng(0)
    for answer, theirs_answer in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer.data, theirs_answer.detach().numpy(), rtol=1e-13, atol=1e-13)
        upstream = np.asarray(rng.standard_normal(answer.shape))
        answer.backward(upstream)
        theirs_answer.backward(torch.tensor(upstream), retain_graph=True)
    for one, other in zip(our_tensors, their_tensors, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-13, atol=1e-13)


def array_of(shape):
    return np.random.default_rng(1).standard_normal(shape)


def dims(shape):
    return st.integers(-max(len(shape), 1), max(len(shape), 1) - 1)


def some_dims(shape, min_size=0):
    return hnp.valid_tuple_axes(len(shape), min_size=min_size)


@st.composite
def other_shapes(draw, shape):
    """A shape of as many elements, of which one size may be left to be found."""
    sizes = list(draw(st.permutations([*shape, 1])))
    if math.prod(shape) and draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return tuple(sizes)


@st.composite
def expanded(draw, shape):
    sizes = [draw(st.sampled_from([-1, size] if size != 1 else [-1, 1, 3])) for size in shape]
    return (*draw(st.lists(st.integers(0, 2), max_size=2)), *sizes)


@st.composite
def sections(draw, size):
    cuts = sorted(draw(st.lists(st.integers(0, size), max_size=3)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, size], strict=True)]


METHODS = {
    "reshape": lambda draw, shape: (draw(other_shapes(shape)),),
    "view": lambda draw, shape: draw(other_shapes(shape)),
    "permute": lambda draw, shape: (draw(st.permutations(range(len(shape)))),),
    "transpose": lambda draw, shape: (draw(dims(shape)), draw(dims(shape))),
    "flatten": lambda draw, shape: sorted(draw(st.tuples(*[st.integers(0, max(len(shape), 1) - 1)] * 2))),
    "squeeze": lambda draw, shape: draw(st.one_of(st.just(()), st.tuples(dims(shape)), st.tuples(some_dims(shape)))),
    "unsqueeze": lambda draw, shape: (draw(st.integers(-len(shape) - 1, len(shape))),),
    "expand": lambda draw, shape: (draw(expanded(shape)),),
    "flip": lambda draw, shape: (draw(some_dims(shape)),),
    "cumsum": lambda draw, shape: (draw(dims(shape)),),
}
OF_ONE_DIMENSION = {
    "split": lambda draw, size: (draw(st.one_of(st.integers(1, 5), sections(size))),),
    "chunk": lambda draw, size: (draw(st.integers(1, 5)),),
    "roll": lambda draw, size: (draw(st.integers(-9, 9)),),
}


@pytest.mark.parametrize("name", METHODS)
@every
@given(st.data(), shapes())
def test_methods(name, data, shape):
    arguments = METHODS[name](data.draw, shape)

    assert_as_in_pytorch(
        lambda x: getattr(x, name)(*arguments), lambda x: getattr(x, name)(*arguments), [array_of(shape)]
    )


@pytest.mark.parametrize("name", OF_ONE_DIMENSION)
@every
@given(st.data(), shapes(min_dims=1))
def test_methods_along_a_dimension(name, data, shape):
    dim = data.draw(dims(shape))
    arguments = (*OF_ONE_DIMENSION[name](data.draw, shape[dim]), dim)

    assert_as_in_pytorch(
        lambda x: getattr(x, name)(*arguments), lambda x: getattr(x, name)(*arguments), [array_of(shape)]
    )


@every
@given(st.data(), shapes(min_dims=1))
def test_rolling_along_several_dimensions(data, shape):
    along = data.draw(st.lists(dims(shape), min_size=1, max_size=3))
    shifts = data.draw(st.lists(st.integers(-9, 9), min_size=len(along), max_size=len(along)))

    assert_as_in_pytorch(lambda x: F.roll(x, shifts, along), lambda x: torch.roll(x, shifts, along), [array_of(shape)])


@every
@given(st.data(), shapes(min_dims=1), st.integers(1, 3))
def test_cat(data, shape, count):
    dim = data.draw(dims(shape))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    arrays = [
        array_of([length if d == dim % len(shape) else size for d, size in enumerate(shape)]) for length in lengths
    ]

    assert_as_in_pytorch(lambda *x: F.cat(x, dim), lambda *x: torch.cat(x, dim), arrays)


@every
@given(st.data(), shapes(), st.integers(1, 3))
def test_stack(data, shape, count):
    dim = data.draw(st.integers(-len(shape) - 1, len(shape)))

    assert_as_in_pytorch(
        lambda *x: F.stack(x, dim), lambda *x: torch.stack(x, dim), [array_of(shape) + n for n in range(count)]
    )


@every
@given(st.data(), shapes())
def test_padding_with_a_constant(data, shape):
    pad = []
    for size in shape[::-1][: data.draw(st.integers(0, len(shape)))]:
        before = data.draw(st.integers(-size, 3))
        pad += [before, data.draw(st.integers(-size - min(before, 0), 3))]

    assert_as_in_pytorch(
        lambda x: F.pad(x, pad, value=1.5), lambda x: torch.nn.functional.pad(x, pad, value=1.5), [array_of(shape)]
    )


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@every
@given(st.data(), hnp.array_shapes(min_dims=3, max_dims=5, min_side=1, max_side=4))
def test_padding_with_its_own_elements(mode, data, shape):
    pad = []
    for size in shape[:1:-1]:  # of all but samples and channels
        most = {"reflect": size - 1, "replicate": 5, "circular": size}[mode]
        pad += data.draw(st.lists(st.integers(0, most), min_size=2, max_size=2))

    assert_as_in_pytorch(
        lambda x: F.pad(x, pad, mode), lambda x: torch.nn.functional.pad(x, pad, mode), [array_of(shape)]
    )


@every
@given(st.data(), shapes(min_dims=1, min_side=1))
def test_gather_with_an_index_that_may_be_smaller(data, shape):
    dim = data.draw(dims(shape))
    sizes = [data.draw(st.integers(0, 5 if d == dim % len(shape) else size)) for d, size in enumerate(shape)]
    index = data.draw(hnp.arrays(np.int64, tuple(sizes), elements=st.integers(0, shape[dim] - 1)))

    assert_as_in_pytorch(
        lambda x: x.gather(dim, Tensor(index)), lambda x: x.gather(dim, torch.tensor(index)), [array_of(shape)]
    )


@every
@given(st.data(), shapes(min_dims=1, min_side=1))
def test_index_select(data, shape):
    dim = data.draw(dims(shape))
    index = np.array(data.draw(st.lists(st.integers(0, shape[dim] - 1), max_size=6)), np.int64)

    assert_as_in_pytorch(
        lambda x: x.index_select(dim, index), lambda x: x.index_select(dim, torch.tensor(index)), [array_of(shape)]
    )


@every
@given(st.data(), st.integers(1, 6), st.integers(0, 4), shapes())
def test_embedding(data, count, size, shape):
    index = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(0, count - 1)))
    padding_idx = data.draw(st.one_of(st.none(), st.integers(-count, count - 1)))

    assert_as_in_pytorch(
        lambda w: F.embedding(index, w, padding_idx),
        lambda w: torch.nn.functional.embedding(torch.tensor(index), w, padding_idx),
        [array_of((count, size))],
    )


@st.composite
def equations(draw):
    """An equation of einsum, and the shapes of its operands: letters repeated and missing, sizes 1, ellipses."""
    size_of = dict(zip("abcdE", draw(st.lists(st.integers(0, 3), min_size=5, max_size=5)), strict=True))
    batch = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from(sorted(size_of)), max_size=4))
        repeatable = [letters.count(letter) == 1 for letter in letters]  # a diagonal is square
        sizes = [
            draw(st.sampled_from([1, size_of[letter]])) if single else size_of[letter]
            for letter, single in zip(letters, repeatable, strict=True)
        ]
        place = draw(st.one_of(st.none(), st.integers(0, len(letters))))
        if place is None:
            terms.append("".join(letters))
        else:
            terms.append("".join(letters[:place]) + "..." + "".join(letters[place:]))
            hidden = batch[draw(st.integers(0, len(batch))) :]
            sizes[place:place] = [draw(st.sampled_from([1, size])) for size in hidden]
        operands.append(tuple(sizes))
    equation = ",".join(terms)
    if draw(st.booleans()):
        kept = draw(st.lists(st.sampled_from(sorted(set(equation) & set(size_of)) or [""]), unique=True))
        if draw(st.booleans()):
            kept.insert(draw(st.integers(0, len(kept))), "...")
        equation += " -> " + "".join(kept)
    return equation, operands


@settings(every, max_examples=150)
@given(equations())
def test_einsum(drawn):
    equation, operands = drawn

    assert_as_in_pytorch(
        lambda *x: F.einsum(equation, *x),
        lambda *x: torch.einsum(equation, *x),
        [array_of(shape) + 0.1 * place for place, shape in enumerate(operands)],
    )
