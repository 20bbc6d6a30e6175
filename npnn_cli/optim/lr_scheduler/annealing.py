"""Schedules that lead the learning rate along a curve: half a cosine, once or again and again, or one cycle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from npnn_cli.examples import example
from npnn_cli.optim.lr_scheduler.scheduler import Interval, LRScheduler, Schedule
from npnn_cli.optim.optimizer import Optimizer
from npnn_cli.registry import schedulers

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR"]


@schedulers.register(example(T_max=10, eta_min=0.001), example(T_max=7))
class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first learning rate down to ``eta_min`` over ``T_max`` epochs, after which it rises again.

    lr = eta_min + (base_lr - eta_min) · (1 + cos(π·step / T_max)) / 2.
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html.
    """

    inferred: ClassVar[Mapping[str, Callable[[Schedule], int]]] = {"T_max": lambda schedule: schedule.epochs}

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.require(T_max >= 1, "T_max must be at least 1", T_max=T_max)
        self.require(eta_min >= 0, "eta_min must be at least 0", eta_min=eta_min)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        return {"lr": _cosine(base_lr, self.eta_min, step / self.T_max)}


@schedulers.register(example(T_0=10), example(T_0=3, T_mult=2, eta_min=0.001))
class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the first learning rate down to ``eta_min``, again and again.

    The first takes ``T_0`` epochs, each further one ``T_mult`` times as many as the one before.
    lr = eta_min + (base_lr - eta_min) · (1 + cos(π·T_cur / T_i)) / 2, T_cur the epochs since the restart.
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.require(T_0 >= 1 and T_mult >= 1, "T_0 and T_mult must be at least 1", T_0=T_0, T_mult=T_mult)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        since_restart, length = self._cycle(step)
        return {"lr": _cosine(base_lr, self.eta_min, since_restart / length)}

    def state_dict(self) -> dict[str, Any]:
        """What changes with the steps, and where in the cycle they lead, which PyTorch keeps too."""
        since_restart, length = self._cycle(self.last_epoch)
        return super().state_dict() | {"T_cur": since_restart, "T_i": length}

    def _cycle(self, step: int) -> tuple[int, int]:
        """The epochs since the last restart, and the length of the cycle that began there."""
        length = self.T_0
        if self.T_mult == 1:
            return step % length, length
        while step >= length:
            step, length = step - length, length * self.T_mult
        return step, length


@schedulers.register(
    example(max_lr=0.1, total_steps=50),
    example(max_lr=0.1, total_steps=50, pct_start=0.4, anneal_strategy="linear", three_phase=True, div_factor=10.0),
    example(max_lr=0.1, epochs=10, steps_per_epoch=5, cycle_momentum=False, final_div_factor=100.0),
    example(max_lr=0.1, total_steps=50, base_momentum=0.7, max_momentum=0.9),
)
class OneCycleLR(LRScheduler):
    """One cycle over the whole training: the learning rate climbs to ``max_lr``, then falls far below where it began.

    The rate starts at max_lr / div_factor, peaks after the share ``pct_start`` of all steps, and ends at the start
    divided by final_div_factor. The momentum (or Adam's first beta) goes the opposite way, from max_momentum to
    base_momentum and back, if ``cycle_momentum``. Steps are batches: ``total_steps``, or else epochs · steps_per_epoch.
    A list as ``max_lr`` gives each parameter group its own.
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html.

    Raises:
        ValueError: if an option is out of its range, or the optimizer has no momentum to cycle.
    """

    interval: Interval = "batch"
    inferred: ClassVar[Mapping[str, Callable[[Schedule], int]]] = {"total_steps": lambda schedule: schedule.batches}

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if total_steps is None:
            expected = "needs total_steps, or else epochs and steps_per_epoch"
            self.require(bool(epochs and steps_per_epoch), expected, epochs=epochs, steps_per_epoch=steps_per_epoch)
            total_steps = (epochs or 0) * (steps_per_epoch or 0)
        self.require(total_steps >= 1, "needs total_steps >= 1", total_steps=total_steps)
        self.require(0 <= pct_start <= 1, "needs 0 <= pct_start <= 1", pct_start=pct_start)
        strategies = {"cos": _cosine, "linear": _linear}
        if cycle_momentum and not {"momentum", "betas"} & optimizer.param_groups[0].keys():
            raise ValueError(f"OneCycleLR: {type(optimizer).__name__} has no momentum: set cycle_momentum to false")
        if cycle_momentum:
            momenta = {"base_momentum": base_momentum, "max_momentum": max_momentum}
            self.require(
                all(0 <= momentum < 1 for momentum in momenta.values()), "momenta must lie in [0, 1)", **momenta
            )
        peaks = list(max_lr) if isinstance(max_lr, Sequence) else [max_lr] * len(optimizer.param_groups)
        self.require(len(peaks) == len(optimizer.param_groups), "needs one max_lr for each group", max_lr=max_lr)
        self.require(min(peaks) >= 0, "max_lr must be at least 0", max_lr=max_lr)
        self.require(div_factor > 0, "div_factor must be above 0", div_factor=div_factor)
        self.require(final_div_factor > 0, "final_div_factor must be above 0", final_div_factor=final_div_factor)
        for group, peak_lr in zip(optimizer.param_groups, peaks, strict=True):
            group["initial_lr"] = peak_lr / div_factor
        self.total_steps, self.anneal, self.cycle_momentum = total_steps, strategies[anneal_strategy], cycle_momentum
        low, high, lowest = 1.0, div_factor, 1 / final_div_factor
        peak, last = pct_start * total_steps - 1, total_steps - 1.0
        # Each phase: its first and last step, the learning rate (in units of the first) and the momentum at both.
        self.phases = [(0.0, peak, (low, high), (max_momentum, base_momentum))]
        if three_phase:
            self.phases += [(peak, 2 * peak, (high, low), (base_momentum, max_momentum))]
            self.phases += [(2 * peak, last, (low, lowest), (max_momentum, max_momentum))]
        else:
            self.phases += [(peak, last, (high, lowest), (base_momentum, max_momentum))]
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate and the momentum after so many batches."""
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: step {step} is beyond the total_steps of {self.total_steps}")
        phases = (phase for phase in self.phases if step <= phase[1])
        first, last, factors, momenta = next(phases, self.phases[-1])
        share = (step - first) / (last - first) if last > first else 1.0
        options = {"lr": base_lr * self.anneal(*factors, share)}
        if self.cycle_momentum:
            options["momentum"] = self.anneal(*momenta, share)
        return options


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _linear(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
