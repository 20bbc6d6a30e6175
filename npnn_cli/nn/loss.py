"""Losses: how far a batch of outputs is from its targets, as one number to minimize."""

from __future__ import annotations

from typing import Any

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import classes, constant, example, nonzero, normal
from npnn_cli.functional import Reduction
from npnn_cli.nn.module import Module
from npnn_cli.registry import losses

__all__ = ["CrossEntropyLoss", "L1Loss", "MAELoss", "MSELoss"]


class Loss(Module):
    """Base of all losses: called with the outputs and the targets of a batch."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got '{reduction}'")
        self.reduction = reduction

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")


@losses.register(example(normal(5, 3), normal(5, 3)), example(normal(5, 3), normal(5, 3), reduction="sum"))
class MSELoss(Loss):
    """Mean squared error."""

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets of the same shape."""
        return F.mse_loss(input, target, self.reduction)


@losses.register(
    example(nonzero(5, 3), constant(0.0, 5, 3)),
    example(nonzero(5, 3), constant(0.0, 5, 3), reduction="sum"),
    alias="MAELoss",
)
class L1Loss(Loss):
    """Mean absolute error."""

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets of the same shape."""
        return F.l1_loss(input, target, self.reduction)


MAELoss = L1Loss


@losses.register(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), reduction="sum", label_smoothing=0.1),
)
class CrossEntropyLoss(Loss):
    """Cross-entropy of logits (N, C) against class indices (N,), see :func:`npnn_cli.functional.cross_entropy`."""

    def __init__(self, reduction: Reduction = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"CrossEntropyLoss: label_smoothing must lie between 0 and 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of logits against class indices."""
        return F.cross_entropy(input, target, self.reduction, self.label_smoothing)
