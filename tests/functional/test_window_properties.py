"""What holds for all sizes and options of convolution, pooling and interpolation: PyTorch's numbers, or both refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npnn_cli import Tensor
from npnn_cli import functional as F

every = settings(max_examples=60, derandomize=True, database=None, deadline=None)
# Of a gradient without elements, PyTorch warns that it lies in memory in another order than its input.
pytestmark = pytest.mark.filterwarnings("ignore:grad and param do not obey the gradient layout contract")


def assert_as_in_pytorch(name, arrays, **options):
    ours = [Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    try:
        expected = getattr(torch.nn.functional, name)(*theirs, **options)
    except (RuntimeError, ValueError) as error:
        with pytest.raises(ValueError, match=f"^{name}: "):
            pytest.fail(f"{getattr(F, name)(*ours, **options).shape}, but PyTorch says {error}")
        return
    upstream = np.random.default_rng(0).standard_normal(tuple(expected.shape))
    answer = getattr(F, name)(*ours, **options)
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    np.testing.assert_allclose(answer.data, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-12, atol=1e-12)


def array_of(*shape):
    return np.random.default_rng(1).standard_normal(shape)


def distinct(*shape):
    return np.random.default_rng(1).permutation(int(np.prod(shape))).reshape(shape) * 0.1


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@every
@given(
    st.tuples(st.integers(0, 3), pairs(1, 3), pairs(1, 9)),
    st.integers(1, 3),
    pairs(1, 3),
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "stride": pairs(1, 3),
            "padding": st.one_of(pairs(0, 3), st.sampled_from(["same", "valid"])),
            "dilation": pairs(1, 3),
        },
    ),
)
def test_conv2d(sizes, groups, kernel, biased, options):
    batch, (channels, out_channels), image = sizes
    arrays = [
        array_of(batch, channels * groups, *image),
        array_of(out_channels * groups, channels, *kernel),
        *([array_of(out_channels * groups)] if biased else []),
    ]

    assert_as_in_pytorch("conv2d", arrays, groups=groups, **options)


@every
@given(
    st.tuples(st.integers(1, 3), pairs(1, 3), pairs(1, 5)),
    st.integers(1, 3),
    pairs(1, 3),
    st.fixed_dictionaries(
        {},
        optional={
            "stride": pairs(1, 3),
            "padding": pairs(0, 2),
            "output_padding": pairs(0, 2),
            "dilation": pairs(1, 3),
        },
    ),
)
def test_conv_transpose2d(sizes, groups, kernel, options):
    batch, (channels, out_channels), image = sizes
    arrays = [array_of(batch, channels * groups, *image), array_of(channels * groups, out_channels, *kernel)]

    assert_as_in_pytorch("conv_transpose2d", arrays, groups=groups, **options)


POOLING = {"stride": pairs(1, 3), "padding": pairs(0, 1), "ceil_mode": st.booleans()}


@every
@given(pairs(0, 2), pairs(2, 8), pairs(1, 3), st.fixed_dictionaries({}, optional=POOLING), pairs(1, 2))
def test_max_pool2d(outer, image, kernel, options, dilation):
    batch, channels = outer
    if dilation != (1, 1):
        options["padding"] = 0  # or windows could lie in the padding alone

    assert_as_in_pytorch(
        "max_pool2d", [distinct(batch, channels + 1, *image)], kernel_size=kernel, dilation=dilation, **options
    )


@every
@given(
    pairs(0, 2),
    pairs(1, 8),
    pairs(1, 3),
    st.fixed_dictionaries(
        {}, optional=POOLING | {"count_include_pad": st.booleans(), "divisor_override": st.integers(1, 5)}
    ),
)
def test_avg_pool2d(outer, image, kernel, options):
    batch, channels = outer

    assert_as_in_pytorch("avg_pool2d", [array_of(batch, channels + 1, *image)], kernel_size=kernel, **options)


@pytest.mark.parametrize("name", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
@every
@given(pairs(0, 2), pairs(1, 8), pairs(1, 9))
def test_adaptive_pooling(name, outer, image, output_size):
    batch, channels = outer

    assert_as_in_pytorch(name, [distinct(batch, channels + 1, *image)], output_size=output_size)


@every
@given(pairs(0, 2), st.lists(st.integers(1, 7), min_size=1, max_size=3), st.data())
def test_interpolate(outer, sizes, data):
    batch, channels = outer
    count = {"min_size": len(sizes), "max_size": len(sizes)}
    by_size = st.lists(st.integers(1, 9), **count).map(lambda size: {"size": tuple(size)})
    by_scale = st.lists(st.floats(0.3, 3.0), **count).map(lambda scale: {"scale_factor": tuple(scale)})
    options = data.draw(st.one_of(by_size, by_scale))
    for old, scale in zip(sizes, options.get("scale_factor", ()), strict=False):
        # Of all but images, PyTorch's gradient is then that of another answer than its own.
        assume(len(sizes) == 2 or scale in (1, 2) or math.floor(old * scale) not in (old, 2 * old))

    assert_as_in_pytorch("interpolate", [array_of(batch, channels + 1, *sizes)], **options)
