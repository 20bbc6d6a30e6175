"""An optimizer that is copied together with its model goes on training the copy, as PyTorch's does."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from npnn_cli.nn import Linear, MSELoss
from npnn_cli.optim import Adam

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((5, 3)).astype(np.float32), RNG.standard_normal((5, 2)).astype(np.float32)


def step(model, optimizer):
    optimizer.zero_grad()
    MSELoss()(model(X), Y).backward()
    optimizer.step()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_the_copy_trains_as_the_original_does(duplicate):
    model = Linear(3, 2, rng=np.random.default_rng(1))
    optimizer = Adam(model.parameters(), lr=0.1)
    step(model, optimizer)
    copied_model, copied_optimizer = duplicate((model, optimizer))
    before = model.state_dict()
    for _ in range(3):
        step(copied_model, copied_optimizer)
    for name, weights in model.state_dict().items():
        assert np.array_equal(weights, before[name])  # the original is not touched
    for _ in range(3):
        step(model, optimizer)
    for name, weights in model.state_dict().items():
        assert not np.array_equal(weights, before[name])
        assert np.allclose(copied_model.state_dict()[name], weights, rtol=1e-6)
