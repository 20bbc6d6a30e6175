"""What holds for all shapes, indices and dims: broadcasting, indexing and reductions against PyTorch and NumPy."""

from __future__ import annotations

import operator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npnn_cli import Tensor
from npnn_cli import functional as F

every = settings(max_examples=40, derandomize=True, database=None, deadline=None)
EXACT = {"rtol": 1e-13, "atol": 1e-13}
seeds = st.integers(0, 2**32 - 1)


def shapes(min_dims=0, min_side=0):
    return hnp.array_shapes(min_dims=min_dims, max_dims=4, min_side=min_side, max_side=3)


OF_TWO = {
    operate.__name__: (operate, operate)
    for operate in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
}
OF_TWO |= {
    "maximum": (F.maximum, torch.maximum),
    "minimum": (F.minimum, torch.minimum),
    "clamp": (F.clamp, torch.clamp),
    "where": (lambda x, y: F.where(x > y, x, y), lambda x, y: torch.where(x > y, x, y)),
}


@pytest.mark.parametrize(("ours_of", "theirs_of"), OF_TWO.values(), ids=OF_TWO)
@every
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=4, max_side=3), seeds)
def test_broadcasting(ours_of, theirs_of, drawn, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(0.5, 2.0, shape) for shape in drawn.input_shapes]
    upstream = np.asarray(rng.standard_normal(drawn.result_shape))

    ours = [Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    answer = ours_of(*ours)
    answer.backward(upstream)
    theirs_of(*theirs).backward(torch.tensor(upstream))

    assert answer.shape == drawn.result_shape
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), **EXACT)


@st.composite
def mixed_indices(draw, shape):
    """A tuple of integers, slices, integer arrays and boolean masks, perhaps with None and an ellipsis."""
    lists = draw(st.integers(1, 3))  # integer arrays of an index broadcast to one length
    parts = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        choices = [st.slices(size), hnp.arrays(np.bool_, size)]
        if size:
            whole = st.integers(-size, size - 1)
            choices += [
                whole,
                st.lists(whole, min_size=lists, max_size=lists),
                st.lists(whole, min_size=1, max_size=1).map(np.array),
                hnp.arrays(np.int64, (2, 1), elements=whole),
            ]
        parts.append(draw(st.one_of(choices)))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if len([part for part in parts if part is not None]) < len(shape) and draw(st.booleans()):
        parts.append(...)
    return tuple(parts)


@st.composite
def arrays_and_indices(draw):
    shape = draw(shapes(min_dims=1))
    choices = [hnp.basic_indices(shape, allow_newaxis=True), hnp.arrays(np.bool_, shape), mixed_indices(shape)]
    if 0 not in shape:
        choices.append(hnp.integer_array_indices(shape))
    return np.random.default_rng(draw(seeds)).standard_normal(shape), draw(st.one_of(choices))


def with_tensors(index):
    """An index in which tensors stand for arrays."""
    if isinstance(index, tuple):
        return tuple(map(with_tensors, index))
    return Tensor(index) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("written", [lambda index: index, with_tensors], ids=["arrays", "tensors"])
@settings(every, max_examples=150)
@given(arrays_and_indices())
def test_indexing(written, drawn):
    array, index = drawn
    tensor = Tensor(array, requires_grad=True)
    try:
        expected_answer = array[index]
    except IndexError:  # as of a mask that does not go with a list
        with pytest.raises(IndexError, match="getitem: "):
            tensor[written(index)]
        return
    upstream = np.random.default_rng(0).standard_normal(np.shape(expected_answer))
    expected = np.zeros_like(array)
    np.add.at(expected, index, upstream)

    answer = tensor[written(index)]
    answer.backward(upstream)

    assert np.array_equal(answer.data, expected_answer)
    np.testing.assert_allclose(tensor.grad, expected, **EXACT)
    assert not np.shares_memory(tensor.grad, array)


@st.composite
def shapes_and_dims(draw, min_side):
    shape = draw(shapes(min_dims=1, min_side=min_side))
    dim = draw(
        st.one_of(
            st.none(),
            st.integers(-len(shape), len(shape) - 1),
            hnp.valid_tuple_axes(len(shape), min_size=1),
        )
    )
    return shape, dim


@pytest.mark.parametrize(("method", "min_side"), [("sum", 0), ("mean", 0), ("amax", 1), ("amin", 1)])
@every
@given(st.data(), st.booleans(), seeds)
def test_reductions(method, min_side, data, keepdim, seed):
    shape, dim = data.draw(shapes_and_dims(min_side))
    rng = np.random.default_rng(seed)
    array = rng.integers(-2, 3, shape) * 1.0  # with ties

    ours, theirs = Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    answer = getattr(ours, method)(dim=dim, keepdim=keepdim)
    # PyTorch's amax spells "all dims" as an empty tuple.
    expected = getattr(theirs, method)(dim=tuple(range(len(shape))) if dim is None else dim, keepdim=keepdim)
    upstream = np.asarray(rng.standard_normal(tuple(expected.shape)))
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    np.testing.assert_allclose(answer.data, expected.detach().numpy(), **EXACT)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), **EXACT)


@every
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3), st.integers(1, 3), seeds, st.data())
def test_matrix_products(batches, inner, seed, data):
    left = data.draw(st.sampled_from([(inner,), (*batches.input_shapes[0], 2, inner)]))
    right = data.draw(st.sampled_from([(inner,), (*batches.input_shapes[1], inner, 4)]))
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(left), rng.standard_normal(right)]

    ours = [Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    answer, expected = ours[0] @ ours[1], theirs[0] @ theirs[1]
    upstream = np.asarray(rng.standard_normal(tuple(expected.shape)))
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    np.testing.assert_allclose(answer.data, expected.detach().numpy(), **EXACT)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), **EXACT)
