"""Gradient clipping: a bound on how far one step can go."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients in place so that their norm, taken together, is at most ``max_norm``.

    Returns:
        The norm before clipping. If it is not finite, the gradients are left as they are.

    See https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html.
    """
    gradients = _few_arrays([parameter.grad for parameter in parameters if parameter.grad is not None])
    # "K": in memory order, so that nothing is copied.
    norm = math.sqrt(sum(float(np.vdot(flat, flat)) for flat in (gradient.ravel(order="K") for gradient in gradients)))
    factor = max_norm / (norm + 1e-6)
    if factor < 1 and math.isfinite(norm):
        for gradient in gradients:
            gradient *= factor
    return norm


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Bound every element of the gradients to ±``clip_value``, in place.

    See https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html.
    """
    for gradient in _few_arrays([parameter.grad for parameter in parameters if parameter.grad is not None]):
        np.clip(gradient, -clip_value, clip_value, out=gradient)


def _few_arrays(gradients: list[Array]) -> list[Array]:
    """The same numbers in as few arrays as possible: one, if an optimizer has packed just these gradients in it."""
    packed = gradients[0].base if gradients else None
    if packed is None or len(set(map(id, gradients))) < len(gradients):
        return gradients
    size = 0
    for gradient in gradients:
        if gradient.base is not packed or gradient.dtype is not packed.dtype:
            return gradients
        size += gradient.size
    return [packed] if size == packed.size else gradients
