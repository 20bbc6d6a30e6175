"""Initial weights are distributed as PyTorch's of the same name."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
import torch

from npnn_cli import nn
from npnn_cli.autograd import Tensor
from npnn_cli.nn.init import calculate_gain, fans, initial_weight
from npnn_cli.registry import UnknownNameError, initializers

LINEAR, CONVOLUTION = (400, 300), (50, 30, 3, 5)  # no two sizes are equal

EXAMPLES = [
    pytest.param(entry, example, id=f"{entry.name} {number}")
    for entry in initializers.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize(("entry", "example"), EXAMPLES)
every_initializer = pytest.mark.parametrize("entry", initializers.values(), ids=list(initializers))
FILLED = {"constant", "ones", "zeros", "eye", "dirac"}  # the same for every seed
FOR_SOME_SHAPES = {"eye", "dirac", "sparse"}


def draw(entry, shape, seed=0, **options):
    return initial_weight({"type": entry.name, **options}, shape, np.random.default_rng(seed))


def options_of(example):
    return {name: value for name, value in example.options.items() if name != "shape"}


def torchs(entry, shape, **options):
    generator = {} if entry.name in FILLED else {"generator": torch.Generator().manual_seed(0)}
    return getattr(torch.nn.init, f"{entry.name}_")(torch.empty(shape), **options, **generator).numpy()


@pytest.mark.parametrize("shape", [LINEAR, CONVOLUTION])
@every_example
def test_quantiles_are_pytorchs(entry, example, shape):
    shape = example.options["shape"] if entry.name in FOR_SOME_SHAPES else shape
    ours, theirs = (make(entry, shape, **options_of(example)) for make in (draw, torchs))

    # Of n draws, the quantiles at 2 % scatter by 3 spreads / √n.
    spread, n = theirs.std(), ours.size
    levels = np.linspace(0.02, 0.98, 25)
    assert ours.shape == shape
    np.testing.assert_allclose(ours.std(), spread, rtol=5 / np.sqrt(n), atol=1e-6)
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=6 * spread / np.sqrt(n) + 1e-6)
    np.testing.assert_allclose(
        np.quantile(ours, levels), np.quantile(theirs, levels), atol=16 * spread / np.sqrt(n) + 1e-6
    )
    np.testing.assert_allclose((ours.min(), ours.max()), (theirs.min(), theirs.max()), atol=1.5 * spread)
    if entry.name in FILLED:
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)


@pytest.mark.parametrize("shape", [LINEAR, CONVOLUTION])
@every_initializer
def test_the_variance_is_the_one_in_the_docstring(entry, shape):
    formula = re.search(r"variance (.+?)(?: \(or [^)]*\))?[,:]", entry.component.__doc__)
    if formula is None:
        assert "variance" not in entry.component.__doc__
        return
    fan_in, fan_out = fans(shape)

    gain_squared = 2 if "kaiming" in entry.name else 1
    variance = eval(formula[1].replace("gain² ·", "").replace("gain²", str(gain_squared)), locals())

    assert draw(entry, shape).var() == pytest.approx(variance, rel=8 / np.sqrt(np.prod(shape)))
    if "uniform" in entry.name:
        assert np.abs(draw(entry, shape)).max() == pytest.approx(np.sqrt(3 * variance), rel=1e-3)
        assert np.abs(draw(entry, shape)).max() <= np.sqrt(3 * variance)


@every_example
def test_equal_seeds_make_equal_weights(entry, example):
    shape, options = example.options["shape"], options_of(example)
    assert np.array_equal(draw(entry, shape, 1, **options), draw(entry, shape, 1, **options))
    if entry.name not in FILLED:
        assert not np.array_equal(draw(entry, shape, 1, **options), draw(entry, shape, 2, **options))


@every_example
def test_under_pytorchs_name_it_fills_a_tensor(entry, example):
    shape, options = example.options["shape"], options_of(example)
    tensor = Tensor(np.full(shape, np.nan, np.float32), requires_grad=True)
    array = tensor.data

    filled = getattr(nn.init, f"{entry.name}_")(tensor, **options, rng=np.random.default_rng(3))

    assert filled is tensor
    assert tensor.data is array
    fill = getattr(nn.init, f"{entry.name}_")
    expected = inspect.signature(getattr(torch.nn.init, f"{entry.name}_")).parameters
    ours = {name: p for name, p in inspect.signature(fill).parameters.items() if name != "rng"}
    assert fill.__name__ == f"{entry.name}_"
    assert list(ours) == [name for name in expected if name != "generator"]
    assert all(parameter.default == expected[name].default for name, parameter in ours.items())
    np.testing.assert_array_equal(array, draw(entry, shape, 3, **options).astype(np.float32))


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (20, 3, 2, 5)])
def test_orthogonal_rows_or_columns_are(shape):
    matrix = initial_weight({"type": "orthogonal", "gain": 3.0}, shape, np.random.default_rng(0)).reshape(shape[0], -1)
    gram = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix

    np.testing.assert_allclose(gram, 9 * np.eye(len(gram)), atol=1e-12)


def test_every_initializer_of_pytorch_is_there():
    theirs = {name for name in vars(torch.nn.init) if name.endswith("_") and not name.startswith("_")}
    assert {f"{name}_" for name in initializers} == theirs


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 1.0])
def test_of_each_column_of_a_sparse_matrix_the_same_share_is_zero(sparsity):
    matrix = initial_weight({"type": "sparse", "sparsity": sparsity}, (7, 40), np.random.default_rng(0))
    assert set((matrix == 0).sum(axis=0)) == {np.ceil(7 * sparsity)}
    if 0 < sparsity < 1:
        assert len({tuple(column) for column in (matrix == 0).T}) > 1


@pytest.mark.parametrize(("groups", "channels"), [(1, 3), (1, 4), (2, 4), (1, 6)])
def test_a_convolution_by_dirac_hands_channels_on(groups, channels):
    layer = nn.Conv2d(
        4, channels, 3, padding="same", groups=groups, init={"type": "dirac", "groups": groups}, bias=False
    )
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 6)).astype(np.float32)
    expected = np.zeros((2, channels, 5, 6), np.float32)
    kept = min(4, channels)
    expected[:, :kept] = x[:, :kept]

    np.testing.assert_allclose(layer(x).data, expected, atol=1e-6)


def test_fans_of_a_convolution_count_the_pixels_of_its_kernel():
    assert fans(LINEAR) == (300, 400)
    assert fans(CONVOLUTION) == (30 * 15, 50 * 15)


@pytest.mark.parametrize("param", [None, 0.3])
@pytest.mark.parametrize(
    "nonlinearity", ["linear", "conv2d", "conv_transpose1d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
)
def test_gains_are_pytorchs(nonlinearity, param):
    assert calculate_gain(nonlinearity, param) == pytest.approx(
        torch.nn.init.calculate_gain(nonlinearity, param), rel=1e-15
    )


def test_without_a_generator_weights_are_unpredictable():
    assert not np.array_equal(
        initial_weight("kaiming_normal", (2, 3), None), initial_weight("kaiming_normal", (2, 3), None)
    )


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'kaiming_normal'"):
        initial_weight("kaiming_norm", (2, 3), None)


@pytest.mark.parametrize(
    ("init", "shape", "message"),
    [
        ("kaiming_normal", (3,), r"two dimensions or more, got \(3,\)"),
        ("orthogonal", (3,), r"two dimensions or more, got \(3,\)"),
        ("eye", (3, 2, 2), r"two dimensions, got \(3, 2, 2\)"),
        ({"type": "kaiming_uniform", "mode": "fan"}, (3, 2), "'fan_in' or 'fan_out', got 'fan'"),
        ({"type": "kaiming_uniform", "nonlinearity": "gelu"}, (3, 2), "unknown nonlinearity 'gelu'; known are linear"),
        ({"type": "trunc_normal", "a": 1.0, "b": 1.0}, (3, 2), "needs a < b"),
        ({"type": "trunc_normal", "std": 0.0}, (3, 2), "std above 0, got a=-2.0, b=2.0, std=0.0"),
        ({"type": "uniform", "a": 1.0, "b": 0.0}, (3, 2), "needs a <= b, got a=1.0, b=0.0"),
        ({"type": "normal", "std": -1.0}, (3, 2), "std must be at least 0, got -1.0"),
        ("dirac", (3, 2), r"3 to 5 dimensions, got \(3, 2\)"),
        ({"type": "dirac", "groups": 2}, (3, 2, 3), "the 3 output channels must be divisible by groups=2"),
        ({"type": "sparse", "sparsity": 0.1}, (3,), r"two dimensions, got \(3,\)"),
        ({"type": "sparse", "sparsity": 1.1}, (3, 2), "0 <= sparsity <= 1 and std >= 0, got sparsity=1.1"),
        ({"gain": 2.0}, (3, 2), "type: Name"),
    ],
)
def test_what_cannot_be_drawn_is_refused(init, shape, message):
    with pytest.raises(ValueError, match=message):
        initial_weight(init, shape, None)


@pytest.mark.parametrize("missing", [None, np.zeros(3)])
def test_only_a_tensor_can_be_filled(missing):
    with pytest.raises(TypeError, match=f"zeros_: expected a tensor, got {type(missing).__name__}"):
        nn.init.zeros_(missing)
