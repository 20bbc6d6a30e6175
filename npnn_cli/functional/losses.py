"""Losses of classes and of probabilities, as one number unless ``reduction`` says otherwise.

See https://pytorch.org/docs/stable/nn.functional.html#loss-functions.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.dtypes import require_floating, require_one_dtype
from npnn_cli.autograd.ops import losses
from npnn_cli.autograd.ops.arguments import require_whole
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import classes, example, normal, uniform
from npnn_cli.functional.elementwise import where
from npnn_cli.functional.inputs import array_of, floating
from npnn_cli.functional.loss_reduction import (
    Reduction,
    broadcast_weight,
    comparable,
    reduced,
    require,
    scaled,
)
from npnn_cli.registry import functions

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "kl_div", "nll_loss"]
__all__ += ["Reduction"]

# Of classes


@functions.register(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), reduction="sum", label_smoothing=0.1),
    example(normal(3, 4, 2, 5), classes(4, 3, 2, 5), weight=np.array([0.5, 2.0, 1.0, 3.0]), ignore_index=1),
    example(normal(4, 3, 2), classes(3, 4, 2), weight=np.array([0.5, 2.0, 1.0]), label_smoothing=0.2, reduction="none"),
    example(normal(4), classes(4)),
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3)),
    example(normal(5, 3, 2), uniform(0.0, 1.0, 5, 3, 2), weight=np.array([0.5, 2.0, 1.0]), label_smoothing=0.1),
    example(normal(3), uniform(0.0, 1.0, 3), reduction="none"),
)
def cross_entropy(
    input: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy -Σ_c q_c·log softmax(input)_c of logits (C,), (N, C) or (N, C, d...).

    The target holds class indices, of the input's shape without C, or the probabilities q of the classes, of the
    input's shape. ``weight`` (C,) scales each class; samples whose index is ``ignore_index`` do not count. Label
    smoothing s makes q = (1 - s)·target + s/C. For indices, the mean is weighted: divided by the
    weights of the targets.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html.

    Raises:
        TypeError, ValueError, IndexError: if indices are no whole numbers, do not fit, or are outside the classes.
    """
    if reduction == "mean" and weight is None and label_smoothing == 0:
        indices = array_of(target)
        if _all_count(input.data, indices, ignore_index):
            return apply(losses.mean_cross_entropy, input, indices)
    require(0 <= label_smoothing <= 1, "cross_entropy", "label_smoothing must lie between 0 and 1", label_smoothing)
    input = floating("cross_entropy", input)
    target = target if isinstance(target, Tensor) else Tensor(np.asarray(target))
    weights = _class_weights(input, weight, "cross_entropy")
    if target.dtype.kind == "f" and target.shape == input.shape:
        require(ignore_index < 0, "cross_entropy", "probabilities as target have no ignore_index", ignore_index)
        dim, count = (1, input.shape[1]) if input.ndim > 1 else (0, len(input))
        column = (-1,) + (1,) * (input.ndim - 2) if input.ndim > 1 else (-1,)
        q = (target * (1 - label_smoothing) + label_smoothing / count) * weights.reshape(column)
        return reduced(-(q * input.log_softmax(dim)).sum(dim), reduction)
    rows, indices = _rows(input, target, ignore_index, "cross_entropy", "logits")
    ignored = ignore_index if (indices == ignore_index).any() else None
    plain = weight is None and ignored is None
    options = {"weight": None if weight is None else weights, "ignore_index": ignored}
    each = apply(losses.softmax_cross_entropy, rows, indices, **options, label_smoothing=label_smoothing)
    return _weighted_mean(each, None if plain else weights, indices, ignore_index, reduction, target.shape)


@functions.register(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), reduction="sum", weight=np.array([0.5, 2.0, 1.0])),
    example(normal(3, 4, 2, 5), classes(4, 3, 2, 5), weight=np.array([0.5, 2.0, 1.0, 3.0]), ignore_index=1),
    example(normal(4, 3, 2), classes(3, 4, 2), reduction="none", ignore_index=0),
    example(normal(4), classes(4)),
)
def nll_loss(
    input: Tensor, target: Any, weight: Any = None, ignore_index: int = -100, reduction: Reduction = "mean"
) -> Tensor:
    """Negative log-likelihood -input[target] of log-probabilities (C,), (N, C) or (N, C, d...) at class indices.

    ``weight``, ``ignore_index`` and the weighted mean are those of :func:`cross_entropy`.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html.

    Raises:
        TypeError, ValueError, IndexError: if the input is not floating, or indices are no whole numbers, do not fit, or
            are outside the classes.
    """
    input = floating("nll_loss", input)
    target = target if isinstance(target, Tensor) else Tensor(np.asarray(target))
    weights = _class_weights(input, weight, "nll_loss")
    rows, indices = _rows(input, target, ignore_index, "nll_loss", "log-probabilities")
    ignored = indices == ignore_index
    each = -rows[np.arange(len(indices)), np.where(ignored, 0, indices)] * weights[np.where(ignored, 0, indices)]
    if ignored.any():
        each = where(ignored, 0.0, each)
    return _weighted_mean(each, weights, indices, ignore_index, reduction, target.shape)


# Of probabilities


@functions.register(
    example(uniform(0.05, 0.95, 5, 3), uniform(0.0, 1.0, 5, 3)),
    example(uniform(0.05, 0.95, 5, 3), uniform(0.0, 1.0, 5, 3), weight=np.array([0.5, 2.0, 1.0]), reduction="sum"),
    example(uniform(0.05, 0.95, 4), uniform(0.0, 1.0, 4), reduction="none"),
)
def binary_cross_entropy(input: Tensor, target: Any, weight: Any = None, reduction: Reduction = "mean") -> Tensor:
    """Cross-entropy -t·log(input) - (1 - t)·log(1 - input) of probabilities; no logarithm falls below -100.

    ``weight`` scales each element; it is broadcast to the input's shape.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html.

    Raises:
        ValueError: if an input or a target is no probability.
        TypeError: if their dtypes differ.
    """
    input, target = comparable("binary_cross_entropy", input, target)
    require_one_dtype("binary_cross_entropy", input=input, target=target)
    for name, numbers, remedy in (("input", input.data, ": apply a sigmoid"), ("target", target.data, "")):
        outside = numbers[(numbers < 0) | (numbers > 1)]
        if outside.size:
            message = f"binary_cross_entropy: {name} must lie between 0 and 1, got {outside[0]}{remedy}"
            raise ValueError(message)
    each = apply(losses.bernoulli_cross_entropy, input, target)
    return reduced(scaled("binary_cross_entropy", each, weight), reduction)


@functions.register(
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3)),
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3), weight=np.array([0.5, 2.0, 1.0]), reduction="sum"),
    example(normal(2, 5, 3), uniform(0.0, 1.0, 2, 5, 3), pos_weight=np.array([0.5, 2.0, 1.0]), reduction="none"),
)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Any, weight: Any = None, reduction: Reduction = "mean", pos_weight: Any = None
) -> Tensor:
    """Cross-entropy of sigmoid(input), without overflow; ``pos_weight`` scales t, and is broadcast as ``weight`` is.

    See https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html.

    Raises:
        ValueError: if shapes do not fit, or ``reduction`` is another.
        TypeError: if input or target is not floating.
    """
    op = "binary_cross_entropy_with_logits"
    input, target = comparable(op, input, target)
    require_floating(target, op, "target")
    if pos_weight is not None:
        pos_weight = broadcast_weight(op, "pos_weight", pos_weight, input)
    each = apply(losses.sigmoid_cross_entropy, input, target, pos_weight=pos_weight)
    return reduced(scaled(op, each, weight), reduction)


def _torch_kl_div(torch: Any, input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """PyTorch's, whose own mean comes with a warning that it is not what the mathematical definition asks for."""
    if reduction == "mean":
        return torch.nn.functional.kl_div(input, target, reduction="none", log_target=log_target).mean()
    return torch.nn.functional.kl_div(input, target, reduction=reduction, log_target=log_target)


@functions.register(
    example(normal(5, 3), uniform(0.1, 1.0, 5, 3)),
    example(normal(5, 3), uniform(0.1, 1.0, 5, 3), reduction="batchmean"),
    example(normal(5, 3), normal(5, 3), reduction="sum", log_target=True),
    example(normal(4, 3, 2), uniform(0.1, 1.0, 4, 3, 2), reduction="none"),
    reference=_torch_kl_div,
)
def kl_div(
    input: Tensor,
    target: Any,
    reduction: Literal["batchmean", "mean", "sum", "none"] = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence t·(log t - input) of log-probabilities from probabilities t, or from their logs.

    The divergence of distributions is the ``batchmean``, the sum over the number of samples; ``mean`` divides by all.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html.

    Raises:
        ValueError: if the shapes differ, or ``reduction`` is another.
        TypeError: if input or target is not floating.
    """
    input, target = comparable("kl_div", input, target)
    require_floating(target, "kl_div", "target")
    if log_target:
        each: Tensor = target.exp() * (target - input)
    else:
        each = apply(losses.relative_entropy, input, target)
    if reduction == "batchmean":
        return reduced(each, "sum") / (len(input) if input.ndim else 1)
    return reduced(each, reduction, ("batchmean", "mean", "sum", "none"))


def _class_weights(input: Tensor, weight: Any, op: str) -> Array:
    """The weight of each class, 1 unless given."""
    count = input.shape[min(1, input.ndim - 1)] if input.ndim else 0
    if count == 0:
        raise ValueError(f"{op}: expected an input of shape (C,), (N, C) or (N, C, d...), got shape {input.shape}")
    weights: Array = np.ones(count, input.dtype) if weight is None else Tensor(weight).data.astype(input.dtype)
    require(weights.shape == (count,), op, f"weight must have shape ({count},), one number per class", weights.shape)
    return weights


def _all_count(input: Array, indices: Array, ignore_index: int) -> bool:
    """Whether these are class indices, one for each row of the input, a matrix; all valid, and no class is ignored."""
    shape = input.shape
    if len(shape) != 2 or indices.shape != shape[:1] or indices.dtype.kind not in "iu" or not indices.size:
        return False
    return bool(((indices >= 0) & (indices < shape[1])).all()) and not 0 <= ignore_index < shape[1]


def _own_weights(weights: Array, indices: Array, ignore_index: int) -> Array:
    """The weight of each target: that of its class, or 0 if it is ignored."""
    valid = indices != ignore_index
    own: Array = weights[np.where(valid, indices, 0)] * valid
    return own


def _rows(input: Tensor, target: Tensor, ignore_index: int, op: str, what: str) -> tuple[Tensor, Array]:
    """The input as (samples, C), and the class index of each, checked."""
    require_whole(ignore_index, f"{op}: ignore_index")
    expected = (input.shape[0], *input.shape[2:]) if input.ndim > 1 else ()
    if target.shape != expected:
        shapes = f"{input.shape} and {target.shape}"
        raise ValueError(f"{op}: expected {what} (N, C, ...) and class indices (N, ...), or (C,) and one, got {shapes}")
    if target.dtype.kind not in "iu":
        raise TypeError(f"{op}: targets must be whole numbers (class indices), got {target.dtype}")
    indices = target.data.reshape(-1)
    count = input.shape[min(1, input.ndim - 1)]
    wrong = indices[((indices < 0) | (indices >= count)) & (indices != ignore_index)]
    if wrong.size:
        raise IndexError(
            f"{op}: targets must lie between 0 and {count - 1} (there are {count} classes), got {wrong[0]}"
        )
    if input.ndim > 2:
        input = input.permute(0, *range(2, input.ndim), 1)
    return input if input.ndim == 2 else input.reshape(len(indices), count), indices


def _weighted_mean(
    each: Tensor, weights: Array | None, indices: Array, ignore_index: int, reduction: str, shape: tuple[int, ...]
) -> Tensor:
    """Reduce; the mean is divided by the weights of the targets, if there are weights."""
    if reduction == "mean" and weights is not None:
        total = float(_own_weights(weights, indices, ignore_index).sum())
        return each.sum() / (total or math.nan)
    return reduced(each if each.shape == shape else each.reshape(shape), reduction)
