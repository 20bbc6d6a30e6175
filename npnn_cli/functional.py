"""Every op under PyTorch's name and signature, on tensors.

The primitives, with derivatives of their own, come from :mod:`npnn_cli.autograd.ops`; what can be made of them in a few
lines is made so here, and needs no derivative.
See https://pytorch.org/docs/stable/nn.functional.html.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.ops import convolution, elementwise, linear_algebra, losses, pooling, reductions, shapes
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor, apply, lift
from npnn_cli.examples import classes, constant, example, nonzero, normal
from npnn_cli.registry import functions

Reduction = Literal["mean", "sum", "none"]

# Elementwise

add = lift(elementwise.add)
sub = lift(elementwise.sub)
mul = lift(elementwise.mul)
div = lift(elementwise.div)
pow = lift(elementwise.pow)
neg = lift(elementwise.neg)
abs = lift(elementwise.abs)
exp = lift(elementwise.exp)
log = lift(elementwise.log)
sqrt = lift(elementwise.sqrt)
relu = lift(elementwise.relu)
sigmoid = lift(elementwise.sigmoid)
tanh = lift(elementwise.tanh)

# Reductions

sum = lift(reductions.sum)
mean = lift(reductions.mean)
amax = lift(reductions.amax)
amin = lift(reductions.amin)
log_softmax = lift(reductions.log_softmax)

# Shape

reshape = lift(shapes.reshape)
permute = lift(shapes.permute)
transpose = lift(shapes.transpose)
flatten = lift(shapes.flatten)
gather = lift(shapes.gather)

# Linear algebra

matmul = lift(linear_algebra.matmul)
linear = lift(linear_algebra.linear)

# Convolution and pooling

conv2d = lift(convolution.conv2d)
max_pool2d = lift(pooling.max_pool2d)

# Regularization


def dropout(input: Tensor, p: float = 0.5, training: bool = True, *, rng: np.random.Generator) -> Tensor:
    """Zero each element with probability ``p`` and scale the others by 1/(1-p), so that the mean stays (in training).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
    """
    return input * dropout_mask(input.shape, p, rng, input.dtype) if training else input


def dropout_mask(shape: tuple[int, ...], p: float, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """What dropout multiplies by: 0 with probability ``p``, else 1/(1-p). The draws are the same for every dtype."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability between 0 and 1, got {p}")
    kept = rng.random(shape, dtype=np.float32) >= p
    mask: Array = kept * np.asarray(0 if p == 1 else 1 / (1 - p), dtype)
    return mask


# Losses


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
