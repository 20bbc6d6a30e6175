"""Gradients of packed parameters: written to one array, without surprises for who looks at them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from npnn_cli import Tensor, registry
from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.ops.linear_stack import linear_relu_stack
from npnn_cli.nn import MLP, Linear, MSELoss
from npnn_cli.optim import SGD, Adam, clip_grad_norm_, clip_grad_value_

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((5, 3)).astype(np.float32), RNG.standard_normal((5, 2)).astype(np.float32)


def network():
    return MLP(3, [4], 2, rng=np.random.default_rng(1))


def differentiate(model, scale=1.0):
    model.zero_grad()
    (MSELoss()(model(X), Y) * scale).backward()
    return [parameter.grad for parameter in model.parameters()]


def test_they_lie_in_one_array_and_have_the_numbers_of_others():
    packed, ordinary = network(), network()
    Adam(packed.parameters())
    gradients = differentiate(packed)
    (memory,) = {id(gradient.base) for gradient in gradients}
    assert gradients[0].base.size == sum(gradient.size for gradient in gradients)
    assert id(gradients[0].base) == memory
    for ours, expected in zip(gradients, differentiate(ordinary), strict=True):
        assert np.array_equal(ours, expected)


def test_all_that_a_step_passes_over_begins_at_a_line_of_the_cache():
    model = network()
    optimizer = Adam(model.parameters())
    differentiate(model)
    optimizer.step()
    first = next(iter(model.parameters()))
    state = optimizer.state[first]
    arrays = [first.data, first.grad, state["exp_avg"], state["exp_avg_sq"]]
    assert [array.ctypes.data % 64 for array in arrays] == [0] * 4


def test_no_step_allocates_them_anew():
    model = network()
    Adam(model.parameters())
    addresses = [[gradient.ctypes.data for gradient in differentiate(model)] for _ in range(3)]
    assert addresses[0] == addresses[1] == addresses[2]


def test_a_gradient_that_somebody_keeps_is_not_overwritten():
    model = network()
    optimizer = Adam(model.parameters())
    kept = differentiate(model)
    before = [gradient.copy() for gradient in kept]
    weights = model.state_dict()
    again = differentiate(model, scale=3.0)
    for gradient, copy in zip(kept, before, strict=True):
        assert np.array_equal(gradient, copy)
    for gradient, copy in zip(again, before, strict=True):
        assert np.allclose(gradient, 3 * copy, rtol=1e-6)
    optimizer.step()  # with the new ones, wherever they are
    assert not np.array_equal(weights["0.weight"], model.state_dict()["0.weight"])


@pytest.mark.parametrize("keep", [lambda g: g, lambda g: g[:1], lambda g: g.T, lambda g: g.reshape(-1)[2:]])
def test_what_is_kept_of_a_gradient_outlives_the_next_steps(keep):
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    kept = keep(differentiate(model)[0])
    before = kept.copy()
    for _ in range(2):
        differentiate(model, scale=3.0)
        optimizer.step()
    assert np.array_equal(kept, before)


@pytest.mark.parametrize("keep", [lambda g: g, lambda g: g[:1], lambda g: g.T])
def test_what_is_kept_of_a_gradient_is_not_overwritten_after_the_end_of_its_optimizer(keep):
    model = network()
    optimizer = Adam(model.parameters())
    differentiate(model)
    del optimizer
    kept = keep(differentiate(model)[0])
    before = kept.copy()
    differentiate(model, scale=3.0)
    assert np.array_equal(kept, before)


def test_a_gradient_may_be_handed_to_backward():
    a, b = (Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    SGD([a, b], lr=0.1)
    (a * 2 + b * 3).sum().backward()
    (a + b).backward(a.grad)
    assert a.grad.tolist() == [4] * 3
    ours = a.grad
    a.grad = b.grad = None
    (a + b).backward(ours)
    a.grad *= 2
    assert ours.tolist() == [4] * 3


def test_gradients_may_be_exchanged():
    a, b = (Tensor(np.zeros(2), requires_grad=True) for _ in range(2))
    optimizer = SGD([a, b], lr=1.0)
    ((a * 2).sum() + (b * 5).sum()).backward()
    a.grad, b.grad = b.grad, a.grad
    optimizer.step()
    assert (a.data.tolist(), b.data.tolist()) == ([-5, -5], [-2, -2])


def test_two_uses_of_a_parameter_add_up():
    weight = Tensor(np.array([[1.0, 2.0]]), requires_grad=True)
    SGD([weight], lr=0.1)
    ((weight * 3).sum() + (weight * weight).sum()).backward()
    assert weight.grad.tolist() == [[5, 7]]


def test_two_uses_of_a_parameter_in_one_op_add_up():
    found = []
    for pack in (False, True):
        rng = np.random.default_rng(1)
        weight, bias = (Tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((3, 3), 3))
        if pack:
            SGD([weight, bias], lr=0.1)
        (apply(linear_relu_stack, Tensor(X.astype(np.float64)), weight, bias, weight, bias) ** 2).sum().backward()
        found.append((weight.grad, bias.grad))
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("name", registry.optimizers)
@pytest.mark.parametrize(
    "options", [{"weight_decay": 0.1}, {"maximize": True}, {"weight_decay": 0.1, "maximize": True}]
)
def test_a_step_leaves_the_gradient_as_it_is(name, options):
    model = network()
    optimizer = registry.optimizers[name].component(model.parameters(), lr=0.1, **options)
    for _ in range(2):
        gradients = differentiate(model)
        before = [gradient.copy() for gradient in gradients]
        optimizer.step()
        for gradient, copy in zip(gradients, before, strict=True):
            assert np.array_equal(gradient, copy)
        del gradients, gradient


def test_data_of_another_shape_or_dtype_get_gradients_of_their_own():
    model = Linear(3, 2, rng=np.random.default_rng(1))
    SGD(model.parameters(), lr=0.1)
    model.to(np.float64)
    (model(X.astype(np.float64)) ** 2).sum().backward()
    assert [parameter.grad.dtype for parameter in model.parameters()] == [np.float64, np.float64]
    model.weight.data = np.ones((4, 3))
    model.bias.data = np.ones(4)
    model.zero_grad()
    (model(X.astype(np.float64)) ** 2).sum().backward()
    assert [parameter.grad.shape for parameter in model.parameters()] == [(4, 3), (4,)]


@pytest.mark.parametrize("clip", [lambda p: clip_grad_norm_(p, 0.1), lambda p: clip_grad_value_(p, 0.01)])
@pytest.mark.parametrize("chosen", [slice(None), slice(1), slice(1, 3), [0, 0, 3]])
def test_clipping_of_all_or_of_some_is_that_of_ordinary_gradients(clip, chosen):
    packed, ordinary = network(), network()
    Adam(packed.parameters())
    for model in (packed, ordinary):
        differentiate(model)
        parameters = list(model.parameters())
        clip(parameters[chosen] if isinstance(chosen, slice) else [parameters[position] for position in chosen])
    assert_same_gradients(packed, ordinary)


def assert_same_gradients(ours, expected):
    for one, other in zip(ours.parameters(), expected.parameters(), strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=1e-6, atol=1e-9)


def in_two_groups(parameters):
    return [{"params": parameters[:2]}, {"params": parameters[2:]}]


def with_one_replaced(parameters):
    parameters[1].grad = parameters[1].grad * 3
    return parameters


def with_two_exchanged(parameters):
    parameters[0].grad, parameters[2].grad = parameters[2].grad, parameters[0].grad
    return parameters


@pytest.mark.parametrize("clip", [lambda p: clip_grad_norm_(p, 0.1), lambda p: clip_grad_value_(p, 0.01)])
@pytest.mark.parametrize("group", [list, in_two_groups])
@pytest.mark.parametrize("change", [list, with_one_replaced, with_two_exchanged, lambda parameters: parameters[::-1]])
def test_clipping_goes_by_the_gradients_that_there_are(clip, group, change):
    packed, ordinary = (MLP(3, [3], 3, rng=np.random.default_rng(1)) for _ in range(2))
    Adam(group(list(packed.parameters())))
    for model in (packed, ordinary):
        model.zero_grad()
        (model(X) ** 2).sum().backward()
        clip(change(list(model.parameters())))
    assert_same_gradients(packed, ordinary)


@pytest.mark.parametrize("clip", [lambda p: clip_grad_norm_(p, 0.1), lambda p: clip_grad_value_(p, 0.01)])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickled_model_has_gradients_of_its_own(clip, protocol):
    model, ordinary = (MLP(3, [600], 2, rng=np.random.default_rng(1)) for _ in range(2))
    optimizer = Adam(model.parameters())
    for each in (model, ordinary):
        differentiate(each)
    loaded = pickle.loads(pickle.dumps(model, protocol))
    clip(loaded.parameters())
    clip(ordinary.parameters())
    assert_same_gradients(loaded, ordinary)
    bias = pickle.dumps(next(parameter for parameter in model.parameters() if parameter.shape == (2,)), protocol)
    assert len(bias) < 1000  # the gradients of the others are not in it
    del optimizer


def test_a_gradient_of_another_shape_than_its_parameter_is_refused():
    weight = Tensor(np.zeros((2, 3)), requires_grad=True)
    optimizer = SGD([weight], lr=0.1)
    weight.grad = np.ones(3)
    with pytest.raises(ValueError, match=r"a parameter of shape \(2, 3\) has a gradient of shape \(3,\)"):
        optimizer.step()
    assert not weight.data.any()
