"""Gradient clipping: a bound on how far one step can go."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor


def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients in place so that their norm, taken together, is at most ``max_norm``.

    Args:
        parameters: those with gradients, or a single one.
        max_norm: the bound.
        norm_type: the p of the norm; infinity for the greatest absolute value.
        error_if_nonfinite: whether to raise an error if the norm is inf or nan.

    Returns:
        The norm before clipping. If it is not finite, the gradients are left as they are.

    Raises:
        RuntimeError: if the norm is not finite and must be.

    See https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html.
    """
    gradients = _gradients(parameters, as_one=norm_type != 0)  # the 0-norm counts arrays, so they stay apart
    norm = _norm(gradients, norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients must be finite, got {norm}")
    factor = max_norm / (norm + 1e-6)
    if factor < 1 and math.isfinite(norm):
        for gradient in gradients:
            gradient *= factor
    return norm


def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float) -> None:
    """Bound every element of the gradients to ±``clip_value``, in place.

    See https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html.
    """
    for gradient in _gradients(parameters):
        np.clip(gradient, -clip_value, clip_value, out=gradient)


def _gradients(parameters: Iterable[Tensor] | Tensor, as_one: bool = True) -> list[Array]:
    """All gradients; as one array, if they are just those that an optimizer has packed in it."""
    several = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    gradients = [parameter.grad for parameter in several if parameter.grad is not None]
    packed = several[0].packed if several else None
    if not as_one or packed is None or len(gradients) != len(packed.places):
        return gradients
    everything = packed.place.base
    are_in_place = all(map(operator.is_, gradients, packed.places))
    return [everything] if are_in_place and everything is not None else gradients


def _norm(gradients: Sequence[Array], p: float) -> float:
    """The p-norm of the p-norms of all arrays; for a p other than 0, that of all their numbers."""
    if p == 2:
        sum_of_squares = 0.0
        for gradient in gradients:
            flat = gradient.ravel(order="K")  # in memory order, so that nothing is copied
            sum_of_squares += float(flat.dot(flat))
        return math.sqrt(sum_of_squares)
    with np.errstate(all="ignore"):  # zeros to a negative power are inf
        norms = [float(np.linalg.norm(gradient.ravel(order="K"), p)) for gradient in gradients if gradient.size]
        return float(np.linalg.norm(norms, p)) if norms else 0.0
