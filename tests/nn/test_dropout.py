"""Dropout: how much it drops, and by which draws."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import Tensor, functional, nn


def test_in_training_the_mean_stays():
    layer = nn.Dropout(0.3, rng=np.random.default_rng(0))
    output = layer(np.ones((200, 500))).data

    assert set(np.unique(output)) == {0, 1 / 0.7}
    assert (output == 0).mean() == pytest.approx(0.3, abs=0.005)


def test_float32_stays_float32():
    assert nn.Dropout(0.3)(np.ones(3, np.float32)).dtype == np.float32


def test_evaluation_passes_everything():
    x = Tensor([1.0, 2.0])
    assert nn.Dropout(0.9).eval()(x) is x


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (1.0, 0.0)])
def test_nothing_or_everything_can_be_dropped(p, kept):
    x = Tensor(np.ones(100), requires_grad=True)
    output = nn.Dropout(p)(x)
    output.sum().backward()
    assert np.array_equal(output.data, np.full(100, kept))
    assert np.array_equal(x.grad, output.data)


def test_two_layers_of_one_generator_drop_differently_and_leave_it_as_it_was():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    first, second = (nn.Dropout(0.5, rng=rng)(np.ones(100)).data for _ in range(2))

    assert not np.array_equal(first, second)
    assert rng.bit_generator.state == before


def test_every_call_drops_anew():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    assert not np.array_equal(layer(np.ones(100)).data, layer(np.ones(100)).data)


def test_the_draws_are_the_same_for_both_dtypes():
    masks = [functional.dropout_mask((50,), 0.3, np.random.default_rng(0), dtype) for dtype in (np.float32, np.float64)]
    assert np.array_equal(masks[0] == 0, masks[1] == 0)
