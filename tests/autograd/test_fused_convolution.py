"""The fused op is the composition of conv2d, relu and max_pool2d, which are proved by themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from npnn_cli import Tensor
from npnn_cli import functional as F
from npnn_cli.autograd import apply
from npnn_cli.autograd.ops import fused_convolution
from npnn_cli.autograd.ops.fused_convolution import can_fuse

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


def conv2d_relu_max_pool2d(x, weight, bias=None):
    return apply(fused_convolution.conv2d_relu_max_pool2d, x, weight, bias)


def composition(x, weight, bias=None):
    convolved = F.conv2d(x, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))
    return F.max_pool2d(convolved.relu(), kernel_size=2)


def normal(images, filters, dtype=np.float64):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape).astype(dtype) for shape in (images, filters, filters[:1])]


def whole_numbers(images, filters):
    """Small enough for exact arithmetic, in any order of the sums, and with ties and zeros everywhere."""
    rng = np.random.default_rng(4)
    return [rng.integers(-1, 2, shape).astype(np.float32) for shape in (images, filters, filters[:1])]


def upstream(ans):
    return np.random.default_rng(5).integers(-9, 10, ans.shape).astype(ans.dtype)


def answer_and_gradients(op, inputs, layout=lambda images: images):
    x, *parameters = inputs
    leaves = [Tensor(array, requires_grad=True) for array in (layout(x), *parameters)]
    ans = op(*leaves)
    ans.backward(layout(upstream(ans)))
    return [ans.data, *(leaf.grad for leaf in leaves)]


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
    x = Tensor(np.ones((1, 1, 2, 4)), requires_grad=True)

    conv2d_relu_max_pool2d(x, Tensor(np.ones((1, 1, 1, 1)))).backward(np.array([[[[2.0, 3.0]]]]))

    assert x.grad.tolist() == [[[[2, 0, 3, 0], [0, 0, 0, 0]]]]


def test_a_maximum_of_zero_passes_no_gradient():
    inputs = [np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), np.array([-1.0])]

    _, *gradients = answer_and_gradients(conv2d_relu_max_pool2d, inputs)

    assert not any(gradient.any() for gradient in gradients)


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


@pytest.mark.parametrize("asked_for", [which for which in itertools.product((True, False), repeat=3) if any(which)])
def test_each_gradient_can_be_asked_for_without_the_others_and_again(asked_for):
    inputs = normal((2, 3, 4, 6), (5, 3, 3, 3))
    fused, composed = (
        [Tensor(array, requires_grad=wanted) for array, wanted in zip(inputs, asked_for, strict=True)] for _ in range(2)
    )

    for factor in (1, 2):
        for op, leaves in ((conv2d_relu_max_pool2d, fused), (composition, composed)):
            ans = op(*leaves)
            ans.backward(factor * upstream(ans))
            ans.backward(upstream(ans))

    for ours, expected, wanted in zip(fused, composed, asked_for, strict=True):
        assert (ours.grad is not None) == wanted
        if wanted:
            np.testing.assert_allclose(ours.grad, expected.grad, rtol=1e-12, atol=1e-12)


def test_the_answer_and_the_gradient_lie_as_the_next_op_likes_them():
    inputs = normal((3, 2, 6, 8), (4, 2, 3, 3))

    ans, of_x, *_ = answer_and_gradients(conv2d_relu_max_pool2d, inputs)

    assert ans.transpose(1, 2, 3, 0).flags.c_contiguous
    assert of_x.transpose(2, 1, 3, 0).flags.c_contiguous
    assert np.shares_memory(ans, ans.reshape(len(ans), -1))  # so that Flatten costs nothing


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_images_and_upstream_gradients_may_lie_in_memory_in_any_order(order):
    inputs = normal((3, 2, 6, 8), (4, 2, 3, 3))

    def reordered(images):
        return np.ascontiguousarray(images.transpose(order)).transpose(np.argsort(order))

    ours = answer_and_gradients(conv2d_relu_max_pool2d, inputs, reordered)

    expected = answer_and_gradients(composition, inputs)
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
