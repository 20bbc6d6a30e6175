"""Convolutions: what their options mean and what is refused. The numbers of every option are proved elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli import functional as F


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("dilation", [1, 2, (3, 1)])
@pytest.mark.parametrize("kernel", [(1, 2), (4, 3), (2, 2)])
def test_same_padding_of_an_even_kernel_puts_the_odd_zero_last(kernel, dilation):
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 3, 6, 7)), rng.standard_normal((4, 3, *kernel))
    ours = F.conv2d(x, weight, padding="same", dilation=dilation).data
    theirs = torch.nn.functional.conv2d(torch.tensor(x), torch.tensor(weight), padding="same", dilation=dilation)

    assert ours.shape == (2, 4, 6, 7)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-13)


def test_a_transposed_convolution_leads_back_to_the_shape_before():
    for size in range(5, 9):
        small = nn.Conv2d(3, 4, 3, stride=2, padding=1)(np.ones((2, 3, size, 8), np.float32))
        restore = nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=((size + 1) % 2, 1))
        assert restore(small).shape == (2, 3, size, 8)


def test_transposed_and_plain_convolution_are_adjoint():
    rng = np.random.default_rng(0)
    x, y, weight = (Tensor(rng.standard_normal(s)) for s in [(2, 3, 7, 8), (2, 4, 3, 4), (4, 3, 3, 2)])
    options = {"stride": 2, "dilation": (1, 1)}
    one = (F.conv2d(x, weight, **options) * y).sum().item()
    other = (F.conv_transpose2d(y, weight, **options) * x).sum().item()
    assert one == pytest.approx(other, rel=1e-12)


IMAGES = np.ones((2, 4, 5, 6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: nn.Conv2d(4, 6, 3, groups=3),
            "Conv2d: in_channels=4 and out_channels=6 must be divisible by groups=3",
        ),
        (lambda: nn.Conv2d(4, 6, 3, dilation=0), "Conv2d: .*dilation=0"),
        (lambda: nn.Conv1d(0, 6, 3), "Conv1d: .*in_channels=0"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, output_padding=-1), "ConvTranspose2d: .*output_padding=-1"),
        (lambda: nn.Conv2d(4, 6, 3, stride=2, padding="same"), "padding 'same' needs stride 1, got stride=2"),
        (lambda: nn.Conv2d(4, 6, 3, padding="full"), "'same' or 'valid', got 'full'"),
        (lambda: nn.Conv2d(4, 6, 3, padding_mode="mirror"), "Conv2d: padding_mode must be 'zeros', .*got 'mirror'"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect"), "padding_mode must be 'zeros', got 'reflect'"),
        (
            lambda: nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect")(IMAGES),
            r"conv2d: .*in_channels=3, H, W\), got shape \(2, 4, 5, 6\)",
        ),
        (lambda: nn.Conv2d(4, 6, 3, padding=5, padding_mode="reflect")(IMAGES), "'reflect' cannot add 5 and 5"),
        (lambda: F.conv2d(IMAGES, np.ones((6, 4, 3, 3)), stride=2, padding="same"), "'same' needs stride 1"),
        (lambda: F.conv2d(IMAGES, np.ones((6, 4, 3, 3)), padding="full"), "'same' or 'valid', got 'full'"),
        (lambda: F.conv2d(IMAGES, np.ones((6, 2, 3, 3)), groups=4), "C_out divisible by groups=4"),
        (lambda: F.conv2d(IMAGES, np.ones((6, 3, 3, 3)), groups=2), r"in_channels=6, H, W\), got shape \(2, 4, 5, 6\)"),
        (
            lambda: F.conv2d(IMAGES, np.ones((6, 4, 3, 3)), dilation=3),
            r"smaller than the kernel, which covers \(7, 7\)",
        ),
        (lambda: nn.Conv1d(4, 2, 3)(IMAGES), r"conv1d: expected signals .*\(2, 4, 5, 6\)"),
        (lambda: nn.ConvTranspose2d(3, 2, 3)(IMAGES), r"conv_transpose2d: .*in_channels=3"),
        (lambda: nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=2)(IMAGES), "must be smaller than stride"),
        (lambda: nn.ConvTranspose2d(4, 2, 1, padding=3)(IMAGES), r"would become \(-1, 0\)"),
        (lambda: F.conv_transpose2d(IMAGES, np.ones((4, 2, 3, 3)), groups=3), "C divisible by groups=3"),
        (lambda: nn.Dropout2d()(np.ones((2, 3))), r"dropout2d: expected images .* got shape \(2, 3\)"),
        (lambda: nn.Dropout2d(1.5), "Dropout2d: p is a probability between 0 and 1, got 1.5"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_dropout2d_drops_whole_channels():
    output = nn.Dropout2d(0.4, rng=np.random.default_rng(0))(np.ones((50, 20, 2, 3))).data

    of_channels = output.reshape(50, 20, 6)
    assert np.array_equal(of_channels.min(axis=2), of_channels.max(axis=2))
    assert (of_channels[..., 0] == 0).mean() == pytest.approx(0.4, abs=0.05)
    assert output.max() == pytest.approx(1 / 0.6)
