"""The fused op is the composition of conv2d, relu and max_pool2d, which are proved by themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from npnn_cli.autograd.ops.activations import relu
from npnn_cli.autograd.ops.convolution import conv2d
from npnn_cli.autograd.ops.fused_convolution import can_fuse, conv2d_relu_max_pool2d
from npnn_cli.autograd.ops.pooling import max_pool2d

CASES = [
    pytest.param((3, 2, 6, 8), (4, 2, 3, 3), id="wide images"),
    pytest.param((3, 2, 8, 4), (4, 2, 3, 3), id="tall images"),
    pytest.param((5, 1, 4, 6), (3, 1, 3, 3), id="one channel"),
    pytest.param((1, 3, 4, 6), (2, 3, 3, 3), id="one image"),
    pytest.param((2, 3, 6, 4), (1, 3, 3, 3), id="one filter"),
    pytest.param((4, 2, 2, 2), (3, 2, 3, 3), id="one pixel is left"),
    pytest.param((2, 3, 4, 6), (2, 3, 1, 1), id="1 by 1"),
    pytest.param((2, 2, 6, 8), (3, 2, 5, 5), id="5 by 5"),
    pytest.param((2, 2, 6, 8), (3, 2, 3, 5), id="a wide kernel"),
    pytest.param((2, 2, 8, 6), (3, 2, 5, 1), id="a tall kernel"),
    pytest.param((2, 2, 4, 4), (3, 2, 7, 9), id="a kernel larger than the images"),
    pytest.param((7, 8, 14, 14), (16, 8, 3, 3), id="a layer of a network"),
    pytest.param((0, 2, 4, 6), (3, 2, 3, 3), id="no images"),
]
every_case = pytest.mark.parametrize(("images", "filters"), CASES)


def composition(x, weight, bias=None):
    """max_pool2d(relu(conv2d(...))), its gradients by the chain rule."""
    convolved, *of_convolution = conv2d(x, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))
    rectified, of_relu = relu(convolved)
    ans, of_pooling = max_pool2d(rectified, kernel_size=2)
    return ans, *(vjp and (lambda g, vjp=vjp: vjp(of_relu(of_pooling(g)))) for vjp in of_convolution)


def normal(images, filters, dtype=np.float64):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape).astype(dtype) for shape in (images, filters, filters[:1])]


def whole_numbers(images, filters):
    """Small enough for exact arithmetic, in any order of the sums, and with ties and zeros everywhere."""
    rng = np.random.default_rng(4)
    return [rng.integers(-1, 2, shape).astype(np.float32) for shape in (images, filters, filters[:1])]


def upstream(ans):
    return np.random.default_rng(5).integers(-9, 10, ans.shape).astype(ans.dtype)


def answer_and_gradients(op, inputs):
    ans, *vjps = op(*inputs)
    return [ans, *(vjp(upstream(ans)) for vjp in vjps if vjp is not None)]


@every_case
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_it_is_the_composition(images, filters, dtype, tolerance):
    inputs = normal(images, filters, dtype)

    fused, composed = (answer_and_gradients(op, inputs) for op in (conv2d_relu_max_pool2d, composition))

    for ours, expected in zip(fused, composed, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


@every_case
def test_ties_and_zeros_are_treated_alike(images, filters):
    inputs = whole_numbers(images, filters)

    fused, composed = (answer_and_gradients(op, inputs) for op in (conv2d_relu_max_pool2d, composition))

    for ours, expected in zip(fused, composed, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_of_four_equal_pixels_the_first_takes_the_gradient():
    x = np.ones((1, 1, 2, 4))

    _, gradient_of_x, *_ = conv2d_relu_max_pool2d(x, np.ones((1, 1, 1, 1)))

    assert gradient_of_x(np.array([[[[2.0, 3.0]]]])).tolist() == [[[[2, 0, 3, 0], [0, 0, 0, 0]]]]


def test_a_maximum_of_zero_passes_no_gradient():
    _, gradient_of_x, gradient_of_weight, gradient_of_bias = conv2d_relu_max_pool2d(
        np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), np.array([-1.0])
    )
    g = np.ones((1, 1, 1, 1))

    assert not any(gradient(g).any() for gradient in (gradient_of_x, gradient_of_weight, gradient_of_bias))


@pytest.mark.parametrize("where", list(itertools.product((0, 1), repeat=2)))
def test_nan_spreads_as_in_the_composition(where):
    inputs = whole_numbers((2, 2, 6, 8), (3, 2, 3, 3))
    inputs[0][(1, 0, 2 + where[0], 4 + where[1])] = np.nan

    fused, composed = (answer_and_gradients(op, inputs) for op in (conv2d_relu_max_pool2d, composition))

    assert np.isnan(fused[0]).any()
    for ours, expected in zip(fused, composed, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_without_a_bias():
    x, weight, _ = normal((2, 3, 4, 6), (5, 3, 3, 3))

    fused, composed = (answer_and_gradients(op, [x, weight]) for op in (conv2d_relu_max_pool2d, composition))

    assert len(fused) == len(composed) == 3
    for ours, expected in zip(fused, composed, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)
    assert conv2d_relu_max_pool2d(x, weight)[3] is None


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_gradients_can_be_asked_for_in_any_order_and_again(order):
    inputs = normal((2, 3, 4, 6), (5, 3, 3, 3))
    ans, *fused = conv2d_relu_max_pool2d(*inputs)
    _, *composed = composition(*inputs)

    for factor in (1, 2, 1):
        for position in order:
            g = factor * upstream(ans)
            np.testing.assert_allclose(fused[position](g), composed[position](g), rtol=1e-12, atol=1e-12)
    fused[0](upstream(ans))
    another = upstream(ans) + 1
    np.testing.assert_allclose(fused[1](another), composed[1](another), rtol=1e-12, atol=1e-12)


def test_an_upstream_gradient_may_change_between_two_passes():
    inputs = normal((2, 3, 4, 6), (5, 3, 3, 3))
    ans, gradient_of_x, gradient_of_weight, _ = conv2d_relu_max_pool2d(*inputs)
    g = upstream(ans)
    gradient_of_x(g)
    once = gradient_of_weight(g)

    g *= 2

    np.testing.assert_allclose(gradient_of_weight(g), 2 * once, rtol=1e-12)


def test_the_answer_and_the_gradient_lie_as_the_next_op_likes_them():
    inputs = normal((3, 2, 6, 8), (4, 2, 3, 3))

    ans, gradient_of_x, *_ = conv2d_relu_max_pool2d(*inputs)

    assert ans.transpose(1, 2, 3, 0).flags.c_contiguous
    assert gradient_of_x(upstream(ans)).transpose(1, 2, 3, 0).flags.c_contiguous
    assert np.shares_memory(ans, ans.reshape(len(ans), -1))  # so that Flatten costs nothing


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_images_and_upstream_gradients_may_lie_in_memory_in_any_order(order):
    x, weight, bias = normal((3, 2, 6, 8), (4, 2, 3, 3))

    def reordered(images):
        return np.ascontiguousarray(images.transpose(order)).transpose(np.argsort(order))

    ans, *vjps = conv2d_relu_max_pool2d(reordered(x), weight, bias)

    expected = answer_and_gradients(composition, [x, weight, bias])
    ours = [ans, *(vjp(reordered(upstream(ans))) for vjp in vjps)]
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


FITTING = {"images": (64, 1, 28, 28), "kernel_size": 3, "padding": 1, "pool_kernel_size": 2}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 1, "pool_stride": 2, "pool_padding": 0},
        {"kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1), "pool_kernel_size": (2, 2), "pool_stride": (2, 2)},
        {"kernel_size": (5, 1), "padding": (2, 0), "images": (1, 3, 4, 6)},
    ],
)
def test_what_can_be_fused(options):
    assert can_fuse(**{**FITTING, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"images": (64, 784)},
        {"images": (64, 1, 27, 28)},
        {"images": (64, 1, 28, 27)},
        {"kernel_size": 2},
        {"kernel_size": (3, 2)},
        {"stride": 2},
        {"stride": (1, 2)},
        {"padding": 0},
        {"padding": (1, 0)},
        {"padding": 2},
        {"pool_kernel_size": 3},
        {"pool_kernel_size": (2, 1)},
        {"pool_stride": 1},
        {"pool_stride": (2, 1)},
        {"pool_padding": 1},
        {"pool_padding": (0, 1)},
    ],
)
def test_what_cannot_be_fused(options):
    assert not can_fuse(**{**FITTING, **options})
