"""What all schedulers share: the first learning rates, and the count of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from npnn_cli.optim.optimizer import Optimizer
from npnn_cli.options import Component

Interval = Literal["batch", "epoch"]


@dataclass(frozen=True)
class Schedule:
    """A training's length and goal: what a scheduler's options follow from when a spec leaves them out.

    Attributes:
        epochs: passes over the training data.
        batches: steps in all of them.
        mode: whether the metric that the training watches is better when it is lower or higher.
    """

    epochs: int
    batches: int
    mode: Literal["min", "max"] = "min"

    def part(self, start: int, end: int | None = None) -> Schedule:
        """What lies between two steps, or behind one, whichever a scheduler counts: epochs or batches."""
        epochs, batches = (max(1, (whole if end is None else end) - start) for whole in (self.epochs, self.batches))
        return Schedule(epochs, batches, self.mode)


class LRScheduler(Component):
    """Sets the learning rate of an optimizer's groups after every step.

    A subclass defines :meth:`options_at`, what it sets, as a function of the number of steps taken: unlike PyTorch's,
    it does not go on from what somebody else, a user or another scheduler, has set in between. Where several schedulers
    shall act on one optimizer, :class:`SequentialLR` puts them in order.

    Attributes:
        interval: whether a training calls :meth:`step` after every batch or after every epoch.
        remembered: the names of the attributes that change with the steps.
        base_lrs: the first learning rate of each group; the group keeps it as ``initial_lr``.
        last_epoch: the number of steps taken (of epochs or of batches, as ``interval`` says).

    Raises:
        TypeError: if the optimizer is none.
    """

    injected: ClassVar[frozenset[str]] = frozenset({"optimizer"})
    interval: Interval = "epoch"
    remembered: ClassVar[tuple[str, ...]] = ("last_epoch", "base_lrs")

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse what is no optimizer, before any constructor reads its groups."""
        given = {"optimizer": args[0]} if args else kwargs
        if "optimizer" in given and not isinstance(given["optimizer"], Optimizer):
            raise TypeError(f"{cls.__name__}: expected an optimizer, got {given['optimizer']!r}")
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.base_lrs: list[float] = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        self.last_epoch = 0
        self.set_options()

    def options_at(self, step: int, base_lr: float) -> dict[str, Any]:
        """The options of a group whose learning rate was ``base_lr`` at first, after so many steps."""
        raise NotImplementedError(f"{type(self).__name__} must define options_at")

    def step(self) -> None:
        """Go on by one step."""
        self.last_epoch += 1
        self.set_options()

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group at the moment."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def set_options(self) -> None:
        """Give the optimizer what belongs to the steps taken so far."""
        for group, base_lr in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            options = self.options_at(self.last_epoch, base_lr)
            if "momentum" in options and "betas" in group:  # Adam's first beta is its momentum
                options["betas"] = (options.pop("momentum"), *group["betas"][1:])
            group.update(options)

    def state_dict(self) -> dict[str, Any]:
        """What changes with the steps, in PyTorch's names; the options are not in it."""
        state = {name: getattr(self, name) for name in self.remembered} | {"_last_lr": self.get_last_lr()}
        return {name: list(value) if isinstance(value, list) else value for name, value in state.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where another scheduler of the same options stood; PyTorch's state will do.

        The learning rates are the optimizer's, and come with its own state dict.

        Raises:
            ValueError: if something is missing.
        """
        if missing := [name for name in self.remembered if name not in state_dict]:
            raise ValueError(f"{type(self).__name__}: the state dict has no {', '.join(missing)}")
        for name in self.remembered:
            value = state_dict[name]
            setattr(self, name, list(value) if isinstance(value, list) else value)

    def require(self, holds: bool, expected: str, **got: Any) -> None:
        """Raise a ValueError that says what was expected and what came, unless the condition holds."""
        if not holds:
            values = ", ".join(f"{name}={value!r}" for name, value in got.items())
            raise ValueError(f"{type(self).__name__}: {expected}, got {values}")
