"""What every registered scheduler promises, on all its examples, beside what tests/proofs prove."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli.optim import (
    SGD,
    Adam,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    RMSprop,
    SequentialLR,
    StepLR,
)
from npnn_cli.optim.lr_scheduler import Schedule
from npnn_cli.options import option_parameters
from npnn_cli.proofs.optimization import metric_after
from npnn_cli.registry import schedulers, slots
from npnn_cli.torch_reference.counterparts import torch_scheduler

EXAMPLES = [
    pytest.param(entry, example, id=f"{entry.name} {number}")
    for entry in schedulers.values()
    for number, example in enumerate(entry.examples)
]
every_example = pytest.mark.parametrize(("entry", "example"), EXAMPLES)


def parameter():
    return Tensor(np.zeros(1), requires_grad=True)


def torch_parameter():
    return torch.zeros(1, requires_grad=True)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (Adam, {"lr": 0.05, "betas": (0.8, 0.9)}),
        (RMSprop, {"lr": 0.05, "momentum": 0.8}),
        (SGD, {"lr": 0.05, "momentum": 0.5}),
    ],
)
@every_example
def test_rates_and_momenta_are_pytorchs_for_every_group(entry, example, optimizer, options):
    # The second group's options are its own.
    start = {"lr": 0.1} | ({"momentum": 0.9} if "momentum" in options else {})
    ours = optimizer([{"params": [parameter()]}, {"params": [parameter()], **options}], **start)
    theirs = getattr(torch.optim, optimizer.__name__)(
        [{"params": [torch_parameter()]}, {"params": [torch_parameter()], **options}], **start
    )
    our_scheduler = entry.build(ours, **example.options)
    their_scheduler = torch_scheduler(our_scheduler, theirs)

    for step in range(50):
        for our_group, their_group in zip(ours.param_groups, theirs.param_groups, strict=True):
            for option in {"lr", "betas", "momentum"} & their_group.keys():
                assert our_group[option] == pytest.approx(their_group[option], rel=1e-9, abs=1e-12)
        assert our_scheduler.get_last_lr() == pytest.approx(their_scheduler.get_last_lr(), rel=1e-9, abs=1e-12)
        theirs.step()
        metric = metric_of(our_scheduler, step)
        our_scheduler.step(*metric)
        their_scheduler.step(*metric)


def metric_of(scheduler, step):
    return [metric_after(step)] if isinstance(scheduler, ReduceLROnPlateau) else []


def sgd(**options):
    return SGD([parameter()], **{"lr": 0.1, "momentum": 0.9} | options)


def rates_and_momenta(scheduler, steps):
    found = []
    for step in steps:
        scheduler.step(*metric_of(scheduler, step))
        found.append((scheduler.get_last_lr(), scheduler.optimizer.param_groups[0]["momentum"]))
    return found


@pytest.mark.parametrize("before", [0, 1, 13])
@every_example
def test_a_saved_schedule_goes_on_as_if_nothing_had_happened(entry, example, before):
    whole = entry.build(sgd(), **example.options)
    rates_and_momenta(whole, range(before))
    saved = json.loads(json.dumps((whole.state_dict(), whole.optimizer.state_dict())))
    resumed = entry.build(sgd(), **example.options)
    resumed.load_state_dict(saved[0])
    resumed.optimizer.load_state_dict(saved[1])

    assert resumed.get_last_lr() == whole.get_last_lr()
    assert rates_and_momenta(resumed, range(before, 40)) == rates_and_momenta(whole, range(before, 40))


@pytest.mark.parametrize("before", [1, 13])
@every_example
def test_states_go_to_torch_and_back(entry, example, before):
    ours = entry.build(sgd(), **example.options)
    their_optimizer = torch.optim.SGD([torch_parameter()], lr=0.1, momentum=0.9)
    theirs = torch_scheduler(ours, their_optimizer)
    rates_and_momenta(ours, range(before))
    for group, saved in zip(their_optimizer.param_groups, ours.optimizer.state_dict()["param_groups"], strict=True):
        group.update({name: value for name, value in saved.items() if name != "params"})
    theirs.load_state_dict(ours.state_dict())
    back = entry.build(sgd(), **example.options)
    back.load_state_dict(theirs.state_dict())
    back.optimizer.param_groups[0]["lr"] = ours.get_last_lr()[0]

    for step in range(before, 40):
        their_optimizer.step()
        theirs.step(*metric_of(ours, step))
        expected = theirs.get_last_lr()
        assert rates_and_momenta(ours, [step])[0][0] == pytest.approx(expected, rel=1e-9)
        assert rates_and_momenta(back, [step])[0][0] == pytest.approx(expected, rel=1e-9)


@every_example
def test_a_state_in_which_something_is_missing_is_refused(entry, example):
    scheduler = entry.build(sgd(), **example.options)
    with pytest.raises(ValueError, match=f"{entry.name}: the state dict has no last_epoch"):
        scheduler.load_state_dict({})


@every_example
def test_what_is_inferred_follows_from_the_length_of_the_training(entry, example):
    for name, infer in entry.component.inferred.items():
        assert name in option_parameters(entry.component)
        found = infer(Schedule(epochs=4, batches=100, mode="max"))
        assert found == ("max" if name == "mode" else {"batch": 100, "epoch": 4}[entry.component.interval])


@every_example
def test_options_are_recorded(entry, example):
    scheduler = entry.build(SGD([parameter()], lr=0.1, momentum=0.9), **example.options)
    defaults = {name: p.default for name, p in option_parameters(entry.component).items() if p.default is not p.empty}

    held = slots(entry.component)  # schedulers, which are objects
    assert {name: value for name, value in scheduler.options.items() if name not in held} == {
        name: value for name, value in (defaults | example.options).items() if name not in held
    }
    assert list(scheduler.options) == list(option_parameters(entry.component))
    assert "optimizer" not in scheduler.options


class TestCosineAnnealing:
    def test_falls_to_eta_min_and_rises_again(self):
        scheduler = CosineAnnealingLR(SGD([parameter()], lr=1.0), T_max=4, eta_min=0.2)
        rates = []
        for _ in range(9):
            rates += scheduler.get_last_lr()
            scheduler.step()

        assert rates[0] == 1.0
        assert rates[4] == pytest.approx(0.2)
        assert rates[8] == pytest.approx(1.0)
        assert min(rates) == rates[4]

    def test_needs_at_least_one_epoch(self):
        with pytest.raises(ValueError, match="T_max must be at least 1, got T_max=0"):
            CosineAnnealingLR(SGD([parameter()]), T_max=0)


class TestOneCycle:
    def one_cycle(self, total_steps=10, **options):
        scheduler = OneCycleLR(SGD([parameter()], lr=0.1, momentum=0.9), 1.0, total_steps, **options)
        rates = []
        for _ in range(total_steps):
            rates += scheduler.get_last_lr()
            scheduler.step()
        return rates, scheduler

    def test_climbs_to_max_lr_and_falls_far_below_the_start(self):
        rates, _ = self.one_cycle(100)

        assert rates[0] == pytest.approx(1 / 25)
        assert max(rates) == rates[29] == pytest.approx(1.0)
        assert rates[-1] == pytest.approx(1 / 25 / 1e4)

    @pytest.mark.parametrize(
        ("total_steps", "pct_start"), [(10, 0.1), (10, 1.0), (1, 1.0), (1, 0.3), (2, 0.5), (10, 0.0)]
    )
    @pytest.mark.parametrize("three_phase", [False, True])
    def test_a_phase_without_length_is_no_division_by_zero(self, total_steps, pct_start, three_phase):
        rates, _ = self.one_cycle(total_steps, pct_start=pct_start, three_phase=three_phase)

        assert np.isfinite(rates).all()

    def test_does_not_go_on_after_the_end(self):
        _, scheduler = self.one_cycle(10)

        with pytest.raises(ValueError, match="step 11 is beyond the total_steps of 10"):
            scheduler.step()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"total_steps": 0}, "total_steps >= 1"),
            ({"pct_start": 1.5}, "pct_start <= 1"),
            ({"anneal_strategy": "square"}, "'cos' or 'linear', got 'square'"),
        ],
    )
    def test_options_out_of_range_are_refused(self, options, message):
        with pytest.raises(ValueError, match=message):
            OneCycleLR(SGD([parameter()], momentum=0.9), **{"max_lr": 1.0, "total_steps": 10} | options)


class TestSequence:
    def test_in_a_program_the_schedulers_are_objects(self):
        optimizer = sgd(lr=1.0)
        warm_up, decay = LinearLR(optimizer, start_factor=0.5, total_iters=2), ExponentialLR(optimizer, 0.9)
        scheduler = SequentialLR(optimizer, [warm_up, decay], milestones=[2])
        rates = []
        for _ in range(5):
            rates += scheduler.get_last_lr()
            scheduler.step()

        assert rates == pytest.approx([0.5, 0.75, 1.0, 0.9, 0.81])

    def test_of_schedulers_by_batches_goes_by_batches(self):
        optimizer = sgd()
        one_cycles = [OneCycleLR(optimizer, max_lr=1.0, total_steps=5) for _ in range(2)]

        assert SequentialLR(optimizer, one_cycles, [5]).interval == "batch"
        with pytest.raises(ValueError, match="schedulers that count alike, got intervals="):
            SequentialLR(optimizer, [one_cycles[0], LinearLR(optimizer)], [5])

    @pytest.mark.parametrize(
        ("schedulers_", "milestones", "message"),
        [
            ([], [], "needs a scheduler"),
            ([LinearLR], [2], "got schedulers=1, milestones=[2]"),
            ([LinearLR] * 3, [5, 2], "higher than the one before"),
            ([ReduceLROnPlateau, LinearLR], [5], "ReduceLROnPlateau follows a metric"),
        ],
    )
    def test_what_makes_no_sequence_is_refused(self, schedulers_, milestones, message):
        optimizer = sgd()
        with pytest.raises(ValueError, match=re.escape(message)):
            SequentialLR(optimizer, [kind(optimizer) for kind in schedulers_], milestones)

    def test_what_is_no_scheduler_is_refused(self):
        with pytest.raises(TypeError, match="expected schedulers, got 'LinearLR'"):
            SequentialLR(sgd(), ["LinearLR"], [])

    def test_schedulers_of_another_optimizer_are_refused(self):
        with pytest.raises(ValueError, match="schedulers of its own optimizer"):
            SequentialLR(sgd(), [LinearLR(sgd())], [])


@every_example
def test_what_is_no_optimizer_is_refused(entry, example):
    for given, options in (([None], example.options), ([], {"optimizer": None, **example.options})):
        with pytest.raises(TypeError, match=f"{entry.name}: expected an optimizer, got None"):
            entry.component(*given, **options)


class TestPlateau:
    def test_each_group_has_its_own_least_rate(self):
        optimizer = SGD([{"params": [parameter()]}, {"params": [parameter()]}], lr=1.0)
        scheduler = ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.5, 0.0])
        for _ in range(3):
            scheduler.step(1.0)

        assert scheduler.get_last_lr() == pytest.approx([0.5, 0.01])

    def test_a_tensor_is_a_metric_and_nothing_is_none(self):
        scheduler = ReduceLROnPlateau(sgd())
        scheduler.step(Tensor([0.5]))

        assert scheduler.best == 0.5
        with pytest.raises(TypeError, match=r"step needs the value of the metric: step\(metrics\)"):
            scheduler.step()


@pytest.mark.parametrize(
    ("scheduler", "options", "message"),
    [
        (StepLR, {"step_size": 0}, "step_size >= 1, got step_size=0"),
        (LinearLR, {"start_factor": 0.0}, "0 < start_factor <= 1, got start_factor=0.0"),
        (LinearLR, {"end_factor": 1.1}, "0 <= end_factor <= 1"),
        (LinearLR, {"total_iters": 0}, "total_iters >= 1"),
        (LambdaLR, {"lr_lambda": [abs, abs]}, "needs 1 functions"),
        (ReduceLROnPlateau, {"factor": 1.0}, "factor must be below 1, got factor=1.0"),
        (ReduceLROnPlateau, {"mode": "least"}, "'min' or 'max', got 'least'"),
        (ReduceLROnPlateau, {"min_lr": [0.1, 0.2]}, "one min_lr for each of 1 groups"),
        (OneCycleLR, {"max_lr": 1.0}, "needs total_steps, or else epochs and steps_per_epoch"),
        (OneCycleLR, {"max_lr": [1.0, 2.0], "total_steps": 5}, "one max_lr for each group"),
    ],
)
def test_options_out_of_range_are_named(scheduler, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        scheduler(sgd(), **options)
