"""What layers refuse, by name and number."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli import nn


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
