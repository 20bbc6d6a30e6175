"""What all losses have in common: the checks of their arguments, and the reduction to one number."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.functional.inputs import floating

Reduction = Literal["mean", "sum", "none"]


def comparable(op: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Input and target as tensors, if their shapes are equal and the input is floating."""
    input = floating(op, input)
    target = target if isinstance(target, Tensor) else Tensor(np.asarray(target, input.dtype))
    if target.shape != input.shape:
        raise ValueError(f"{op}: input has shape {input.shape}, target {target.shape}; they must be equal")
    return input, target


def require(holds: bool, op: str, expected: str, got: Any) -> None:
    """Refuse an argument of which something does not hold."""
    if not holds:
        raise ValueError(f"{op}: {expected}, got {got}")


def reduced(each: Tensor, reduction: str, known: tuple[str, ...] = ("mean", "sum", "none")) -> Tensor:
    """The losses as one number, or as they are.

    Raises:
        ValueError: if the reduction is not among those known.
    """
    if reduction == "mean":
        return each.mean()
    if reduction == "sum":
        return each.sum()
    if reduction == "none":
        return each
    *first, last = map(repr, known)
    raise ValueError(f"reduction must be {', '.join(first)} or {last}, got '{reduction}'")


def weighted_reduction(op: str, each: Tensor, weight: Any, reduction: str) -> Tensor:
    """Reduce; the mean is divided by the weights, if there are any."""
    if weight is None:
        return reduced(each, reduction)
    weight = elementwise_weight(op, each, weight)
    weighted: Tensor = each * weight
    if reduction != "mean":
        return reduced(weighted, reduction)
    mean: Tensor = weighted.sum() / weight.sum()
    return mean


def elementwise_weight(op: str, each: Tensor, weight: Any) -> Tensor:
    """A weight that has one number for each loss."""
    tensor = weight if isinstance(weight, Tensor) else Tensor(np.asarray(weight, each.dtype))
    require(tensor.shape == each.shape, op, f"weight must have the input's shape {each.shape}", tensor.shape)
    return tensor


def scaled(op: str, each: Tensor, weight: Any) -> Tensor:
    """Each loss times its weight, which is repeated along dimensions that it lacks."""
    if weight is None:
        return each
    weighted: Tensor = each * broadcast_weight(op, "weight", weight, each)
    return weighted


def broadcast_weight(op: str, name: str, weight: Any, input: Tensor) -> Array:
    """A weight that is repeated along dimensions of the input, but does not stretch it."""
    array: Array = Tensor(weight).data.astype(input.dtype)
    fits = array.ndim <= input.ndim and all(
        n in (1, size) for n, size in zip(array.shape[::-1], input.shape[::-1], strict=False)
    )
    require(fits, op, f"{name} must broadcast to the input's shape {input.shape}", array.shape)
    return array
