"""Losses: how far outputs are from their targets, as one number unless ``reduction`` says otherwise."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.ops import losses
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import classes, constant, example, nonzero, normal
from npnn_cli.registry import functions

__all__ = ["Reduction", "cross_entropy", "l1_loss", "mse_loss"]


Reduction = Literal["mean", "sum", "none"]


@functions.register(
    example(normal(5, 3), normal(5, 3)),
    example(normal(5, 3), normal(5, 3), reduction="sum"),
    example(normal(5, 3), normal(5, 3), reduction="none"),
)
def mse_loss(input: Tensor, target: Any, reduction: Reduction = "mean") -> Tensor:
    """Squared error (input - target)², averaged over all elements unless ``reduction`` says otherwise."""
    return _reduce((input - _like(input, target, "mse_loss")) ** 2, reduction)


@functions.register(
    example(nonzero(5, 3), constant(0.0, 5, 3)),
    example(nonzero(5, 3), constant(0.0, 5, 3), reduction="sum"),
    example(nonzero(5, 3), constant(0.0, 5, 3), reduction="none"),
)
def l1_loss(input: Tensor, target: Any, reduction: Reduction = "mean") -> Tensor:
    """Absolute error |input - target|, averaged over all elements unless ``reduction`` says otherwise."""
    return _reduce((input - _like(input, target, "l1_loss")).abs(), reduction)


@functions.register(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), reduction="sum", label_smoothing=0.1),
)
def cross_entropy(input: Tensor, target: Any, reduction: Reduction = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of logits (N, C) against class indices (N,), averaged unless ``reduction`` says otherwise.

    See https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html.

    Raises:
        TypeError, ValueError, IndexError: if the targets are not integers, do not fit, or are outside the classes.
    """
    target = target if isinstance(target, Tensor) else np.asarray(target)
    return _reduce(apply(losses.softmax_cross_entropy, input, target, label_smoothing=label_smoothing), reduction)


def _like(input: Tensor, target: Any, op: str) -> Any:
    """The target, if it has the input's shape: broadcasting (N, 1) with (N,) to (N, N) would hide a mistake."""
    shape = target.shape if isinstance(target, Tensor) else np.shape(target)
    if shape != input.shape:
        raise ValueError(f"{op}: input has shape {input.shape}, target {shape}; they must be equal")
    return target


def _reduce(each: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "mean":
        return each.mean()
    if reduction == "sum":
        return each.sum()
    if reduction == "none":
        return each
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got '{reduction}'")
