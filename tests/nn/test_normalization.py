"""Normalization: running statistics, evaluation, and what is refused. The training gradients are proved elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli import functional as F
from npnn_cli.torch_reference.counterparts import torch_module
from npnn_cli.torch_reference.training import differentiate

RNG = np.random.default_rng(0)


def agree(ours, theirs, inputs):
    """Outputs and all gradients of two functions of the same inputs, under a random upstream gradient."""
    tensors = [Tensor(array, requires_grad=True) for array in inputs]
    output = ours(*tensors)
    upstream = RNG.standard_normal(output.shape)
    output.backward(upstream)
    expected, *gradients = differentiate(theirs, inputs, upstream)
    np.testing.assert_allclose(output.data, expected, rtol=1e-12, atol=1e-12)
    for tensor, gradient in zip(tensors, gradients, strict=True):
        np.testing.assert_allclose(tensor.grad, gradient, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("momentum", [0.1, 1.0, 0.0, None])
@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.BatchNorm1d, (6, 3)), (nn.BatchNorm1d, (4, 3, 5)), (nn.BatchNorm2d, (4, 3, 2, 5))]
)
def test_running_statistics_are_pytorchs_in_training_and_used_in_evaluation(layer, shape, momentum):
    ours = layer(3, momentum=momentum).to(np.float64)
    theirs = torch_module(ours)
    for step in range(3):
        batch = RNG.normal(step, 1 + step, shape)
        ours(batch)
        theirs(torch.tensor(batch))
        for name, expected in theirs.state_dict().items():
            np.testing.assert_allclose(ours.state_dict()[name], expected.numpy(), rtol=1e-13, atol=1e-13)
    ours.eval()
    before = ours.state_dict()

    agree(ours, theirs.eval(), [RNG.standard_normal(shape)])

    assert all(np.array_equal(array, before[name]) for name, array in ours.state_dict().items())


@pytest.mark.parametrize("affine", [["weight", "bias"], ["weight"], ["bias"], []])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 2, 5)])
def test_batch_norm_with_weight_and_bias_or_either(shape, training, affine):
    statistics = [np.array([0.5, -1.0, 0.0]), np.array([0.5, 1.0, 2.0])]

    def of(functional, make):
        running = [make(statistic.copy()) for statistic in statistics]
        return lambda x, *given: functional.batch_norm(
            x, *running, **dict(zip(affine, given, strict=True)), training=training, eps=0.1
        )

    inputs = [RNG.standard_normal(shape), *(RNG.standard_normal(3) for _ in affine)]
    agree(of(F, Tensor), of(torch.nn.functional, torch.tensor), inputs)


def test_without_tracking_the_batch_counts_in_evaluation_too():
    layer = nn.BatchNorm1d(3, track_running_stats=False).to(np.float64).eval()

    assert list(layer.state_dict()) == ["weight", "bias"]
    agree(layer, torch_module(layer), [RNG.standard_normal((5, 3))])


def test_an_empty_batch_leaves_the_running_statistics():
    layer = nn.BatchNorm1d(3)
    layer(np.zeros((0, 3), np.float32))
    assert layer.running_var.data.tolist() == [1, 1, 1]
    assert layer.num_batches_tracked.item() == 1


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("layer", [nn.LayerNorm, nn.RMSNorm])
def test_the_last_dimensions_are_normalised_whatever_their_number(layer, shape):
    ours = layer(shape).to(np.float64)
    agree(ours, torch_module(ours), [RNG.standard_normal((5, *shape))])


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_small_variance_beside_a_large_mean_keeps_its_digits(offset):
    x = (RNG.standard_normal((1, 1000)) * 0.01 + offset).astype(np.float32)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean()) / exact.std()
    np.testing.assert_allclose(F.layer_norm(Tensor(x), (1000,), eps=0).data, expected, atol=5e-2 if offset else 1e-5)


def test_a_channel_without_variance_has_no_gradient_but_a_number():
    x = Tensor(np.full((4, 2), 3.0), requires_grad=True)
    output = F.batch_norm(x, None, None, training=True)
    output.backward(np.ones((4, 2)))
    assert not output.data.any()
    assert not x.grad.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features must be at least 1, got 0"),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((1, 3), np.float32)),
            r"more than one value per channel in training, got shape \(1, 3\)",
        ),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 4))), r"BatchNorm1d: expected .*\(N, num_features=3, L\).* \(2, 4\)"),
        (lambda: nn.BatchNorm2d(3)(np.ones((2, 3))), r"BatchNorm2d: expected .*\(N, num_features=3, H, W\).* \(2, 3\)"),
        (lambda: F.batch_norm(Tensor(np.ones((2, 3))), None, None), "needs running_mean and running_var"),
        (lambda: F.batch_norm(Tensor(np.ones(3)), None, None, training=True), r"expected an input .* got shape \(3,\)"),
        (
            lambda: F.batch_norm(Tensor(np.ones((2, 3))), np.ones(2), None, training=True),
            r"running_mean .*\(3,\).*\(2,\)",
        ),
        (lambda: nn.LayerNorm(()), "LayerNorm: sizes must be at least 1"),
        (lambda: nn.LayerNorm(3)(np.ones((2, 4))), r"layer_norm: .*normalized_shape=\(3,\), got \(2, 4\)"),
        (lambda: nn.RMSNorm((2, 3))(np.ones((3,))), r"rms_norm: .*normalized_shape=\(2, 3\), got \(3,\)"),
        (lambda: F.layer_norm(Tensor(np.ones((2, 3))), (3,), np.ones(2)), r"layer_norm: weight .* \(3,\), got \(2,\)"),
        (lambda: nn.GroupNorm(2, 3), "num_channels=3 must be divisible by num_groups=2"),
        (lambda: nn.GroupNorm(2, 4)(np.ones((2, 6))), r"GroupNorm: .*num_channels=4.* \(2, 6\)"),
        (lambda: F.group_norm(Tensor(np.ones((2, 3))), 2), r"group_norm: .*num_groups=2, got shape \(2, 3\)"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
