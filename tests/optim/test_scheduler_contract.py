"""What every registered scheduler promises, on all its examples, beside what tests/proofs prove."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli.optim import SGD, Adam, CosineAnnealingLR, OneCycleLR, RMSprop
from npnn_cli.optim.lr_scheduler import Schedule
from npnn_cli.registry import option_parameters, schedulers

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
    our_scheduler = entry.component(ours, **example.options)
    their_scheduler = getattr(torch.optim.lr_scheduler, entry.name)(theirs, **example.options)

    for _ in range(45):
        for our_group, their_group in zip(ours.param_groups, theirs.param_groups, strict=True):
            for option in {"lr", "betas", "momentum"} & their_group.keys():
                assert our_group[option] == pytest.approx(their_group[option], rel=1e-9, abs=1e-12)
        assert our_scheduler.get_last_lr() == pytest.approx(their_scheduler.get_last_lr(), rel=1e-9, abs=1e-12)
        theirs.step()
        our_scheduler.step()
        their_scheduler.step()


@every_example
def test_what_is_inferred_follows_from_the_length_of_the_training(entry, example):
    for name, infer in entry.component.inferred.items():
        assert name in option_parameters(entry.component)
        length = infer(Schedule(epochs=4, steps_per_epoch=25))
        assert length == {"batch": 100, "epoch": 4}[entry.component.interval]


@every_example
def test_options_are_recorded(entry, example):
    scheduler = entry.component(SGD([parameter()], lr=0.1, momentum=0.9), **example.options)
    defaults = {name: p.default for name, p in option_parameters(entry.component).items() if p.default is not p.empty}

    assert scheduler.options == defaults | example.options
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
        with pytest.raises(ValueError, match="T_max must be at least 1, got 0"):
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
