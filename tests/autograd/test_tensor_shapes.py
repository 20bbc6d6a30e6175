"""Reductions, shapes and indices of tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor

MATRIX = np.arange(6.0).reshape(2, 3) + 1


@pytest.mark.parametrize("method", ["sum", "mean", "amax", "amin", "max", "min"])
def test_axis_and_keepdims_are_other_words_for_dim_and_keepdim(method):
    by_dim = getattr(Tensor(MATRIX), method)(dim=1, keepdim=True)
    by_axis = getattr(Tensor(MATRIX), method)(axis=1, keepdims=True)
    for one, other in zip(by_dim, by_axis, strict=True):
        assert np.array_equal(one.data, other.data)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("method", ["max", "min"])
def test_extremes_along_a_dim_come_with_their_indices(method, dim, keepdim):
    data = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    ours, theirs = (make(data) for make in (Tensor, torch.tensor))
    ours.requires_grad_()
    theirs.requires_grad_()

    values, indices = getattr(ours, method)(dim, keepdim)
    expected = getattr(theirs, method)(dim, keepdim)
    (values * 2).sum().backward()
    (expected.values * 2).sum().backward()

    assert np.array_equal(values.data, expected.values.detach().numpy())
    assert np.array_equal(indices.data, expected.indices.numpy())
    assert np.array_equal(ours.grad, theirs.grad.numpy())


@pytest.mark.parametrize("arguments", [(), (0,), (1, True), (-1,)])
def test_argmax(arguments):
    data = np.array([[3.0, 1.0, 3.0], [0.0, 5.0, 5.0]])

    ours = Tensor(data).argmax(*arguments)

    assert np.array_equal(ours.data, torch.tensor(data).argmax(*arguments).numpy())
    assert ours.dtype == np.int64


def test_empty_tensors_have_empty_gradients():
    tensor = Tensor(np.zeros((0, 3)), requires_grad=True)

    ((tensor.exp() * 2).sum() + tensor.reshape(3, 0).sum()).backward()

    assert tensor.grad.shape == (0, 3)


@pytest.mark.parametrize("dim", [None, 0, 1])
@pytest.mark.parametrize("method", ["sum", "mean"])
def test_reductions_of_nothing_are_as_in_pytorch(method, dim):
    ours = getattr(Tensor(np.zeros((0, 3))), method)(dim=dim)
    theirs = getattr(torch.zeros((0, 3)), method)(dim=dim)

    assert np.array_equal(ours.data, theirs.numpy(), equal_nan=True)


class TestShapes:
    @pytest.mark.parametrize("shape", [(6,), (-1,), (3, 2), ((3, 2),), ([3, -1],), (1, 6, 1), (np.int64(3), 2)])
    def test_reshape_takes_numbers_or_a_tuple(self, shape):
        tensor = Tensor(MATRIX, requires_grad=True)

        reshaped = tensor.reshape(*shape)
        reshaped.backward(np.arange(6.0).reshape(reshaped.shape))

        assert np.array_equal(reshaped.data, MATRIX.reshape(*shape))
        assert np.array_equal(tensor.grad, np.arange(6.0).reshape(2, 3))

    def test_one_number_can_become_zero_dimensional_and_back(self):
        assert Tensor([[1.0]]).reshape(()).shape == ()
        assert Tensor([[1.0]]).reshape().shape == ()
        assert Tensor(1.0).reshape(1, 1).shape == (1, 1)

    @pytest.mark.parametrize("dims", [(2, 0, 1), ((2, 0, 1),), (-1, 0, -2), (0, 1, 2)])
    def test_permute_takes_numbers_or_a_tuple(self, dims):
        data = np.random.default_rng(0).standard_normal((2, 3, 4))
        ours, theirs = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        weights = np.random.default_rng(1).standard_normal(theirs.permute(*dims).shape)

        (ours.permute(*dims) * weights).sum().backward()
        (theirs.permute(*dims) * torch.tensor(weights)).sum().backward()

        assert np.array_equal(ours.grad, theirs.grad.numpy())

    def test_transpose_swaps_two_dims_or_reverses_all(self):
        tensor = Tensor(np.zeros((2, 3, 4)))

        assert tensor.transpose(0, 1).shape == (3, 2, 4)
        assert tensor.transpose(-1, 0).shape == (4, 3, 2)
        assert tensor.transpose().shape == (4, 3, 2)
        with pytest.raises(TypeError, match=r"use permute\(2, 0, 1\)"):
            tensor.transpose(2, 0, 1)

    def test_flatten(self):
        tensor = Tensor(np.zeros((2, 3, 4)))

        assert tensor.flatten().shape == (24,)
        assert tensor.flatten(1).shape == (2, 12)
        assert tensor.flatten(end_dim=-2).shape == (6, 4)
        assert Tensor(1.0).flatten().shape == (1,)

    @pytest.mark.parametrize(
        ("dims", "error", "message"),
        [
            ((3, -1), IndexError, r"flatten: start_dim must lie between -3 and 2 for the shape \(2, 3, 4\), got 3"),
            ((-4, -1), IndexError, "flatten: start_dim must lie between -3 and 2 .*, got -4"),
            ((0, 3), IndexError, "flatten: end_dim must lie between -3 and 2 .*, got 3"),
            ((2, 1), ValueError, "flatten: start_dim 2 comes after end_dim 1"),
        ],
    )
    def test_flatten_refuses_dims_that_are_not_there_or_out_of_order(self, dims, error, message):
        with pytest.raises(error, match=message):
            Tensor(np.zeros((2, 3, 4))).flatten(*dims)

    def test_shapes_that_do_not_fit_are_refused(self):
        with pytest.raises(ValueError, match="add: sizes must be equal or 1"):
            Tensor(MATRIX) + Tensor(np.zeros(2))
        with pytest.raises(ValueError, match="matmul"):
            Tensor(MATRIX) @ Tensor(MATRIX)
        with pytest.raises(ValueError, match="reshape"):
            Tensor(MATRIX).reshape(4)


class TestIndexing:
    def test_an_element_taken_twice_gets_both_gradients(self):
        tensor = Tensor(np.arange(4.0), requires_grad=True)

        (tensor[[0, 2, 2]] * np.array([1.0, 10.0, 100.0])).sum().backward()

        assert tensor.grad.tolist() == [1, 0, 110, 0]

    @pytest.mark.parametrize("index", [(slice(None), [0, 1, 1]), ([0, 0], slice(None)), (..., [1, 1], slice(1, 3))])
    def test_also_where_slices_stand_beside_the_list(self, index):
        data = np.arange(24.0).reshape(2, 3, 4)
        tensor = Tensor(data, requires_grad=True)
        upstream = np.random.default_rng(0).standard_normal(data[index].shape)

        tensor[index].backward(upstream)

        expected = np.zeros_like(data)
        np.add.at(expected, index, upstream)
        assert np.allclose(tensor.grad, expected, rtol=1e-15)

    def test_by_tensors(self):
        tensor = Tensor(np.arange(4.0), requires_grad=True)

        tensor[Tensor(np.array([3, 0]))].sum().backward()
        tensor[tensor > 1].sum().backward()

        assert tensor.grad.tolist() == [1, 0, 1, 2]

    def test_one_whole_number_is_as_good_as_pythons(self):
        two = Tensor(np.array(2))

        assert Tensor(np.arange(4.0))[:two].data.tolist() == [0, 1]
        assert list(range(two)) == [0, 1]
        with pytest.raises(TypeError, match="only integer scalar arrays"):
            range(Tensor(2.0))

    def test_a_single_element_is_a_tensor(self):
        tensor = Tensor(MATRIX, requires_grad=True)

        element = tensor[1, 2]
        element.backward()

        assert element.shape == ()
        assert tensor.grad.tolist() == [[0, 0, 0], [0, 0, 1]]

    def test_outside_is_an_error(self):
        with pytest.raises(IndexError):
            Tensor(MATRIX)[2]
