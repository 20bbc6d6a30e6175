"""What every registered loss promises beside its gradients, on all its examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli.options import option_parameters
from npnn_cli.registry import losses

EXAMPLES = [
    pytest.param(entry, example, id=f"{entry.name} {number}")
    for entry in losses.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize(("entry", "example"), EXAMPLES)
every_reducing_example = pytest.mark.parametrize(
    ("entry", "example"), [param for param in EXAMPLES if "reduction" in option_parameters(param.values[0].component)]
)


def draw(example):
    rng = np.random.default_rng(1)
    return [Tensor(draw_input(rng)) for draw_input in example.inputs]


def value(entry, example, **options):
    return entry.component(**example.options | options)(*draw(example)).data


@every_example
def test_a_loss_is_one_number(entry, example):
    assert value(entry, example).shape == ()
    assert entry.component(**example.options).options["reduction"] == example.options.get("reduction", "mean")


@every_reducing_example
def test_mean_and_sum_reduce_what_none_gives(entry, example):
    each = value(entry, example, reduction="none")

    assert each.size > 1
    if "ignore_index" not in example.options:  # else the mean is weighted
        np.testing.assert_allclose(value(entry, example, reduction="mean"), each.mean(), rtol=1e-14)
    np.testing.assert_allclose(value(entry, example, reduction="sum"), each.sum(), rtol=1e-14)


@every_reducing_example
def test_an_unknown_reduction_is_refused(entry, example):
    with pytest.raises(ValueError, match="'mean', 'sum' or 'none', got 'median'"):
        entry.component(reduction="median")


@every_example
def test_targets_may_be_arrays(entry, example):
    output, target = draw(example)
    loss = entry.component(**example.options)

    assert loss(output, target.data).item() == loss(output, target).item()


@every_example
def test_targets_of_another_shape_are_refused(entry, example):
    output, target = draw(example)

    with pytest.raises(ValueError, match=r"shape|expected"):
        entry.component(**example.options)(output, target.data[:-1])
    with pytest.raises(ValueError, match=r"shape|expected"):
        entry.component(**example.options)(output, target.data[..., None])


@every_example
def test_the_loss_of_no_sample_is_nan_on_average_and_zero_in_sum(entry, example):
    output, target = (tensor.data[:0] for tensor in draw(example))

    assert np.isnan(entry.component(**example.options | {"reduction": "mean"})(output, target).item())
    assert entry.component(**example.options | {"reduction": "sum"})(output, target).item() == 0


def test_mae_is_another_name_of_l1():
    assert nn.MAELoss is nn.L1Loss
    assert losses["MAELoss"] is losses["L1Loss"]


class TestCrossEntropy:
    @pytest.mark.parametrize("target", [[0, 3], [-1, 0]])
    def test_a_target_outside_the_classes_is_refused(self, target):
        with pytest.raises(IndexError, match="between 0 and 2"):
            nn.CrossEntropyLoss()(np.zeros((2, 3)), np.array(target))

    def test_targets_are_whole_numbers(self):
        with pytest.raises(TypeError, match="whole numbers"):
            nn.CrossEntropyLoss()(np.zeros((2, 3)), np.array([0.0, 1.0]))

    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
    def test_whole_numbers_of_any_size_will_do(self, dtype):
        loss = nn.CrossEntropyLoss()(np.zeros((2, 4)), np.array([0, 3], dtype))

        assert loss.item() == pytest.approx(np.log(4))

    @pytest.mark.parametrize("label_smoothing", [-0.1, 1.1])
    def test_label_smoothing_is_a_share(self, label_smoothing):
        with pytest.raises(ValueError, match="between 0 and 1"):
            nn.CrossEntropyLoss(label_smoothing=label_smoothing)

    def test_sure_and_wrong_costs_the_difference_of_the_logits(self):
        assert nn.CrossEntropyLoss()(np.array([[1e4, 0.0]]), np.array([1])).item() == 1e4

    def test_targets_that_are_ignored_do_not_count(self):
        logits = np.random.default_rng(0).standard_normal((3, 4))
        loss = nn.CrossEntropyLoss(ignore_index=-1)

        assert loss(logits, np.array([2, -1, -1])).item() == pytest.approx(
            nn.CrossEntropyLoss()(logits[:1], [2]).item()
        )
        assert np.isnan(loss(logits, np.full(3, -1)).item())
        assert nn.CrossEntropyLoss(ignore_index=-1, reduction="sum")(logits, np.full(3, -1)).item() == 0

    def test_each_class_has_one_weight(self):
        with pytest.raises(ValueError, match=r"weight must have shape \(3,\), one number per class, got \(2,\)"):
            nn.CrossEntropyLoss(weight=[1.0, 2.0])(np.zeros((2, 3)), np.array([0, 1]))


@pytest.mark.parametrize("difference", [-2.0, -1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("name", ["HuberLoss", "SmoothL1Loss"])
def test_at_the_joint_of_square_and_line_the_slope_is_pytorchs(name, difference):
    ours = Tensor(np.array([difference]), requires_grad=True)
    theirs = torch.tensor([difference], dtype=torch.float64, requires_grad=True)
    getattr(nn, name)()(ours, np.zeros(1)).backward()
    getattr(torch.nn, name)()(theirs, torch.zeros(1, dtype=torch.float64)).backward()

    assert ours.grad[0] == theirs.grad[0].item()


@pytest.mark.parametrize("probability", [0.0, 1e-50, 0.5, 1.0])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_the_cross_entropy_of_extreme_probabilities_is_pytorchs(probability, target):
    ours = Tensor(np.array([probability]), requires_grad=True)
    theirs = torch.tensor([probability], dtype=torch.float64, requires_grad=True)
    value = nn.BCELoss()(ours, np.array([target]))
    expected = torch.nn.BCELoss()(theirs, torch.tensor([target], dtype=torch.float64))
    value.backward()
    expected.backward()

    assert value.item() == pytest.approx(expected.item(), rel=1e-14)
    assert ours.grad[0] == pytest.approx(theirs.grad[0].item(), rel=1e-14)


@pytest.mark.parametrize("logit", [-1000.0, -30.0, 0.0, 30.0, 1000.0])
def test_the_cross_entropy_of_extreme_logits_is_pytorchs(logit):
    value = nn.BCEWithLogitsLoss()(np.array([logit]), np.array([0.3]))
    expected = torch.nn.BCEWithLogitsLoss()(*(torch.tensor([x], dtype=torch.float64) for x in (logit, 0.3)))

    assert value.item() == pytest.approx(expected.item(), rel=1e-14)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.HuberLoss(delta=0.0), "delta must be above 0, got 0.0"),
        (lambda: nn.SmoothL1Loss(beta=-1.0), "beta must not be below 0, got -1.0"),
        (lambda: nn.BCELoss()(np.array([1.5]), np.array([1.0])), "between 0 and 1, got 1.5: apply a sigmoid"),
    ],
)
def test_what_is_out_of_range_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
