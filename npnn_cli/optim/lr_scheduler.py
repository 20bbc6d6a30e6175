"""Learning-rate schedules: the learning rate as a function of how far the training has come."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from npnn_cli.examples import example
from npnn_cli.optim.optimizer import Optimizer
from npnn_cli.registry import Component, schedulers

__all__ = ["CosineAnnealingLR", "OneCycleLR"]


@dataclass(frozen=True)
class Schedule:
    """How long a training is: what a scheduler's length follows from when a spec leaves it out."""

    epochs: int
    steps_per_epoch: int


class LRScheduler(Component):
    """Sets the learning rate of an optimizer's groups after every step.

    A subclass defines :meth:`options_at`, what it sets, as a function of the number of steps taken.

    Attributes:
        interval: whether a training calls :meth:`step` after every batch or after every epoch.
        last_step: the number of steps taken.
    """

    injected: ClassVar[frozenset[str]] = frozenset({"optimizer"})
    interval: ClassVar[Literal["batch", "epoch"]] = "epoch"

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.base_lrs: list[float] = [group["lr"] for group in optimizer.param_groups]
        self.last_step = 0
        self._set()

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The options of a group whose learning rate was ``base_lr`` at first, after so many steps."""
        raise NotImplementedError(f"{type(self).__name__} must define options_at")

    def step(self) -> None:
        """Go on by one step."""
        self.last_step += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group at the moment."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set(self) -> None:
        for group, base_lr in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            options = self.options_at(self.last_step, base_lr)
            if "momentum" in options and "betas" in group:  # Adam's first beta is its momentum
                options["betas"] = (options.pop("momentum"), *group["betas"][1:])
            group.update(options)


@schedulers.register(example(T_max=10, eta_min=0.001), example(T_max=7))
class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first learning rate down to ``eta_min`` over ``T_max`` epochs, after which it rises again.

    lr = eta_min + (base_lr - eta_min) · (1 + cos(π·step / T_max)) / 2.
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html.
    """

    inferred: ClassVar[Mapping[str, Callable[[Schedule], int]]] = {"T_max": lambda schedule: schedule.epochs}

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max must be at least 1, got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        return {"lr": _cosine(base_lr, self.eta_min, step / self.T_max)}


@schedulers.register(
    example(max_lr=0.1, total_steps=50),
    example(max_lr=0.1, total_steps=50, pct_start=0.4, anneal_strategy="linear", three_phase=True, div_factor=10.0),
    example(max_lr=0.1, total_steps=50, cycle_momentum=False),
)
class OneCycleLR(LRScheduler):
    """One cycle over the whole training: the learning rate climbs to ``max_lr``, then falls far below where it began.

    The rate starts at max_lr / div_factor, peaks after the share ``pct_start`` of all steps, and ends at the start
    divided by final_div_factor. The momentum (or Adam's first beta) goes the opposite way, from max_momentum to
    base_momentum and back, if ``cycle_momentum``.
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html.

    Raises:
        ValueError: if an option is out of its range, or the optimizer has no momentum to cycle.
    """

    interval: ClassVar[Literal["batch", "epoch"]] = "batch"
    inferred: ClassVar[Mapping[str, Callable[[Schedule], int]]] = {
        "total_steps": lambda schedule: schedule.epochs * schedule.steps_per_epoch
    }

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if total_steps < 1 or not 0 <= pct_start <= 1:
            raise ValueError(
                f"OneCycleLR: needs total_steps >= 1 and 0 <= pct_start <= 1, got {total_steps}, {pct_start}"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got '{anneal_strategy}'")
        if cycle_momentum and not {"momentum", "betas"} & optimizer.param_groups[0].keys():
            raise ValueError(f"OneCycleLR: {type(optimizer).__name__} has no momentum: set cycle_momentum to false")
        self.total_steps, self.anneal = total_steps, {"cos": _cosine, "linear": _linear}[anneal_strategy]
        self.cycle_momentum = cycle_momentum
        low, lowest = max_lr / div_factor, max_lr / div_factor / final_div_factor
        peak, last = pct_start * total_steps - 1, total_steps - 1.0
        # Each phase: its first and last step, the learning rate and the momentum from its start to its end.
        self.phases = [(0.0, peak, (low, max_lr), (max_momentum, base_momentum))]
        if three_phase:
            self.phases += [(peak, 2 * peak, (max_lr, low), (base_momentum, max_momentum))]
            self.phases += [(2 * peak, last, (low, lowest), (max_momentum, max_momentum))]
        else:
            self.phases += [(peak, last, (max_lr, lowest), (base_momentum, max_momentum))]
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate and the momentum after so many batches; ``base_lr`` does not matter."""
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: step {step} is beyond the total_steps of {self.total_steps}")
        phases = (phase for phase in self.phases if step <= phase[1])
        first, last, lrs, momenta = next(phases, self.phases[-1])
        share = (step - first) / (last - first) if last > first else 1.0
        options = {"lr": self.anneal(*lrs, share)}
        if self.cycle_momentum:
            options["momentum"] = self.anneal(*momenta, share)
        return options


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _linear(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
