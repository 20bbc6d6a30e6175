"""What every registered optimizer promises, on all its examples, beside what tests/proofs prove."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_steps import (
    SHAPES,
    assert_equal,
    beside_torch,
    every_example,
    parameters,
    set_gradients,
    step_both,
    train,
)

from npnn_cli import Tensor, nn
from npnn_cli.optim import SGD, Adadelta, Adagrad, Adam, AdamW, Momentum, NAdam, RAdam, RMSprop
from npnn_cli.options import option_parameters
from npnn_cli.torch_reference.counterparts import to_torch, torch_optimizer


@every_example
def test_parameters_of_all_shapes_and_layouts_move_as_in_pytorch(entry, example):
    both = beside_torch(entry, example)

    for step in range(10):
        step_both(*both, step)

    assert_equal(both[0], both[2])


@every_example
def test_parameters_that_have_a_gradient_only_now_and_then(entry, example):
    both = beside_torch(entry, example)

    for step, missing in enumerate([(), (1,), (), (0, 4), (0, 1, 2, 3, 4), (2,), ()]):
        step_both(*both, step, missing)

    assert_equal(both[0], both[2])


@every_example
def test_without_gradients_nothing_moves(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    before = [parameter.data.copy() for parameter in params]

    optimizer.step()
    assert all(np.array_equal(parameter.data, old) for parameter, old in zip(params, before, strict=True))

    params[0].grad = np.ones(SHAPES[0])
    optimizer.step()
    assert not np.array_equal(params[0].data, before[0])
    assert all(np.array_equal(parameter.data, old) for parameter, old in zip(params[1:], before[1:], strict=True))


@every_example
def test_data_replaced_by_the_user_are_what_moves_on(entry, example):
    """Also in another memory order, with the optimizer's state in the right places."""
    params, _, theirs, _ = both = beside_torch(entry, example)
    for step in range(3):
        step_both(*both, step)

    for parameter, tensor in zip(params, theirs, strict=True):
        order = "C" if parameter.data.flags.f_contiguous else "F"
        parameter.data = np.array(parameter.data * 2, order=order)
        tensor.data *= 2
    for step in range(3, 6):
        step_both(*both, step)

    assert_equal(params, theirs)


@every_example
def test_weights_set_in_place_are_what_moves_on(entry, example):
    params, _, theirs, _ = both = beside_torch(entry, example)
    for step in range(3):
        step_both(*both, step)

    for parameter, tensor in zip(params, theirs, strict=True):
        parameter.data[...] = 1
        tensor.data.fill_(1)
    for step in range(3, 6):
        step_both(*both, step)

    assert_equal(params, theirs)


@every_example
def test_zero_grad_forgets_all_gradients(entry, example):
    params = parameters()
    set_gradients(params, 0)
    entry.component(params, **example.options).zero_grad()

    assert all(parameter.grad is None for parameter in params)


@every_example
def test_a_step_does_not_change_the_gradients(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    for step in range(3):
        set_gradients(params, step)
        before = [parameter.grad.copy() for parameter in params]
        optimizer.step()
        assert all(np.array_equal(parameter.grad, old) for parameter, old in zip(params, before, strict=True))
        assert not any(np.shares_memory(parameter.grad, parameter.data) for parameter in params)


@every_example
def test_float32_stays_float32_and_is_float64_rounded(entry, example):
    single, double = parameters(np.float32), parameters(np.float64)
    for params in (single, double):
        train(entry.component(params, **example.options), params, range(5))

    for ours, exact in zip(single, double, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours.data, exact.data, rtol=1e-4, atol=1e-5)


@every_example
def test_dtypes_can_be_mixed(entry, example):
    mixed, double = parameters(), parameters()
    mixed[0] = nn.Parameter(mixed[0].data, dtype=np.float32)
    for params in (mixed, double):
        train(entry.component(params, **example.options), params, range(3))

    assert [parameter.dtype for parameter in mixed] == [np.float32] + [np.float64] * 4
    for ours, expected in zip(mixed[1:], double[1:], strict=True):
        assert np.array_equal(ours.data, expected.data)


@every_example
def test_the_learning_rate_is_read_at_every_step(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    train(optimizer, params, range(2))
    before = [parameter.data.copy() for parameter in params]

    optimizer.param_groups[0]["lr"] = 0.0
    train(optimizer, params, range(2, 4))

    assert all(np.array_equal(parameter.data, old) for parameter, old in zip(params, before, strict=True))


@every_example
def test_groups_have_options_of_their_own(entry, example):
    together, apart = parameters(), parameters()
    groups = [{"params": together[:2], "lr": 0.003}, {"params": (parameter for parameter in together[2:])}]
    train(entry.component(groups, **example.options), together, range(4))

    first = entry.component(apart[:2], **example.options | {"lr": 0.003})
    second = entry.component(apart[2:], **example.options)
    for step in range(4):
        set_gradients(apart, step)
        first.step()
        second.step()

    for ours, expected in zip(together, apart, strict=True):
        np.testing.assert_allclose(ours.data, expected.data, rtol=1e-14)


@every_example
def test_two_optimizers_can_take_turns_on_one_parameter(entry, example):
    params, expected = parameters(), parameters()
    first, second = (entry.component(params, **example.options) for _ in range(2))
    for step in range(4):
        train(first if step % 2 else second, params, [step])

    theirs = [to_torch(parameter.data, requires_grad=True) for parameter in expected]
    turns = [torch_optimizer(first, theirs) for _ in range(2)]
    for step in range(4):
        set_gradients(expected, step)
        for parameter, tensor in zip(expected, theirs, strict=True):
            tensor.grad = to_torch(parameter.grad)
        turns[step % 2].step()
    assert_equal(params, theirs)


@every_example
def test_every_option_is_tried_in_the_proofs(entry, example):
    assert set(entry.component.tried) == set(option_parameters(entry.component))
    assert all(len(values) > 1 for name, values in entry.component.tried.items() if name != "lr")


def test_a_group_added_later_is_optimized_too():
    params = parameters()
    optimizer = SGD(params[:1], lr=0.1)
    optimizer.add_param_group({"params": params[1], "lr": 0.5})
    set_gradients(params, 0)
    expected = params[1].data - 0.5 * params[1].grad
    optimizer.step()

    np.testing.assert_allclose(params[1].data, expected, rtol=1e-15)
    with pytest.raises(ValueError, match=r"a parameter of shape \(3, 2\) is there twice"):
        optimizer.add_param_group({"params": params[:1]})
    with pytest.raises(TypeError, match="params must be tensors, got ndarray"):
        optimizer.add_param_group({"params": [np.zeros(3)]})
    with pytest.raises(ValueError, match="leaves, got a tensor that an op made"):
        optimizer.add_param_group({"params": [params[3] * 2]})


def test_a_closure_computes_the_gradients_first():
    x = Tensor(np.array([2.0]), requires_grad=True)
    optimizer = SGD([x], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert x.data[0] == pytest.approx(1.6)
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0]


@every_example
def test_options_are_recorded(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    defaults = {name: p.default for name, p in option_parameters(entry.component).items()}

    assert optimizer.options == defaults | example.options
    assert optimizer.param_groups[0].items() >= optimizer.options.items()
    assert optimizer.param_groups[0]["params"] == params


@every_example
def test_a_model_learns(entry, example):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 8, rng=rng), nn.Tanh(), nn.Linear(8, 1, rng=rng))
    optimizer = entry.component(model.parameters(), **example.options)
    x = rng.standard_normal((20, 3)).astype(np.float32)
    losses = []
    for _ in range(60):
        loss = nn.MSELoss()(model(x), x[:, :1] * x[:, 1:2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.7 * losses[0]


@every_example
def test_what_cannot_be_optimized_is_refused(entry, example):
    with pytest.raises(ValueError, match="no parameters"):
        entry.component([], **example.options)
    with pytest.raises(TypeError, match="put it in a list"):
        entry.component(Tensor([1.0, 2.0], requires_grad=True), **example.options)
    with pytest.raises(TypeError, match=f"^{entry.name}: expected an iterable of parameters, got None"):
        entry.component(None, **example.options)
    with pytest.raises(ValueError, match=r"out of range: lr=-1"):
        entry.component(parameters(), **example.options | {"lr": -1})
    with pytest.raises(TypeError, match=f"^{entry.name}: lr must be a number, got 'fast'"):
        entry.component([{"params": parameters(), "lr": "fast"}], **example.options)
    with pytest.raises(TypeError, match=f"^{entry.name}: a group must be a dictionary with params, got {{'lr': 0.1"):
        entry.component([{"lr": 0.1}], **example.options)


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [
        (SGD, {"momentum": -0.1}, "momentum=-0.1"),
        (SGD, {"weight_decay": -1.0}, "weight_decay=-1.0"),
        (SGD, {"nesterov": True}, "nesterov needs momentum"),
        (Momentum, {"nesterov": True, "dampening": 0.1}, "dampening 0"),
        (Adam, {"betas": (1.0, 0.9)}, r"betas=\(1.0, 0.9\)"),
        (Adam, {"eps": -1e-8, "weight_decay": -1}, "eps=-1e-08, weight_decay=-1"),
        (RMSprop, {"alpha": 1.0}, "alpha=1.0"),
        (NAdam, {"momentum_decay": -0.1}, "momentum_decay=-0.1"),
        (RAdam, {"betas": (0.9, -0.1)}, r"betas=\(0.9, -0.1\)"),
        (AdamW, {"weight_decay": -0.1}, "weight_decay=-0.1"),
        (Adagrad, {"lr_decay": -0.1, "initial_accumulator_value": 0.0}, "lr_decay=-0.1"),
        (Adagrad, {"initial_accumulator_value": -0.1}, "initial_accumulator_value=-0.1"),
        (Adadelta, {"rho": 1.1}, "rho=1.1"),
    ],
)
def test_options_out_of_range_are_named(optimizer, options, message):
    with pytest.raises(ValueError, match=message):
        optimizer(parameters(), **options)


def test_momentum_is_sgd_with_momentum():
    assert Momentum(parameters()).options == SGD(parameters(), momentum=0.9).options


def test_a_gradient_of_nan_is_not_hidden():
    params = parameters()
    optimizer = Adam(params)
    set_gradients(params, 0)
    params[0].grad[0, 0] = np.nan

    optimizer.step()

    assert np.isnan(params[0].data).tolist() == [[True, False], [False, False], [False, False]]
    assert all(np.isfinite(parameter.data).all() for parameter in params[1:])
