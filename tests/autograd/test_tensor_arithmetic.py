"""Operators, reflected and compared, and the elementwise methods, against PyTorch."""

from __future__ import annotations

import operator

import numpy as np
import pytest
import torch

from npnn_cli import Tensor

MATRIX = np.arange(6.0).reshape(2, 3) + 1

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
NEIGHBOURS = {
    "int": 2,
    "float": 1.5,
    "NumPy scalar": np.float64(1.5),
    "list": [1.0, 2.0, 3.0],
    "nested tuple": ((1.0, 2.0, 3.0), (2.0, 3.0, 1.0)),
    "array": np.array([[2.0], [3.0]]),
    "integer array": np.array([2, 3, 1]),
    "float32 array": np.array([2, 3, 1], np.float32),
}


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize("other", NEIGHBOURS.values(), ids=NEIGHBOURS)
class TestArithmetic:
    """Every operator with every neighbour, on either side, against PyTorch."""

    @staticmethod
    def expected(function):
        tensor = torch.tensor(MATRIX, requires_grad=True)
        answer = function(tensor)
        answer.backward(torch.tensor(np.cos(MATRIX)))
        return answer.detach().numpy(), tensor.grad.numpy()

    @staticmethod
    def compare(ours, theirs, other):
        tensor = Tensor(MATRIX, requires_grad=True)
        answer = ours(tensor, other)
        answer.backward(np.cos(MATRIX))
        number = isinstance(other, int | float)
        neighbour = other if number else torch.tensor(np.asarray(other))
        expected_answer, expected_gradient = TestArithmetic.expected(lambda t: theirs(t, neighbour))

        assert type(answer) is Tensor
        assert answer.dtype == np.float64
        np.testing.assert_allclose(answer.data, expected_answer, rtol=1e-14)
        # PyTorch takes the logarithm of a float32 base in float32, even for a float64 exponent.
        rtol = 1e-6 if np.asarray(other).dtype == np.float32 else 1e-13
        np.testing.assert_allclose(tensor.grad, expected_gradient, rtol)

    def test_at_the_right(self, symbol, other):
        operate = BINARY[symbol]
        self.compare(operate, operate, other)

    def test_at_the_left(self, symbol, other):
        operate = BINARY[symbol]
        self.compare(lambda t, o: operate(o, t), lambda t, o: operate(o, t), other)


@pytest.mark.parametrize("other", [np.arange(12.0).reshape(3, 4), np.arange(12.0).reshape(3, 4).tolist()])
def test_matrix_products_with_arrays_and_lists_on_either_side(other):
    at_left = Tensor(MATRIX, requires_grad=True)
    (at_left @ other).sum().backward()
    at_right = Tensor(MATRIX.T, requires_grad=True)
    (np.asarray(other).T.tolist() @ at_right).sum().backward()

    assert np.array_equal(at_left.grad, np.tile(np.sum(other, axis=1), (2, 1)))
    assert np.array_equal(at_right.grad, at_left.grad.T)


def test_an_array_at_the_left_is_not_taken_apart():
    answer = np.ones((2, 3)) @ Tensor(MATRIX.T)

    assert type(answer) is Tensor
    assert answer.shape == (2, 2)


def test_unary_minus_and_abs():
    tensor = Tensor([-1.0, 2.0], requires_grad=True)

    (-tensor + abs(tensor) * 3).sum().backward()

    assert tensor.grad.tolist() == [-4, 2]


def test_augmented_assignment_makes_a_new_tensor():
    tensor = before = Tensor([1.0, 2.0], requires_grad=True)

    tensor += 1
    tensor *= 3
    tensor.sum().backward()

    assert before.data.tolist() == [1, 2]
    assert before.grad.tolist() == [3, 3]


@pytest.mark.parametrize(
    "method",
    ["exp", "log", "sqrt", "abs", "relu", "sigmoid", "tanh", "neg", "sum", "mean", "max", "min"],
)
def test_methods_are_as_in_pytorch(method):
    ours, theirs = Tensor(MATRIX, requires_grad=True), torch.tensor(MATRIX, requires_grad=True)
    (getattr(ours, method)() * 2).sum().backward()
    (getattr(theirs, method)() * 2).sum().backward()

    assert np.allclose(ours.grad, theirs.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    "compare", [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("other", [2.0, np.array([1.0, 2.0, 3.0]), Tensor([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]])
def test_comparisons_are_elementwise_and_have_no_gradient(compare, other):
    tensor = Tensor([3.0, 2.0, 1.0], requires_grad=True)
    expected = compare(tensor.data, other.data if isinstance(other, Tensor) else other)

    answer = compare(tensor, other)

    assert answer.dtype == np.bool_
    assert np.array_equal(answer.data, expected)
    assert not answer.requires_grad
    assert np.array_equal(compare(other, tensor).data, compare(np.asarray(getattr(other, "data", other)), tensor.data))
