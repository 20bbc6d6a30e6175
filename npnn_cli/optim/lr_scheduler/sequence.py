"""Several schedulers, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from npnn_cli import registry
from npnn_cli.examples import example
from npnn_cli.optim.lr_scheduler.plateau import ReduceLROnPlateau
from npnn_cli.optim.lr_scheduler.scheduler import LRScheduler, Schedule
from npnn_cli.optim.optimizer import Optimizer

__all__ = ["SequentialLR"]

_WARM_UP = {"type": "LinearLR", "start_factor": 0.1, "total_iters": 4}


@registry.schedulers.register(
    example(schedulers=[_WARM_UP, {"type": "CosineAnnealingLR", "T_max": 20}], milestones=[4]),
    example(
        schedulers=["LinearLR", {"type": "CosineAnnealingWarmRestarts", "T_0": 6}, {"type": "StepLR", "step_size": 5}],
        milestones=[7, 30],
    ),
)
class SequentialLR(LRScheduler):
    """One scheduler after the other: each takes over at its milestone, as if the training began there.

    A warm-up, in a spec: ``schedulers: [{type: LinearLR, start_factor: 0.1, total_iters: 4}, CosineAnnealingLR]`` with
    ``milestones: [4]``; the length of the last, if it is left out, is what remains of the training.
    See https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html.

    Raises:
        TypeError: if something in the list is no scheduler.
        ValueError: if the milestones do not fit the schedulers, or the schedulers do not fit each other.
    """

    remembered = ("last_epoch",)

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[Annotated[LRScheduler, registry.schedulers]],
        milestones: Sequence[int],
    ) -> None:
        self.schedulers, self.milestones = schedulers, milestones
        expected = "needs a scheduler, and a milestone, higher than the one before, for each further one"
        fits = len(self.schedulers) == len(milestones) + 1 and list(milestones) == sorted({*milestones})
        self.require(fits, expected, schedulers=len(self.schedulers), milestones=list(milestones))
        for part in self.schedulers:
            if not isinstance(part, LRScheduler):
                raise TypeError(f"SequentialLR: expected schedulers, got {part!r}")
            self.require(part.optimizer is optimizer, "needs schedulers of its own optimizer", other=part.optimizer)
            if isinstance(part, ReduceLROnPlateau):
                raise ValueError("SequentialLR: ReduceLROnPlateau follows a metric and cannot be part of a sequence")
        self.interval = self.schedulers[0].interval
        intervals = {type(part).__name__: part.interval for part in self.schedulers}
        self.require({*intervals.values()} == {self.interval}, "needs schedulers that count alike", intervals=intervals)
        super().__init__(optimizer)

    @classmethod
    def context_inside(cls, context: Schedule, options: Mapping[str, Any], position: int) -> Schedule:
        """The part of the training in which it is a scheduler's turn."""
        milestones = [0, *options["milestones"]]
        return context.part(*milestones[position : position + 2])

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """What the scheduler whose turn it is sets after so many steps."""
        part, own_step = self._turn(step)
        return part.options_at(own_step, base_lr)

    def set_options(self) -> None:
        """Let the scheduler whose turn it is set what belongs to its own number of steps."""
        part, own_step = self._turn(self.last_epoch)
        part.last_epoch = own_step
        part.set_options()

    def state_dict(self) -> dict[str, Any]:
        """What changes with the steps, for each scheduler too."""
        return super().state_dict() | {"_schedulers": [part.state_dict() for part in self.schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where another sequence of the same schedulers stood."""
        super().load_state_dict(state_dict)
        for part, state in zip(self.schedulers, state_dict["_schedulers"], strict=True):
            part.load_state_dict(state)

    def _turn(self, step: int) -> tuple[LRScheduler, int]:
        """The scheduler whose turn it is, and the steps since it took over."""
        position = bisect_right(self.milestones, step)
        return self.schedulers[position], step - (self.milestones[position - 1] if position else 0)
