"""Losses whose derivative is simpler, or more stable, than that of their parts."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import classes, example, normal


@primitive(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), label_smoothing=0.1),
    reference=lambda torch, x, target, **options: torch.nn.functional.cross_entropy(
        x, target, reduction="none", **options
    ),
)
@np.errstate(all="ignore")
def softmax_cross_entropy(x: Array, target: Array, /, label_smoothing: float = 0.0) -> Answer:
    """Cross-entropy of each sample: -log softmax(x)[target] for logits x (N, C) and class indices (N,).

    Label smoothing s moves the share s of each target evenly onto all classes (Szegedy et al., 2016). The target is
    then q = (1 - s)·onehot + s/C, the loss -Σ q log p with p = softmax(x), and its gradient simply p - q.

    Raises:
        TypeError: if the targets are not integers.
        ValueError: if the shapes do not fit.
        IndexError: if a target is outside the classes.
    """
    _check(x, target)
    rows = np.arange(len(x))
    shifted = x - x.max(axis=1, keepdims=True)  # so that no exponential overflows
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1)
    logarithms = np.log(totals)
    losses: Array = logarithms - shifted[rows, target]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses + label_smoothing * (logarithms - shifted.mean(axis=1))

    def gradient(g: Array) -> Array:
        slopes: Array = exponentials / totals[:, None]
        slopes[rows, target] -= 1 - label_smoothing
        if label_smoothing:
            slopes -= label_smoothing / x.shape[1]
        slopes *= g[:, None]
        return slopes

    return losses, gradient, None


def _check(x: Array, target: Array) -> None:
    if x.ndim != 2 or target.shape != x.shape[:1]:
        raise ValueError(
            f"cross_entropy: expected logits (N, C) and class indices (N,), got {x.shape} and {target.shape}"
        )
    if target.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy: targets must be whole numbers (class indices), got {target.dtype}")
    if target.size and not 0 <= target.min() <= target.max() < x.shape[1]:
        raise IndexError(
            f"cross_entropy: targets must lie between 0 and {x.shape[1] - 1} (there are {x.shape[1]} classes), "
            f"got {target.min()} to {target.max()}"
        )
