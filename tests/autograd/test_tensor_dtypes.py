"""Which dtype a tensor has, alone and beside another."""

from __future__ import annotations

import operator

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, functional, get_default_dtype, set_default_dtype

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


@pytest.fixture
def default_float64():
    before = get_default_dtype()
    set_default_dtype(np.float64)
    yield
    set_default_dtype(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
def test_an_array_keeps_its_own(dtype):
    assert Tensor(np.zeros(3, dtype)).dtype == dtype
    assert Tensor(np.zeros(3, dtype)[0]).dtype == dtype


@pytest.mark.parametrize("data", [1, 1.5, True, [1, 2], [[1.5]], ()])
def test_numbers_and_lists_take_the_default(data):
    assert Tensor(data).dtype == np.float32


def test_the_default_can_be_set(default_float64):
    assert Tensor([1, 2]).dtype == np.float64
    assert get_default_dtype() == np.float64


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, "int32"])
def test_the_default_is_floating(dtype):
    with pytest.raises(TypeError, match="floating"):
        set_default_dtype(dtype)


def test_a_dtype_can_be_asked_for():
    assert Tensor(np.zeros(3), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [2, 1.5, True, np.float64(1.5), np.float32(1.5), np.int64(2)])
def test_a_number_takes_the_dtype_of_the_tensor(symbol, dtype, number):
    for tensor in (Tensor(np.array([1, 2, 3], dtype)), Tensor(np.array(2, dtype))):
        assert BINARY[symbol](tensor, number).dtype == dtype
        assert BINARY[symbol](number, tensor).dtype == dtype


@pytest.mark.parametrize("function", [functional.add, functional.sub, functional.mul, functional.div])
def test_a_number_takes_the_dtype_of_the_tensor_in_functions_too(function):
    assert function(Tensor([1.0, 2.0]), 1.5).dtype == np.float32
    assert function(1.5, Tensor([1.0, 2.0])).dtype == np.float32


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize("left", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("right", ["float32", "float64"])
@pytest.mark.parametrize("shapes", [((3,), (3,)), ((), (3,)), ((3,), ()), ((), ())])
def test_mixed_dtypes_promote_as_in_pytorch(symbol, left, right, shapes):
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
def test_floats_made_of_whole_numbers_have_the_default_dtype(function, dtype):
    whole = np.array([1, 2, 200], dtype)

    ours, theirs = function(Tensor(whole)), function(torch.tensor(whole))

    assert ours.dtype == np.float32
    assert np.allclose(ours.data, theirs.numpy())


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_whole_numbers_stay_whole_in_sums_and_products(dtype):
    tensor = Tensor(np.array([1, 2, 3], dtype))

    for result in (tensor + 1, tensor * tensor, tensor - 1, tensor**2, tensor.sum(), tensor.relu()):
        assert result.dtype.kind in "iu"


def test_a_list_of_fractions_is_not_cut_off_beside_whole_numbers():
    whole = Tensor(np.array([1, 2]))

    assert (whole * [0.5, 1.5]).data.tolist() == [0.5, 3.0]
    assert ([0.5, 1.5] - whole).data.tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_whole_numbers_require_no_gradient(dtype):
    with pytest.raises(TypeError, match="only floating tensors have gradients"):
        Tensor(np.ones(3, dtype), requires_grad=True)
    tensor = Tensor(np.ones(3, dtype))
    with pytest.raises(TypeError, match=np.dtype(dtype).name):
        tensor.requires_grad_()


def test_a_gradient_has_the_dtype_of_its_tensor():
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    y = Tensor(np.ones(3, np.float64), requires_grad=True)

    (x * y).sum().backward()

    assert x.grad.dtype == np.float32
    assert y.grad.dtype == np.float64


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 0.5])
def test_a_whole_base_of_a_float_exponent_gives_a_float(exponent):
    power = 2 ** Tensor(exponent, requires_grad=True)
    power.backward()

    assert power.dtype == np.float32
    assert power.item() == pytest.approx(2**exponent)
