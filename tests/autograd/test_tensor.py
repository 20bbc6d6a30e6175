"""The Tensor: what it is, what it can do, and what it refuses."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, functional, get_default_dtype, no_grad, set_default_dtype
from npnn_cli.autograd import is_grad_enabled

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


@pytest.fixture
def default_float64():
    before = get_default_dtype()
    set_default_dtype(np.float64)
    yield
    set_default_dtype(before)


class TestAttributes:
    def test_of_a_matrix(self):
        tensor = Tensor(MATRIX, requires_grad=True)

        assert tensor.data is MATRIX
        assert tensor.numpy() is MATRIX
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


class TestDtypes:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
    def test_an_array_keeps_its_own(self, dtype):
        assert Tensor(np.zeros(3, dtype)).dtype == dtype
        assert Tensor(np.zeros(3, dtype)[0]).dtype == dtype

    @pytest.mark.parametrize("data", [1, 1.5, True, [1, 2], [[1.5]], ()])
    def test_numbers_and_lists_take_the_default(self, data):
        assert Tensor(data).dtype == np.float32

    def test_the_default_can_be_set(self, default_float64):
        assert Tensor([1, 2]).dtype == np.float64
        assert get_default_dtype() == np.float64

    @pytest.mark.parametrize("dtype", [np.int64, np.bool_, "int32"])
    def test_the_default_is_floating(self, dtype):
        with pytest.raises(TypeError, match="floating"):
            set_default_dtype(dtype)

    def test_a_dtype_can_be_asked_for(self):
        assert Tensor(np.zeros(3), dtype=np.float32).dtype == np.float32

    @pytest.mark.parametrize("symbol", BINARY)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("number", [2, 1.5, True, np.float64(1.5), np.float32(1.5), np.int64(2)])
    def test_a_number_takes_the_dtype_of_the_tensor(self, symbol, dtype, number):
        tensor = Tensor(np.array([1, 2, 3], dtype))

        assert BINARY[symbol](tensor, number).dtype == dtype
        assert BINARY[symbol](number, tensor).dtype == dtype

    @pytest.mark.parametrize("function", [functional.add, functional.sub, functional.mul, functional.div])
    def test_a_number_takes_the_dtype_of_the_tensor_in_functions_too(self, function):
        assert function(Tensor([1.0, 2.0]), 1.5).dtype == np.float32
        assert function(1.5, Tensor([1.0, 2.0])).dtype == np.float32

    @pytest.mark.parametrize("symbol", BINARY)
    @pytest.mark.parametrize("left", ["float32", "float64", "int64", "uint8"])
    @pytest.mark.parametrize("right", ["float32", "float64"])
    @pytest.mark.parametrize("shapes", [((3,), (3,)), ((), (3,)), ((3,), ()), ((), ())])
    def test_mixed_dtypes_promote_as_in_pytorch(self, symbol, left, right, shapes):
        x, y = np.ones(shapes[0], left), np.ones(shapes[1], right)

        for one, other in ((x, y), (y, x)):
            ours = BINARY[symbol](Tensor(one), Tensor(other))
            theirs = BINARY[symbol](torch.tensor(one), torch.tensor(other))
            assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")

    @pytest.mark.parametrize("dtype", [np.uint8, np.int64])
    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x / 255,
            lambda x: x * 0.5,
            lambda x: x**2.0,
            lambda x: 0.5 - x,
            lambda x: x / x,
            lambda x: x.exp(),
            lambda x: x.sqrt(),
            lambda x: x.sigmoid(),
            lambda x: x.tanh(),
        ],
    )
    def test_floats_made_of_whole_numbers_have_the_default_dtype(self, function, dtype):
        whole = np.array([1, 2, 200], dtype)

        ours, theirs = function(Tensor(whole)), function(torch.tensor(whole))

        assert ours.dtype == np.float32
        assert np.allclose(ours.data, theirs.numpy())

    @pytest.mark.parametrize("dtype", [np.int64, np.uint8])
    def test_whole_numbers_stay_whole_in_sums_and_products(self, dtype):
        tensor = Tensor(np.array([1, 2, 3], dtype))

        for result in (tensor + 1, tensor * tensor, tensor - 1, tensor**2, tensor.sum(), tensor.relu()):
            assert result.dtype.kind in "iu"

    def test_a_list_of_fractions_is_not_cut_off_beside_whole_numbers(self):
        whole = Tensor(np.array([1, 2]))

        assert (whole * [0.5, 1.5]).data.tolist() == [0.5, 3.0]
        assert ([0.5, 1.5] - whole).data.tolist() == [-0.5, -0.5]

    @pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
    def test_whole_numbers_require_no_gradient(self, dtype):
        with pytest.raises(TypeError, match="only floating tensors have gradients"):
            Tensor(np.ones(3, dtype), requires_grad=True)
        tensor = Tensor(np.ones(3, dtype))
        with pytest.raises(TypeError, match=np.dtype(dtype).name):
            tensor.requires_grad_()

    def test_a_gradient_has_the_dtype_of_its_tensor(self):
        x = Tensor(np.ones(3, np.float32), requires_grad=True)
        y = Tensor(np.ones(3, np.float64), requires_grad=True)

        (x * y).sum().backward()

        assert x.grad.dtype == np.float32
        assert y.grad.dtype == np.float64

    @pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 0.5])
    def test_a_whole_base_of_a_float_exponent_gives_a_float(self, exponent):
        power = 2 ** Tensor(exponent, requires_grad=True)
        power.backward()

        assert power.dtype == np.float32
        assert power.item() == pytest.approx(2**exponent)


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

    @pytest.mark.parametrize("dims", [(3, -1), (0, 3), (-4, -1), (2, 1)])
    def test_flatten_refuses_dims_that_are_not_there_or_out_of_order(self, dims):
        with pytest.raises(ValueError, match="flatten"):
            Tensor(np.zeros((2, 3, 4))).flatten(*dims)

    def test_shapes_that_do_not_fit_are_refused(self):
        with pytest.raises(ValueError, match="broadcast"):
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

    def test_a_single_element_is_a_tensor(self):
        tensor = Tensor(MATRIX, requires_grad=True)

        element = tensor[1, 2]
        element.backward()

        assert element.shape == ()
        assert tensor.grad.tolist() == [[0, 0, 0], [0, 0, 1]]

    def test_outside_is_an_error(self):
        with pytest.raises(IndexError):
            Tensor(MATRIX)[2]


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

    def test_fractions_become_floats(self):
        assert (Tensor([1.0]) + Fraction(1, 2)).data.tolist() == [1.5]


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


def test_recording_is_on_unless_it_is_switched_off():
    assert is_grad_enabled()
    with no_grad():
        assert not is_grad_enabled()
    assert is_grad_enabled()
