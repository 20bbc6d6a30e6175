"""A schedule that follows how well the training goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from npnn_cli.examples import example
from npnn_cli.optim.lr_scheduler.scheduler import LRScheduler, Schedule
from npnn_cli.optim.optimizer import Optimizer
from npnn_cli.registry import schedulers

__all__ = ["ReduceLROnPlateau"]


@schedulers.register(
    example(patience=2),
    example(mode="max", factor=0.5, patience=0, threshold=0.01, threshold_mode="abs", cooldown=2),
    example(factor=0.5, patience=1, min_lr=0.01, eps=1e-3),
    example(mode="max", factor=0.7, patience=3, threshold=0.1),
)
class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rate by ``factor`` when a metric has not improved for more than ``patience`` epochs.

    An improvement is one by more than ``threshold``, relative to the best so far or (``threshold_mode="abs"``) in the
    metric's own unit; nan is none. After a reduction, ``cooldown`` epochs do not count. The rate never falls below
    ``min_lr`` (a list gives each group its own), nor by less than ``eps``.
    In a spec, the metric is the one that early stopping watches, val_loss by default, and ``mode`` follows from it.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html.
    """

    remembered = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")
    inferred: ClassVar[Mapping[str, Callable[[Schedule], str]]] = {"mode": lambda schedule: schedule.mode}

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.require(factor < 1, "factor must be below 1", factor=factor)
        groups = len(optimizer.param_groups)
        self.min_lrs = list(min_lr) if isinstance(min_lr, Sequence) else [min_lr] * groups
        self.require(len(self.min_lrs) == groups, f"needs one min_lr for each of {groups} groups", min_lr=min_lr)
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.sign = 1 if mode == "min" else -1
        self.threshold, self.relative = threshold, threshold_mode == "rel"
        self.best = self.sign * math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """Nothing: what is set does not follow from the number of epochs."""
        return {}

    def step(self, metrics: Any = None) -> None:
        """Go on by one epoch, whose metric has this value (a number or a tensor of one element)."""
        if metrics is None:
            raise TypeError("ReduceLROnPlateau: step needs the value of the metric: step(metrics)")
        self.last_epoch += 1
        value = float(metrics)
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _is_better(self, value: float) -> bool:
        if self.relative:
            return self.sign * value < self.sign * self.best * (1 - self.sign * self.threshold)
        return self.sign * value < self.sign * self.best - self.threshold

    def _reduce(self) -> None:
        for group, min_lr in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, min_lr)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr
