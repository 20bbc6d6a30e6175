"""Initial weights are distributed as PyTorch's of the same name."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from npnn_cli.nn.init import fans, initial_weight
from npnn_cli.registry import UnknownNameError, initializers

LINEAR, CONVOLUTION = (400, 300), (50, 30, 3, 5)  # no two sizes are equal

every_initializer = pytest.mark.parametrize("entry", initializers.values(), ids=list(initializers))


def draw(entry, shape, seed=0):
    return entry.component(shape, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("shape", [LINEAR, CONVOLUTION])
@every_initializer
def test_quantiles_are_pytorchs(entry, shape):
    ours = draw(entry, shape)
    generator = torch.Generator().manual_seed(0)
    theirs = getattr(torch.nn.init, f"{entry.name}_")(torch.empty(shape), generator=generator, **_relu(entry)).numpy()

    # Of n draws, the quantiles at 2 % scatter by 3 spreads / √n.
    spread, n = theirs.std(), ours.size
    levels = np.linspace(0.02, 0.98, 25)
    assert ours.shape == shape
    np.testing.assert_allclose(ours.std(), spread, rtol=4 / np.sqrt(n))
    np.testing.assert_allclose(ours.mean(), 0, atol=4 * spread / np.sqrt(n))
    np.testing.assert_allclose(np.quantile(ours, levels), np.quantile(theirs, levels), atol=16 * spread / np.sqrt(n))


def _relu(entry):
    return {"nonlinearity": "relu"} if entry.name.startswith("kaiming") else {}


@pytest.mark.parametrize("shape", [LINEAR, CONVOLUTION])
@every_initializer
def test_the_variance_is_the_one_in_the_docstring(entry, shape):
    formula = re.search(r"variance ([^,]+?)(?: \(bounds|,)", entry.component.__doc__)[1]
    fan_in, fan_out = fans(shape)

    variance = eval(formula, {"fan_in": fan_in, "fan_out": fan_out})

    assert draw(entry, shape).var() == pytest.approx(variance, rel=8 / np.sqrt(np.prod(shape)))
    if "uniform" in entry.name:
        assert np.abs(draw(entry, shape)).max() == pytest.approx(np.sqrt(3 * variance), rel=1e-3)
        assert np.abs(draw(entry, shape)).max() <= np.sqrt(3 * variance)


@every_initializer
def test_equal_seeds_make_equal_weights(entry):
    assert np.array_equal(draw(entry, LINEAR, 1), draw(entry, LINEAR, 1))
    assert not np.array_equal(draw(entry, LINEAR, 1), draw(entry, LINEAR, 2))


def test_fans_of_a_convolution_count_the_pixels_of_its_kernel():
    assert fans(LINEAR) == (300, 400)
    assert fans(CONVOLUTION) == (30 * 15, 50 * 15)


def test_without_a_generator_weights_are_unpredictable():
    assert not np.array_equal(
        initial_weight("kaiming_normal", (2, 3), None), initial_weight("kaiming_normal", (2, 3), None)
    )


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'kaiming_normal'"):
        initial_weight("kaiming_norm", (2, 3), None)
