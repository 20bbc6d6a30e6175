"""Gradient clipping: a bound on how far one step can go."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from npnn_cli.autograd.tensor import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients in place so that their norm, taken together, is at most ``max_norm``.

    Returns:
        The norm before clipping. If it is not finite, the gradients are left as they are.

    See https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
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
    for parameter in parameters:
        if parameter.grad is not None:
            np.clip(parameter.grad, -clip_value, clip_value, out=parameter.grad)
