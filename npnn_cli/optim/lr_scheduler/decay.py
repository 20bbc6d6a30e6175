"""Schedules that multiply the first learning rate by a factor that follows from the number of epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from npnn_cli.examples import example
from npnn_cli.optim.lr_scheduler.scheduler import LRScheduler
from npnn_cli.optim.optimizer import Optimizer
from npnn_cli.registry import schedulers

__all__ = ["ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "StepLR"]


@schedulers.register(example(step_size=7), example(step_size=3, gamma=0.8))
class StepLR(LRScheduler):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs: lr = base_lr · gamma^⌊step / step_size⌋.

    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.require(step_size >= 1, "needs step_size >= 1", step_size=step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        return {"lr": base_lr * self.gamma ** (step // self.step_size)}


@schedulers.register(example(milestones=[30, 10]), example(milestones=[5, 20, 20], gamma=0.5))
class MultiStepLR(LRScheduler):
    """Multiply the learning rate by ``gamma`` at every milestone: lr = base_lr · gamma^(milestones reached).

    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html.
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = milestones, gamma
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        return {"lr": base_lr * self.gamma ** sum(milestone <= step for milestone in self.milestones)}


@schedulers.register(example(gamma=0.95), example(gamma=1.02))
class ExponentialLR(LRScheduler):
    """Multiply the learning rate by ``gamma`` every epoch: lr = base_lr · gamma^step.

    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html.
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        return {"lr": base_lr * self.gamma**step}


@schedulers.register(example(), example(start_factor=0.1, end_factor=0.8, total_iters=12))
class LinearLR(LRScheduler):
    """Lead the learning rate evenly from start_factor · base_lr to end_factor · base_lr in ``total_iters`` epochs.

    This is a warm-up; :class:`SequentialLR` lets another schedule follow.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.require(0 < start_factor <= 1, "needs 0 < start_factor <= 1", start_factor=start_factor)
        self.require(0 <= end_factor <= 1, "needs 0 <= end_factor <= 1", end_factor=end_factor)
        self.require(total_iters >= 1, "needs total_iters >= 1", total_iters=total_iters)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate after so many epochs."""
        share = min(step, self.total_iters) / self.total_iters
        return {"lr": base_lr * (self.start_factor + (self.end_factor - self.start_factor) * share)}


def _inverse_square_root(step: int) -> float:
    return float((1 + step) ** -0.5)


@schedulers.register(example(lr_lambda=_inverse_square_root))
class LambdaLR(LRScheduler):
    """Multiply the first learning rate by a function of the number of epochs: lr = base_lr · lr_lambda(step).

    A list gives each parameter group a function of its own. A spec cannot name functions, so this one is for programs.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, Sequence) else [lr_lambda] * groups
        self.require(len(self.lr_lambdas) == groups, f"needs {groups} functions", lr_lambda=lr_lambda)
        super().__init__(optimizer)

    def set_options(self) -> None:
        """Give each group what its own function says."""
        for group, base_lr, factor in zip(self.optimizer.param_groups, self.base_lrs, self.lr_lambdas, strict=True):
            group["lr"] = base_lr * factor(self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """What changes with the steps; functions cannot be saved, and PyTorch says None for each."""
        return super().state_dict() | {"lr_lambdas": [None] * len(self.lr_lambdas)}

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The learning rate of the first group after so many epochs."""
        return {"lr": base_lr * self.lr_lambdas[0](step)}
