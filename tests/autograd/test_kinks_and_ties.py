"""Where a derivative does not exist, ours is PyTorch's: compared at the kink itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli import functional as F

INF, NAN = math.inf, math.nan


def gradient(function, array, make, upstream=None):
    """Gradients of all elements of all results, each result with weights 1, 2, 3, ..., or all with this one."""
    tensor = make(np.asarray(array, np.float64))
    tensor.requires_grad_()
    result = function(tensor)
    weights = np.arange(1.0, math.prod(result.shape) + 1).reshape(tuple(result.shape))
    result.backward(make(weights if upstream is None else np.full_like(weights, upstream)))
    return np.asarray(tensor.grad), np.asarray(result.detach().numpy())


def assert_as_in_pytorch(ours, theirs, array, upstream=None):
    our_gradient, our_result = gradient(ours, array, Tensor, upstream)
    their_gradient, their_result = gradient(theirs, array, torch.tensor, upstream)
    # The last bit depends on the processor, for which NumPy and PyTorch choose their instructions.
    np.testing.assert_allclose(our_result, their_result, rtol=4e-16, atol=0)
    np.testing.assert_allclose(our_gradient, their_gradient, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(
    ("method", "points", "expected"),
    [
        ("relu", [-1.0, -0.0, 0.0, 1.0, NAN], [0, 0, 0, 4, 5]),
        ("abs", [-2.0, -0.0, 0.0, 2.0, NAN], [-1, 0, 0, 4, 0]),
        ("sqrt", [0.0, 4.0], [INF, 0.5]),
        ("log", [0.0, 1.0], [INF, 2]),
        ("rsqrt", [0.0, 4.0], [-INF, -0.125]),
        ("sign", [-2.0, 0.0, NAN], [0, 0, 0]),
        ("floor", [-1.5, 0.0, 2.0], [0, 0, 0]),
    ],
)
def test_elementwise(method, points, expected):
    assert_as_in_pytorch(lambda x: getattr(x, method)(), lambda x: getattr(x, method)(), points)
    assert gradient(lambda x: getattr(x, method)(), points, Tensor)[0].tolist() == expected


@pytest.mark.parametrize(
    "method", ["exp", "expm1", "log", "log1p", "log2", "sqrt", "rsqrt", "sigmoid", "tanh", "sin", "relu", "abs"]
)
def test_infinities_and_nan_give_pytorchs_numbers_without_a_warning(method):
    points = [-INF, -1e3, -1.0, 0.0, 1.0, 1e3, INF, NAN]

    assert_as_in_pytorch(lambda x: getattr(x, method)(), lambda x: getattr(x, method)(), points[:-1])
    assert np.isnan(gradient(lambda x: getattr(x, method)(), points, Tensor)[1][-1])


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 2.5])
@pytest.mark.parametrize("base", [-2.0, 0.0, 1.0])
def test_powers_of_a_negative_base_and_of_zero(base, exponent):
    ours = [Tensor(np.array([value]), requires_grad=True) for value in (base, exponent)]
    theirs = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (base, exponent)]
    (ours[0] ** ours[1]).backward()
    (theirs[0] ** theirs[1]).backward()

    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, -1, 0.0, 1.0, 2.0])
def test_powers_with_a_number_as_the_exponent(exponent):
    assert_as_in_pytorch(lambda x: x**exponent, lambda x: x**exponent, [-2.0, 0.0, 1.0, 3.0])


@pytest.mark.parametrize("base", [0.0, 1.0, 2.0, 0, 2])
def test_powers_with_a_number_as_the_base(base):
    assert_as_in_pytorch(lambda x: base**x, lambda x: base**x, [-1.0, 0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("function", "points"),
    [
        ("relu6", [-1.0, 0.0, 3.0, 6.0, 7.0]),
        ("leaky_relu", [-1.0, -0.0, 0.0, 1.0, NAN]),
        ("elu", [-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN]),
        ("selu", [-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN]),
        ("hardtanh", [-2.0, -1.0, 0.0, 1.0, 2.0, NAN]),
        ("hardswish", [-INF, -4.0, -3.0, 0.0, 3.0, 4.0, INF, NAN]),
        ("softsign", [-1.0, 0.0, 1.0]),
        ("softplus", [-INF, 0.0, 20.0, 20.0001, INF]),
    ],
)
def test_activations(function, points):
    assert_as_in_pytorch(lambda x: getattr(F, function)(x), lambda x: getattr(torch.nn.functional, function)(x), points)


@pytest.mark.parametrize("upstream", [INF, -INF, NAN])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (F.relu, torch.relu),
        (F.relu6, torch.nn.functional.relu6),
        (F.hardtanh, torch.nn.functional.hardtanh),
        (F.hardswish, torch.nn.functional.hardswish),
        (lambda x: F.clamp(x, -1, 1), lambda x: torch.clamp(x, -1, 1)),
        (lambda x: F.where(x > 0, x, 0.0), lambda x: torch.where(x > 0, x, 0.0)),
        (lambda x: x[1:5].max(), lambda x: x[1:5].max()),
    ],
    ids=["relu", "relu6", "hardtanh", "hardswish", "clamp", "where", "max"],
)
def test_what_is_flat_or_not_chosen_has_no_gradient_whatever_comes(ours, theirs, upstream):
    points = [-INF, -4.0, -1.0, 0.0, 0.0, 1.0, 2.0, 7.0, INF, NAN]
    assert_as_in_pytorch(ours, theirs, points, upstream)


def test_hardsigmoid_is_flat_from_its_edges_on():
    assert gradient(F.hardsigmoid, [-3.0, 3.0], Tensor)[0].tolist() == [0, 0]


def test_prelu():
    slope = np.array([0.3])
    assert_as_in_pytorch(
        lambda x: F.prelu(x, Tensor(slope)),
        lambda x: torch.nn.functional.prelu(x, torch.tensor(slope)),
        [-1.0, -0.0, 0.0, 1.0],
    )
    assert_as_in_pytorch(
        lambda w: F.prelu(Tensor(np.array([-2.0, 0.0, 3.0])), w),
        lambda w: torch.nn.functional.prelu(torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64), w),
        slope,
    )


@pytest.mark.parametrize("bounds", [(-1, 1), (-1, None), (None, 1), (1, -1), (1, 1)])
def test_clamp_at_its_bounds(bounds):
    points = [-2.0, -1.0, 0.0, 1.0, 2.0, NAN]
    assert_as_in_pytorch(lambda x: x.clamp(*bounds), lambda x: x.clamp(*bounds), points)


@pytest.mark.parametrize("role", [0, 1, 2])
def test_clamp_between_tensors(role):
    """The gradient of x and of both bounds, for every order of the three and all their ties."""
    three = np.array(list(itertools.product([-1.0, 0.0, 1.0], repeat=3))).T

    def clamped(variable, clamp, make):
        return clamp(*(variable if place == role else make(row.copy()) for place, row in enumerate(three)))

    assert_as_in_pytorch(
        lambda x: clamped(x, F.clamp, Tensor), lambda x: clamped(x, torch.clamp, torch.tensor), three[role]
    )


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_of_equal_numbers_each_takes_half_and_nan_goes_to_both(name):
    points, others = [0.0, 1.0, 2.0, NAN, 1.0], np.array([1.0, 1.0, 1.0, 1.0, NAN])
    for ours, theirs in (
        (lambda x: getattr(F, name)(x, others), lambda x: getattr(torch, name)(x, torch.tensor(others))),
        (lambda x: getattr(F, name)(others, x), lambda x: getattr(torch, name)(torch.tensor(others), x)),
    ):
        assert_as_in_pytorch(ours, theirs, points)


@pytest.mark.parametrize("p", ["fro", 0.5, 1, 1.5, 2, 3, INF, -INF, -1])
@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [2.0, 0.0, -2.0], [1.0, 3.0, -3.0]])
def test_a_norm_at_zero_and_at_ties(row, p):
    assert_as_in_pytorch(lambda x: x.norm(p, 1), lambda x: x.norm(p, 1), [row, [1.0, 2.0, 3.0]])


@pytest.mark.parametrize("method", ["var", "std"])
def test_no_variation_has_no_gradient(method):
    assert_as_in_pytorch(lambda x: getattr(x, method)(1), lambda x: getattr(x, method)(1), [[2.0, 2.0], [1.0, 2.0]])


TIED = [[3.0, 1.0, 3.0], [1.0, 1.0, 3.0]]
WITH_NAN = [[NAN, 1.0, 2.0], [NAN, 1.0, NAN], [3.0, 4.0, 3.0]]


@pytest.mark.parametrize("extreme", ["max", "min", "amax", "amin"])
def test_ties_over_all_elements_share_the_gradient(extreme):
    assert_as_in_pytorch(lambda x: getattr(x, extreme)(), lambda x: getattr(x, extreme)(), TIED)


@pytest.mark.parametrize("extreme", ["max", "min"])
def test_over_all_elements_nan_shares_the_gradient_with_nan(extreme):
    assert_as_in_pytorch(lambda x: getattr(x, extreme)(), lambda x: getattr(x, extreme)(), WITH_NAN)


@pytest.mark.parametrize("dim", [0, 1, -1, (0, 1)])
@pytest.mark.parametrize("extreme", ["amax", "amin"])
def test_ties_of_amax_and_amin_share_the_gradient(extreme, dim):
    for points in (TIED, WITH_NAN):
        assert_as_in_pytorch(lambda x: getattr(x, extreme)(dim=dim), lambda x: getattr(x, extreme)(dim=dim), points)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("extreme", ["max", "min"])
def test_ties_along_a_dim_give_all_to_the_first(extreme, dim):
    assert_as_in_pytorch(lambda x: getattr(x, extreme)(dim)[0], lambda x: getattr(x, extreme)(dim)[0], TIED)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding"), [(2, 2, 0), (3, 1, 1), ((2, 3), (1, 2), (1, 0)), (2, 1, 1)]
)
def test_ties_in_max_pooling_give_all_to_the_first(kernel_size, stride, padding):
    images = np.random.default_rng(0).integers(-1, 2, (2, 3, 5, 6))

    assert_as_in_pytorch(
        lambda x: F.max_pool2d(x, kernel_size, stride, padding),
        lambda x: torch.nn.functional.max_pool2d(x, kernel_size, stride, padding),
        images,
    )


def test_max_pooling_pads_with_less_than_any_number_and_passes_nan_on():
    images = np.full((1, 1, 2, 3), -1e300)
    assert F.max_pool2d(Tensor(images), 2, padding=1).data.max() == -1e300
    assert F.max_pool2d(Tensor(np.full((1, 1, 2, 3), -7)), 2, padding=1).tolist() == [[[[-7, -7], [-7, -7]]]]

    images[0, 0, 1, 2] = NAN
    assert np.isnan(F.max_pool2d(Tensor(images), 2, stride=1).data).tolist() == [[[[False, True]]]]


@pytest.mark.parametrize("method", ["max", "min", "amax", "amin", "relu", "sum", "mean"])
def test_nan_is_passed_on(method):
    assert np.isnan(getattr(Tensor([1.0, NAN, 0.0]), method)().data).any()


@pytest.mark.parametrize(
    "row", [[1000.0, 0.0, -1000.0], [-INF, 0.0, 1.0], [0.0, 0.0, 0.0], [1e300, -1e300, 0.0], [INF, 0.0, 1.0]]
)
def test_log_softmax_of_extreme_logits(row):
    assert_as_in_pytorch(lambda x: F.log_softmax(x, dim=1), lambda x: torch.nn.functional.log_softmax(x, dim=1), [row])


@pytest.mark.parametrize("loss", ["mse_loss", "l1_loss"])
def test_a_perfect_prediction_has_no_gradient(loss):
    target = np.array([1.0, 2.0])
    assert_as_in_pytorch(
        lambda x: getattr(F, loss)(x, target),
        lambda x: getattr(torch.nn.functional, loss)(x, torch.tensor(target)),
        target,
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("options", [{}, {"weight": [0.5, 2.0, 1.0]}], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
def test_ignored_samples_have_no_gradient_even_if_they_are_all(loss, options, reduction):
    logits, target = [[1.0, -INF, 0.5], [-INF, 2.0, 0.0]], np.array([-100, -100])
    theirs = {name: torch.tensor(value, dtype=torch.float64) for name, value in options.items()}
    assert_as_in_pytorch(
        lambda x: getattr(F, loss)(x, target, reduction=reduction, **options),
        lambda x: getattr(torch.nn.functional, loss)(x, torch.tensor(target), reduction=reduction, **theirs),
        logits,
    )


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_errors_that_are_no_number(beta):
    points, target = [-1.0, NAN, INF, 2.0], np.array([0.0, 1.0, 0.0, NAN])
    assert_as_in_pytorch(
        lambda x: F.smooth_l1_loss(x, target, "none", beta=beta),
        lambda x: torch.nn.functional.smooth_l1_loss(x, torch.tensor(target), reduction="none", beta=beta),
        points,
    )


def test_a_probability_of_zero_in_kl_div():
    points, target = [-1.0, -2.0, 0.0], np.array([0.0, 0.5, 1.0])
    assert_as_in_pytorch(
        lambda x: F.kl_div(x, target, "none"),
        lambda x: torch.nn.functional.kl_div(x, torch.tensor(target), reduction="none"),
        points,
    )
    assert_as_in_pytorch(
        lambda t: F.kl_div(Tensor(np.array(points)), t, "none"),
        lambda t: torch.nn.functional.kl_div(torch.tensor(points, dtype=torch.float64), t, reduction="none"),
        target,
    )
