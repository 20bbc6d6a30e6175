"""What layers refuse, by name and number."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import Tensor, nn
from npnn_cli import functional as F


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Linear(0, 3), "in_features=0"),
        (lambda: nn.Linear(3, -1), "out_features=-1"),
        (lambda: nn.Linear(3), "out_features"),
        (lambda: nn.Conv2d(1, 0, 3), "out_channels=0"),
        (lambda: nn.Conv2d(1, 2, (3, 0)), "kernel_size"),
        (lambda: nn.Conv2d(1, 2, 3, stride=0), "stride=0"),
        (lambda: nn.Conv2d(1, 2, 3, padding=-1), "padding=-1"),
        (lambda: nn.MaxPool2d(0), "kernel_size=0"),
        (lambda: nn.MaxPool2d(2, stride=(1, 0)), "stride"),
        (lambda: nn.Dropout(1.5), "got 1.5"),
        (lambda: nn.Dropout(-0.1), "got -0.1"),
    ],
)
def test_bad_options_are_refused_at_construction(build, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(3, 2), (5, 4)),
        (nn.Linear(3, 2), ()),
        (nn.Conv2d(3, 2, 3), (1, 2, 5, 5)),
        (nn.Conv2d(3, 2, 3), (5, 3)),
        (nn.Conv2d(3, 2, 3), (1, 3, 2, 5)),
        (nn.MaxPool2d(3), (1, 1, 2, 5)),
        (nn.MaxPool2d(3), (4, 9)),
        (nn.MaxPool2d(3, padding=2), (1, 1, 9, 9)),
        (nn.Flatten(), ()),
    ],
)
def test_inputs_that_do_not_fit_are_refused_at_the_call(layer, shape):
    with pytest.raises(
        (ValueError, IndexError), match=type(layer).__name__.lower().replace("maxpool", "max_pool") + r"|Linear"
    ):
        layer(np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float64])
@pytest.mark.parametrize(
    ("layer", "shape", "op"),
    [
        (nn.Linear(3, 2), (5, 3), "linear"),
        (nn.Conv1d(3, 2, 3), (1, 3, 5), "conv1d"),
        (nn.Conv2d(3, 2, 3), (1, 3, 5, 4), "conv2d"),
        (nn.ConvTranspose2d(3, 2, 3), (1, 3, 5, 4), "conv_transpose2d"),
        (nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)), (5, 3, 2), "linear"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)), (2, 1, 6, 4), "conv2d"),
    ],
)
def test_numbers_of_another_dtype_than_the_weights_are_refused(layer, shape, op, dtype):
    layer(np.ones(shape, np.float32))  # a plan for these is none for others

    message = f"^{op}: expected numbers of one dtype, got input {np.dtype(dtype)}, weight float32"
    with pytest.raises(TypeError, match=message):
        layer(np.ones(shape, dtype))


@pytest.mark.parametrize(
    ("function", "shape", "weight"),
    [
        (F.linear, (5, 3), (2, 3)),
        (F.conv2d, (1, 3, 5, 4), (2, 3, 3, 2)),
        (F.conv_transpose2d, (1, 3, 5, 4), (3, 2, 3, 2)),
    ],
)
def test_whole_weights_go_with_whole_numbers_alone(function, shape, weight):
    whole = np.ones(weight, np.int64)

    assert function(Tensor(np.ones(shape, np.int64)), Tensor(whole)).dtype == np.int64
    with pytest.raises(
        TypeError, match=f"^{function.__name__}: expected numbers of one dtype, got input float64, weight int64$"
    ):
        function(Tensor(np.ones(shape)), Tensor(whole))
