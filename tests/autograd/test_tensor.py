"""The Tensor: what it is, and what it refuses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from npnn_cli import Tensor

MATRIX = np.arange(6.0).reshape(2, 3) + 1


class TestAttributes:
    def test_of_a_matrix(self):
        tensor = Tensor(MATRIX, requires_grad=True)

        assert tensor.data is MATRIX
        assert tensor.numpy() is MATRIX
        assert tensor.tolist() == MATRIX.tolist()
        assert (tensor.shape, tensor.ndim, tensor.size, len(tensor)) == ((2, 3), 2, 6, 2)
        assert tensor.dtype == np.float64
        assert tensor.grad is None
        assert tensor.requires_grad
        assert tensor.is_leaf
        assert not (tensor * 2).is_leaf

    def test_of_a_number(self):
        tensor = Tensor(2.5)

        assert (tensor.shape, tensor.ndim, tensor.size) == ((), 0, 1)
        assert tensor.item() == 2.5
        assert type(tensor.item()) is float
        assert tensor.tolist() == 2.5
        assert float(tensor) == 2.5
        with pytest.raises(TypeError, match="unsized"):
            len(tensor)

    def test_a_tensor_of_many_numbers_is_no_single_one(self):
        with pytest.raises(ValueError, match="size 1"):
            Tensor(MATRIX).item()
        with pytest.raises(ValueError, match="ambiguous"):
            bool(Tensor(MATRIX))

    def test_transposed_and_detached_share_memory(self):
        tensor = Tensor(MATRIX, requires_grad=True)

        assert np.array_equal(tensor.T.data, MATRIX.T)
        assert Tensor(np.zeros((2, 3, 4))).T.shape == (4, 3, 2)
        assert Tensor(1.0).T.shape == ()
        assert tensor.detach().data is MATRIX
        assert not tensor.detach().requires_grad

    def test_a_tensor_of_a_tensor_has_its_data_but_not_its_graph(self):
        source = Tensor(MATRIX, requires_grad=True)

        assert Tensor(source).data is MATRIX
        assert not Tensor(source).requires_grad

    @pytest.mark.parametrize(
        ("tensor", "text"),
        [
            (Tensor([1.0, 2.0]), "Tensor([1., 2.])"),
            (Tensor([[1.0], [2.0]], requires_grad=True), "Tensor([[1.],\n        [2.]], requires_grad=True)"),
            (Tensor(np.array([1, 2])), "Tensor([1, 2], dtype=int64)"),
            (Tensor(0.5, dtype=np.float64), "Tensor(0.5, dtype=float64)"),
        ],
    )
    def test_repr_shows_what_is_not_default(self, tensor, text):
        assert repr(tensor) == text

    def test_iteration_gives_rows_that_gradients_flow_through(self):
        tensor = Tensor(MATRIX, requires_grad=True)

        first, second = tensor
        (first * 2 + second * 3).sum().backward()

        assert np.array_equal(tensor.grad, [[2, 2, 2], [3, 3, 3]])


def test_a_tensor_is_a_key_by_identity():
    one, equal = Tensor([1.0]), Tensor([1.0])

    assert {one: "one", equal: "other"}[one] == "one"


class TestRefusals:
    def test_backward_needs_a_gradient_unless_there_is_one_number(self):
        with pytest.raises(ValueError, match=r"only for a single number; the shape here is \(2, 3\)"):
            (Tensor(MATRIX, requires_grad=True) * 2).backward()

    def test_one_number_may_have_dimensions(self):
        tensor = Tensor([[2.0]], requires_grad=True)
        (tensor * 3).backward()
        assert tensor.grad.tolist() == [[3]]

    @pytest.mark.parametrize("shape", [(3, 2), (3,), (), (2, 3, 1)])
    def test_backward_takes_only_a_gradient_of_its_own_shape(self, shape):
        tensor = Tensor(MATRIX, requires_grad=True)
        with pytest.raises(ValueError, match=r"the tensor \(2, 3\)"):
            (tensor * 2).backward(np.ones(shape))
        assert tensor.grad is None

    @pytest.mark.parametrize("grad", [np.full((2, 3), 2.0), Tensor(np.full((2, 3), 2.0)), [[2, 2, 2], [2, 2, 2]]])
    def test_the_gradient_may_be_an_array_a_tensor_or_a_list(self, grad):
        tensor = Tensor(MATRIX, requires_grad=True)
        (tensor * 3).backward(grad)
        assert np.array_equal(tensor.grad, np.full((2, 3), 6.0))

    @pytest.mark.parametrize("tensor", [Tensor(1.0), Tensor(1.0) * 2, Tensor(1.0, requires_grad=True).detach()])
    def test_backward_needs_a_graph(self, tensor):
        with pytest.raises(RuntimeError, match="requires no gradient"):
            tensor.backward()

    def test_an_unknown_option_is_named(self):
        with pytest.raises(TypeError, match="dims"):
            Tensor(MATRIX).sum(dims=1)

    def test_what_is_no_number_is_refused(self):
        with pytest.raises((TypeError, ValueError)):
            Tensor(["a"])
        with pytest.raises((TypeError, ValueError)):
            Tensor(MATRIX) + "a"
        with pytest.raises(TypeError):
            np.add(MATRIX, Tensor(MATRIX))

    @pytest.mark.parametrize(
        ("data", "came"),
        [(None, "None"), (np.array(1j), "complex128"), (np.array(["a"]), "<U1"), (np.array([None]), "object")],
    )
    def test_a_tensor_holds_numbers(self, data, came):
        with pytest.raises(TypeError, match=f"^a Tensor holds numbers, got {came}$"):
            Tensor(data)

    def test_fractions_become_floats(self):
        assert (Tensor([1.0]) + Fraction(1, 2)).data.tolist() == [1.5]
