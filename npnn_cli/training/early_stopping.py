"""Early stopping: end a training that no longer improves, and keep the best weights."""

from __future__ import annotations

import math
from typing import Literal

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.nn.module import Module


class EarlyStopping:
    """Called with a value after every epoch, says when the value has not improved for ``patience`` epochs.

    ::

        stopper = EarlyStopping(patience=5)
        for epoch in range(100):
            ...
            if stopper(val_loss, model):
                break

    Args:
        patience: epochs without improvement after which to stop, at least 1.
        min_delta: how much better than the best a value must be to count as an improvement.
        restore_best_weights: whether to put the best weights back into the model when it stops.
        mode: whether the least value is the best or the greatest.

    Attributes:
        best: the best value so far; nan never is.
        best_epoch: the number of the call that brought it, from 1; 0 before the first.
        epochs_without_improvement: calls since then.
        stopped: whether patience has run out.

    Prechelt, "Early stopping - but when?", 1998.
    """

    def __init__(
        self,
        patience: int = 5,
        min_delta: float = 0.0,
        restore_best_weights: bool = True,
        *,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        if patience < 1 or min_delta < 0:
            raise ValueError(f"EarlyStopping: needs patience >= 1 and min_delta >= 0, got {patience}, {min_delta}")
        if mode not in ("min", "max"):
            raise ValueError(f"EarlyStopping: mode must be 'min' or 'max', got '{mode}'")
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.restore_best_weights = restore_best_weights
        self.best = math.inf if mode == "min" else -math.inf
        self.best_epoch = self.epoch = 0
        self.best_weights: dict[str, Array] | None = None

    def __call__(self, value: float, model: Module) -> bool:
        """Take note of an epoch's value, and keep the model's weights if it is the best; return whether to stop."""
        self.epoch += 1
        if self._improves(value):
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = model.state_dict()
        if self.stopped and self.restore_best_weights:
            self.restore(model)
        return self.stopped

    @property
    def epochs_without_improvement(self) -> int:
        """Epochs since the best."""
        return self.epoch - self.best_epoch

    @property
    def stopped(self) -> bool:
        """Whether patience has run out."""
        return self.epochs_without_improvement >= self.patience

    def restore(self, model: Module) -> None:
        """Put the best weights, if there are any, back into the model."""
        if self.best_weights is not None:
            model.load_state_dict(self.best_weights)

    def _improves(self, value: float) -> bool:
        if self.mode == "min":
            return value < self.best - self.min_delta
        return value > self.best + self.min_delta
