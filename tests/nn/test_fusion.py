"""Layers that are fused give what they give one by one: outputs, gradients, and all that a user can see."""

from __future__ import annotations

import pickle
import weakref

import numpy as np
import pytest

from npnn_cli import Tensor
from npnn_cli.autograd import apply
from npnn_cli.autograd.ops import fused_convolution
from npnn_cli.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh, fusion


def layers(**options):
    rng = np.random.default_rng(0)
    convolution = {"kernel_size": 3, "padding": 1, "stride": 1} | options.get("convolution", {})
    return [
        Conv2d(2, 3, **convolution, rng=rng),
        ReLU(),
        MaxPool2d(**({"kernel_size": 2} | options.get("pooling", {}))),
        Conv2d(3, 4, 3, padding=1, rng=rng),
        ReLU(),
        MaxPool2d(2),
    ]


def forward_and_backward(forward, modules, shape):
    x = Tensor(np.random.default_rng(1).standard_normal(shape), requires_grad=True)
    model = Sequential(*modules).to(np.float64)
    output = forward(model, x)
    output.backward(np.random.default_rng(2).standard_normal(output.shape))
    return output.data, x.grad, *(parameter.grad for parameter in model.parameters())


def one_by_one(model, x):
    for module in model:
        x = module(x)
    return x


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((3, 2, 8, 12), {}),
        ((1, 2, 4, 4), {}),
        ((3, 2, 9, 10), {}),  # an odd height cannot be fused
        ((3, 2, 8, 8), {"convolution": {"stride": 2}}),
        ((3, 2, 8, 8), {"convolution": {"padding": 2}}),
        ((3, 2, 8, 8), {"convolution": {"padding": "same"}}),
        ((3, 2, 8, 8), {"convolution": {"padding_mode": "circular"}}),
        ((3, 2, 10, 10), {"convolution": {"padding": "valid"}}),
        ((3, 2, 8, 8), {"convolution": {"bias": False}}),
        ((3, 2, 8, 8), {"pooling": {"stride": 1}}),
        ((3, 2, 8, 8), {"pooling": {"kernel_size": 3, "stride": 2, "padding": 1}}),
        ((3, 2, 8, 8), {"pooling": {"kernel_size": (2, 1)}}),
        ((3, 2, 8, 8), {"pooling": {"dilation": (2, 1)}}),
        ((3, 2, 8, 8), {"pooling": {"ceil_mode": True}}),
    ],
)
def test_a_row_gives_what_its_layers_give_one_by_one(shape, options):
    together = forward_and_backward(lambda model, x: model(x), layers(**options), shape)
    apart = forward_and_backward(one_by_one, layers(**options), shape)
    for ours, expected in zip(together, apart, strict=True):
        assert np.allclose(ours, expected, rtol=0, atol=1e-12)


def test_convolution_relu_and_pooling_are_one_op(monkeypatch):
    fused = []

    def count(*args):
        fused.append(args)
        return fused_convolution.conv2d_relu_max_pool2d(*args)

    monkeypatch.setattr(fusion, "conv2d_relu_max_pool2d", count)
    Sequential(*layers())(np.zeros((1, 2, 8, 8), np.float32))
    assert len(fused) == 2


def test_a_subclass_is_not_fused_because_it_may_compute_otherwise():
    class Doubled(Conv2d):
        def forward(self, input):
            return super().forward(input) * 2

    rng = np.random.default_rng(0)
    convolution = Doubled(1, 2, 3, padding=1, rng=rng)
    x = Tensor(rng.standard_normal((2, 1, 4, 4), np.float32))
    expected = convolution(x).relu()
    assert np.allclose(Sequential(convolution, ReLU(), MaxPool2d(2))(x).data, MaxPool2d(2)(expected).data)


def test_a_mismatch_is_reported_by_the_layer():
    model = Sequential(*layers(), Flatten(), Linear(16, 2))
    for shape in [(1, 3, 8, 8), (3, 8, 8), (8,)]:
        with pytest.raises(ValueError, match="conv2d: expected images"):
            model(np.zeros(shape))


RNG = np.random.default_rng(0)


class DoubledLinear(Linear):
    def forward(self, input):
        return 2 * super().forward(input)


@pytest.mark.parametrize(
    ("modules", "shape", "stacked"),
    [
        ([Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG)], (3, 6), 2),
        ([Flatten(), Linear(6, 5, rng=RNG)], (3, 2, 3), 0),
        ([Flatten(), Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG), ReLU()], (3, 1, 2, 3), 2),
        ([Flatten(), *(2 * [Linear(6, 6, rng=RNG), ReLU()]), Linear(6, 4, rng=RNG), Tanh()], (3, 6, 1), 3),
        ([Linear(6, 5, rng=RNG), Linear(5, 4, rng=RNG)], (3, 6), 0),
        ([Linear(6, 5, rng=RNG), Tanh(), Linear(5, 4, rng=RNG)], (3, 6), 0),
        ([Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, bias=False, rng=RNG)], (3, 6), 0),
        ([Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG)], (3, 2, 6), 0),
        ([Flatten(2), Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG)], (3, 2, 2, 3), 0),
        ([Linear(6, 5, rng=RNG), ReLU(), DoubledLinear(5, 4, rng=RNG)], (3, 6), 0),
    ],
)
def test_linear_layers_with_relu_give_what_they_give_one_by_one(modules, shape, stacked, monkeypatch):
    counts = []

    def count(op, *inputs):
        counts.append(len(inputs) // 2)
        return apply(op, *inputs)

    apart = forward_and_backward(one_by_one, modules, shape)
    for module in modules:
        module.zero_grad()
    monkeypatch.setattr(fusion, "apply", count)
    together = forward_and_backward(lambda model, x: model(x), modules, shape)
    assert counts == ([stacked] if stacked else [])
    for ours, expected in zip(together, apart, strict=True):
        assert np.allclose(ours, expected, rtol=0, atol=1e-12)


def test_linear_layers_that_do_not_fit_are_told_as_one_by_one():
    model = Sequential(Flatten(), Linear(6, 5, rng=RNG), ReLU(), Linear(4, 3, rng=RNG))
    with pytest.raises(ValueError, match="expected in_features=4"):
        model(np.zeros((2, 6), np.float32))
    with pytest.raises(ValueError, match="expected in_features=6"):
        model(np.zeros((2, 7), np.float32))


def _set(**attributes):
    def change(model):
        for path, value in attributes.items():
            position, name = path.strip("_").split("_", 1)
            setattr(model[int(position)], name, value)

    return change


def _set_data(**arrays):
    def change(model):
        for path, array in arrays.items():
            position, name = path.strip("_").split("_", 1)
            getattr(model[int(position)], name).data = array

    return change


def _replace_the_first(model):
    model[0] = Conv2d(2, 3, 3, padding=1, bias=False, rng=np.random.default_rng(4))


@pytest.mark.parametrize(
    "change",
    [
        _set(_0_bias=None),
        _set(_2_stride=1, _3_stride=2),
        _set(_0_padding="valid", _2_ceil_mode=True),
        _set(_3_padding_mode="reflect"),
        _set(_2_kernel_size=4),
        _set(_7_bias=None),
        lambda model: delattr(model[7], "bias"),
        _set(_6_start_dim=2),
        _replace_the_first,
        _set(_1_forward=lambda x: x.tanh()),
        _set(_8_forward=lambda x: x.tanh()),
        lambda model: model.append(Tanh()),
        lambda model: model.to(np.float64),
        _set_data(_0_weight=np.ones((3, 2, 5, 5), np.float32)),
        _set_data(_7_bias=np.ones(1, np.float32)),
    ],
)
def test_what_is_changed_between_two_passes_counts(change):
    """What was found out about the layers in the first pass must not be believed in the second."""
    model = Sequential(*layers(), Flatten(), Linear(16, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG))
    x = np.random.default_rng(1).standard_normal((3, 2, 8, 8)).astype(np.float32)
    model(x)

    change(model)

    def passed(forward):
        try:
            return forward(x).data
        except (ValueError, TypeError, AttributeError) as error:
            return str(error)

    ours, expected = passed(model), passed(lambda x: one_by_one(model, x))
    assert type(ours) is type(expected)
    if isinstance(ours, str):
        assert ours == expected
    else:
        assert np.allclose(ours, expected, rtol=0, atol=1e-5)


def test_replaced_data_are_not_kept():
    model = Sequential(Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG))
    model(np.zeros((3, 6), np.float32))
    before = weakref.ref(model[0].weight.data)
    model.to(np.float64)(np.zeros((3, 6)))
    assert before() is None


def test_a_pickled_model_plans_anew():
    model = Sequential(*layers(), Flatten(), Linear(16, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG))
    x = np.zeros((3, 2, 8, 8), np.float32)
    model(x)
    assert model.plans

    loaded = pickle.loads(pickle.dumps(model))
    assert not loaded.plans
    assert np.array_equal(loaded(x).data, model(x).data)


def test_a_forward_that_an_instance_was_given_before_the_first_pass_counts():
    model = Sequential(Linear(6, 5, rng=RNG), ReLU(), Linear(5, 4, rng=RNG))
    model[1].forward = lambda x: x.tanh()
    x = np.ones((3, 6), np.float32)
    assert np.allclose(model(x).data, one_by_one(model, Tensor(x)).data)
