"""Losses of each sample whose derivative is simpler, or more stable, than that of their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.selection import selected
from npnn_cli.examples import classes, example, normal, uniform

_LEAST_VARIANCE = float(np.float32(1e-12))  # PyTorch's, which it keeps in float32


def _torch_cross_entropy(torch: Any, x: Any, target: Any, ignore_index: int = -100, **options: Any) -> Any:
    options["ignore_index"] = ignore_index
    return torch.nn.functional.cross_entropy(x, target, reduction="none", **options)


@primitive(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), label_smoothing=0.1),
    example(normal(5, 3), classes(3, 5), weight=np.array([0.5, 2.0, 1.0]), ignore_index=2, label_smoothing=0.2),
    reference=_torch_cross_entropy,
)
def softmax_cross_entropy(
    x: Array,
    target: Array,
    /,
    weight: Array | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Answer:
    """Cross-entropy of each sample: -log softmax(x)[target] for logits x (N, C) and class indices (N,).

    Label smoothing s moves the share s of each target evenly onto all classes (Szegedy et al., 2016), and ``weight``
    (C,) scales each class. The target is then q = w·((1 - s)·onehot + s/C), the loss -Σ q log p with p = softmax(x),
    and its gradient simply p·Σq - q. A sample whose target is ``ignore_index`` has q = 0.
    """
    rows = np.arange(len(x))
    valid = None if ignore_index is None else target != ignore_index
    target = target if valid is None else np.where(valid, target, 0)
    own, others = _target_distribution(x, target, valid, weight, label_smoothing)
    total = own if others is None else own + others.sum(axis=1)
    shifted = x - x.max(axis=1, keepdims=True)  # so that no exponential overflows
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1)
    losses: Array = total * np.log(sums) - own * shifted[rows, target]
    if others is not None:
        losses -= (others * shifted).sum(axis=1)
    if valid is not None:
        losses = np.where(valid, losses, x.dtype.type(0))

    def gradient(g: Array) -> Array:
        slopes: Array = exponentials * (g * total / sums)[:, None]
        slopes[rows, target] -= g * own
        if others is not None:
            slopes -= g[:, None] * others
        # An ignored sample has no gradient even where none counts, and the mean of none is nan.
        return slopes if valid is None else selected(slopes, valid[:, None])

    return losses, gradient, None


def _target_distribution(
    x: Array, target: Array, valid: Array | None, weight: Array | None, label_smoothing: float
) -> tuple[Array, Array | None]:
    """What q gives to the target itself, (N,) or () for all alike, and what it gives to every class besides, (N, C)."""
    weights = None if weight is None else np.asarray(weight, x.dtype)
    own: Array = np.asarray(1 - label_smoothing, x.dtype) * (1 if weights is None else weights[target])
    others: Array | None = None
    if label_smoothing:
        each_class = np.ones(x.shape[1], x.dtype) if weights is None else weights
        others = np.broadcast_to(each_class * x.dtype.type(label_smoothing / x.shape[1]), x.shape)
    if valid is not None:
        own, others = own * valid, None if others is None else others * valid[:, None]
    return own, others


@primitive(
    example(normal(5, 3), classes(3, 5)),
    example(normal(1, 4), classes(4, 1)),
    reference=lambda torch, x, target: torch.nn.functional.cross_entropy(x, target),
)
def mean_cross_entropy(x: Array, target: Array, /) -> Answer:
    """Mean of the plain :func:`softmax_cross_entropy` of all samples, in a third of the time: most classifiers' loss.

    For logits x (N, C) and class indices (N,), of which one that is not between 0 and C - 1 raises a ValueError. With
    the one-hot target q, the gradient is (softmax(x) - q) / N.
    """
    count = len(x)
    if target.shape != (count,):
        raise ValueError(f"expected {count} class indices, one for each row of the logits")
    logits = np.ascontiguousarray(x.T)  # (C, N): along the first axis, NumPy reduces many samples at once
    own = np.ravel_multi_index((target, np.arange(count)), logits.shape)  # where the targets' own are among all logits
    shifted = logits - np.maximum.reduce(logits)  # so that no exponential overflows
    exponentials = np.exp(shifted)
    sums = np.add.reduce(exponentials)
    losses = np.log(sums)
    losses -= shifted.take(own)
    loss = np.add.reduce(losses) / count

    def gradient(g: Array) -> Array:
        share = g / count
        slopes: Array = exponentials * (share / sums)
        slopes.reshape(-1)[own] -= share
        return slopes.T

    return loss, gradient, None


@primitive(
    example(normal(5, 3), normal(5, 3)),
    example(normal(5, 3), normal(5, 3), delta=0.5),
    reference=lambda torch, x, y, **options: torch.nn.functional.huber_loss(x, y, reduction="none", **options),
)
def huber(x: Array, y: Array, /, delta: float = 1.0) -> Answer:
    """Square of the difference d = x - y up to ``delta``, a straight line beyond: d²/2, or delta·(abs(d) - delta/2).

    Huber, "Robust estimation of a location parameter", 1964.
    """
    difference = x - (y if y.dtype.kind == "f" else y.astype(x.dtype))
    slope = np.clip(difference, -delta, delta)
    return slope * (difference - slope / 2), lambda g: g * slope, lambda g: -g * slope


@primitive(
    example(uniform(0.05, 0.95, 5, 3), uniform(0.0, 1.0, 5, 3)),
    reference=lambda torch, x, target: torch.nn.functional.binary_cross_entropy(x, target, reduction="none"),
)
def bernoulli_cross_entropy(x: Array, target: Array, /) -> Answer:
    """Cross-entropy -t·log x - (1 - t)·log(1 - x) of probabilities x; no logarithm falls below -100, as in PyTorch."""
    log_x, log_rest = np.log(x), np.log1p(-x)

    def gradient(g: Array) -> Array:
        slope: Array = g * (x - target) / np.maximum(x * (1 - x), _LEAST_VARIANCE)
        return slope

    ans = (target - 1) * np.maximum(log_rest, -100) - target * np.maximum(log_x, -100)
    return ans, gradient, lambda g: g * (log_rest - log_x)


@primitive(
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3)),
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3), pos_weight=np.array([0.5, 2.0, 1.0])),
    reference=lambda torch, x, target, **options: torch.nn.functional.binary_cross_entropy_with_logits(
        x, target, reduction="none", **options
    ),
)
def sigmoid_cross_entropy(x: Array, target: Array, /, pos_weight: Array | None = None) -> Answer:
    """Cross-entropy of sigmoid(x): (1 - t)·x + w·log(1 + e^-x), w = 1 + (pos_weight - 1)·t, which never overflows."""
    scale = np.zeros((), x.dtype) if pos_weight is None else np.asarray(pos_weight, x.dtype) - 1
    weight = 1 + scale * target
    small = np.exp(-np.abs(x))
    softplus = np.log1p(small) + np.maximum(-x, 0)  # log(1 + e^-x)

    def gradient(g: Array) -> Array:
        slope: Array = g * (1 - target - weight * np.where(x > 0, small, 1) / (1 + small))
        return slope

    return (1 - target) * x + weight * softplus, gradient, lambda g: g * (scale * softplus - x)


@primitive(
    example(normal(5, 3), uniform(0.1, 1.0, 5, 3)),
    reference=lambda torch, x, target: torch.nn.functional.kl_div(x, target, reduction="none"),
)
def relative_entropy(x: Array, target: Array, /) -> Answer:
    """Divergence t·(log t - x) of log-probabilities x from probabilities t, 0 where t is.

    Kullback and Leibler, "On information and sufficiency", 1951.
    """
    logarithms = np.log(target)
    ans = np.where(target == 0, 0, target * logarithms) - target * x
    # The derivative of t·log t is log t + t/t, which at 0 is nan, as in PyTorch.
    return ans, lambda g: -g * target, lambda g: g * (logarithms + target / target - x)
