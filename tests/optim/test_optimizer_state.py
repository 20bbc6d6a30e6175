"""The state of every registered optimizer: what it is made of, and how it is saved and taken over."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from optimizer_steps import (
    assert_equal,
    beside_torch,
    every_example,
    in_torch,
    parameters,
    step_both,
    train,
)

from npnn_cli.torch_reference.counterparts import torch_optimizer


@pytest.mark.parametrize("direction", ["to torch", "from torch"])
@every_example
def test_a_state_dict_goes_to_torch_and_back(entry, example, direction):
    params, optimizer, theirs, their_optimizer = both = beside_torch(entry, example)
    for step, missing in enumerate([(4,), (4,), (1, 4), (4,)]):
        step_both(*both, step, missing)

    if direction == "to torch":
        new, their_new = optimizer, torch_optimizer(optimizer, theirs)
        their_new.load_state_dict(in_torch(optimizer.state_dict()))
    else:
        new, their_new = entry.component(params, lr=1.0), their_optimizer
        new.load_state_dict(their_optimizer.state_dict())
    for step in range(4, 8):
        step_both(params, new, theirs, their_new, step)

    assert_equal(params, theirs, atol=1e-9)  # PyTorch's NAdam begins a product of its state in float32
    for group, their_group in zip(new.param_groups, their_new.param_groups, strict=True):
        assert all(group[name] == their_group[name] for name in optimizer.options)


@every_example
def test_the_state_has_pytorchs_names_and_shapes(entry, example):
    params, optimizer, _, their_optimizer = both = beside_torch(entry, example)
    for step, missing in enumerate([(0,), (0, 1)]):
        step_both(*both, step, missing)
    ours, expected = optimizer.state_dict()["state"], their_optimizer.state_dict()["state"]

    assert set(ours) >= {number for number in expected if expected[number]} - {0}
    for number in range(1, len(params)):
        state = ours.get(number, {})
        assert set(state) == set(expected.get(number, {}))
        for name, value in state.items():
            their_value = expected[number][name].numpy()
            np.testing.assert_allclose(value, their_value, rtol=1e-11, atol=1e-12)
            assert np.shape(value) == their_value.shape
            assert not isinstance(value, np.ndarray) or value.dtype == params[number].dtype


@every_example
def test_a_state_dict_is_a_copy_and_the_state_is_not(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    train(optimizer, params, range(2))
    saved, state = optimizer.state_dict(), optimizer.state
    before = copy.deepcopy(saved)
    train(optimizer, params, range(2, 4))

    for number, parameter in enumerate(params):
        for name, value in before["state"].get(number, {}).items():
            np.testing.assert_array_equal(saved["state"][number][name], value)
            if isinstance(value, np.ndarray):
                assert state[parameter][name].shape == parameter.shape
                assert np.shares_memory(state[parameter][name], optimizer.state[parameter][name])
                assert not np.shares_memory(state[parameter][name], saved["state"][number][name])


@every_example
def test_a_saved_training_goes_on_as_if_nothing_had_happened(entry, example):
    whole, resumed = parameters(), parameters()
    first = entry.component(whole, **example.options)
    train(first, whole, range(3))
    second = entry.component(resumed, **example.options)
    for parameter, source in zip(resumed, whole, strict=True):
        parameter.data = source.data.copy()
    second.load_state_dict(first.state_dict())
    train(first, whole, range(3, 6))
    train(second, resumed, range(3, 6))

    for ours, expected in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours.data, expected.data)


@every_example
def test_a_state_dict_that_does_not_fit_changes_nothing(entry, example):
    params = parameters()
    optimizer = entry.component(params, **example.options)
    train(optimizer, params, range(2))
    before, saved = optimizer.state_dict(), optimizer.state_dict()

    with pytest.raises(ValueError, match=r"groups of \[4\] parameters, the optimizer has groups of \[5\]"):
        optimizer.load_state_dict(entry.component(parameters()[:4], **example.options).state_dict())
    if any(isinstance(value, np.ndarray) for value in saved["state"].get(0, {}).values()):
        saved["param_groups"][0]["lr"] = 123.0
        saved["state"][0] = saved["state"][1]
        with pytest.raises(ValueError, match=r"of shape \(2, 4\) for a parameter of shape \(3, 2\)"):
            optimizer.load_state_dict(saved)
    saved = copy.deepcopy(before)
    saved["param_groups"][0]["lr"] = "fast"
    with pytest.raises(TypeError, match=f"{type(optimizer).__name__}: lr must be a number, got 'fast'"):
        optimizer.load_state_dict(saved)
    assert optimizer.state_dict()["param_groups"] == before["param_groups"]
