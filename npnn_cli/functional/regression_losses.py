"""Losses of numbers: how far outputs are from their targets, as one number unless ``reduction`` says otherwise.

PyTorch broadcasts a target of another shape; here it is refused, because (N, 1) beside (N,) would make (N, N) losses.
See https://pytorch.org/docs/stable/nn.functional.html#loss-functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.ops import losses
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import constant, example, nonzero, normal, positive
from npnn_cli.functional.loss_reduction import (
    Reduction,
    comparable,
    elementwise_weight,
    reduced,
    require,
    weighted_reduction,
)
from npnn_cli.registry import functions

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


def _with_weight(loss: Callable[..., Any], input: Any, target: Any, weight: Any = None, **options: Any) -> Any:
    """Call a loss whose weight, which has a gradient of its own, is named."""
    return loss(input, target, weight=weight, **options)


@functions.register(
    example(normal(5, 3), normal(5, 3)),
    example(normal(5, 3), normal(5, 3), reduction="sum"),
    example(normal(5, 3), normal(5, 3), reduction="none"),
    example(normal(), normal()),
    example(normal(5, 3), normal(5, 3), positive(5, 3)),
    example(normal(5, 3), normal(5, 3), positive(5, 3), reduction="sum"),
    call=_with_weight,
)
def mse_loss(input: Tensor, target: Any, reduction: Reduction = "mean", weight: Any = None) -> Tensor:
    """Squared error (input - target)². With ``weight``, one number for each element, the mean is a weighted one.

    Raises:
        ValueError: if the shapes differ, or ``reduction`` is another.
        TypeError: if the input is not floating.
    """
    input, target = comparable("mse_loss", input, target)
    return weighted_reduction("mse_loss", (input - target) ** 2, weight, reduction)


@functions.register(
    example(nonzero(5, 3), constant(0.0, 5, 3)),
    example(nonzero(5, 3), constant(0.0, 5, 3), reduction="sum"),
    example(nonzero(5, 3), constant(0.0, 5, 3), reduction="none"),
    example(nonzero(5, 3), constant(0.0, 5, 3), positive(5, 3)),
    example(nonzero(5, 3), constant(0.0, 5, 3), positive(5, 3), reduction="none"),
    call=_with_weight,
)
def l1_loss(input: Tensor, target: Any, reduction: Reduction = "mean", weight: Any = None) -> Tensor:
    """Absolute error |input - target|. With ``weight``, one number for each element, the mean is a weighted one.

    Raises:
        ValueError: if the shapes differ, or ``reduction`` is another.
        TypeError: if the input is not floating.
    """
    input, target = comparable("l1_loss", input, target)
    return weighted_reduction("l1_loss", (input - target).abs(), weight, reduction)


@functions.register(
    example(normal(5, 3), normal(5, 3)),
    example(normal(5, 3), normal(5, 3), reduction="sum", delta=0.5),
    example(normal(2, 4, 3), normal(2, 4, 3), reduction="none", delta=2.0),
    example(normal(5, 3), normal(5, 3), positive(5, 3)),
    call=_with_weight,
)
def huber_loss(
    input: Tensor, target: Any, reduction: Reduction = "mean", delta: float = 1.0, weight: Any = None
) -> Tensor:
    """Huber loss of d = input - target: d²/2 where |d| <= delta, else delta·(|d| - delta/2).

    ``weight`` has one number for each element; unlike those of :func:`mse_loss`, it does not divide the mean.

    Raises:
        ValueError: if the shapes differ, ``delta`` is not above 0, or ``reduction`` is another.
        TypeError: if the input is not floating.
    """
    require(delta > 0, "huber_loss", "delta must be above 0", delta)
    input, target = comparable("huber_loss", input, target)
    each = apply(losses.huber, input, target, delta=delta)
    return reduced(each if weight is None else each * elementwise_weight("huber_loss", each, weight), reduction)


@functions.register(
    example(normal(5, 3), normal(5, 3)),
    example(normal(5, 3), normal(5, 3), reduction="sum", beta=0.5),
    example(normal(2, 4, 3), normal(2, 4, 3), reduction="none", beta=2.0),
    example(nonzero(5, 3), constant(0.0, 5, 3), beta=0.0),
)
def smooth_l1_loss(input: Tensor, target: Any, reduction: Reduction = "mean", beta: float = 1.0) -> Tensor:
    """Huber loss over its delta: d²/(2·beta) where |d| < beta, else |d| - beta/2; for beta = 0 the absolute error.

    Raises:
        ValueError: if the shapes differ, ``beta`` is below 0, or ``reduction`` is another.
        TypeError: if the input is not floating.
    """
    require(beta >= 0, "smooth_l1_loss", "beta must not be below 0", beta)
    input, target = comparable("smooth_l1_loss", input, target)
    each = apply(losses.huber, input, target, delta=beta) / beta if beta else (input - target).abs()
    return reduced(each, reduction)
