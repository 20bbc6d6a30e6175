"""Normalization: each computes x̂ = (x - mean) / √(variance + eps) over other dimensions, then x̂ · weight + bias."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.dtypes import require_one_dtype
from npnn_cli.autograd.ops import normalization
from npnn_cli.autograd.ops.arguments import is_whole, require_number, require_whole
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.functional.inputs import array_of, floating
from npnn_cli.registry import functions

__all__ = ["batch_norm", "group_norm", "layer_norm", "rms_norm"]


def _with_parameters(normalization: Callable[..., Any], input: Any, *parameters: Any, **options: Any) -> Any:
    """Call a normalization whose weight and bias, which have gradients of their own, are named."""
    return normalization(input, **dict(zip(("weight", "bias"), parameters, strict=False)), **options)


_RUNNING = {"running_mean": np.array([0.5, -1.0, 0.0]), "running_var": np.array([0.5, 1.0, 2.0])}


@functions.register(
    example(normal(4, 3), **_RUNNING),
    example(normal(4, 3, 2, 5), **_RUNNING, eps=0.1),
    example(normal(4, 3, 5), running_mean=None, running_var=None, training=True),
    example(normal(1, 3, 5), running_mean=None, running_var=None, training=True, momentum=0.5),
    example(normal(4, 3, 5), normal(3), normal(3), running_mean=None, running_var=None, training=True),
    example(normal(4, 3, 5), normal(3), normal(3), **_RUNNING),
    call=_with_parameters,
)
def batch_norm(
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of input (N, C, ...): in training by its mean and variance in the batch, else by running.

    In training, the running statistics (C,) are moved by ``momentum`` towards those of the batch, in place; the running
    variance takes the unbiased one. See https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html.

    Raises:
        ValueError: if the sizes do not fit, a running statistic is missing, or a channel has one value in training.
        TypeError: if the input is not floating, a parameter has another dtype, or an option is none.
    """
    input = floating("batch_norm", input)
    if input.ndim < 2:
        raise ValueError(f"batch_norm: expected an input (N, C, ...), got shape {input.shape}")
    require_number(momentum, "batch_norm: momentum")
    _check_eps("batch_norm", eps)
    parameters = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _check_parameters("batch_norm", input, parameters, input.shape[1:2])
    per_channel = (input.shape[1], *[1] * (input.ndim - 2))
    weight, bias = _reshaped(weight, per_channel), _reshaped(bias, per_channel)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: needs running_mean and running_var when not in training")
        running = (array_of(each).astype(input.dtype) for each in (running_mean, running_var))
        mean, variance = (statistic.reshape(per_channel) for statistic in running)
        scale = (variance + input.dtype.type(eps)) ** -0.5
        scale = scale if weight is None else weight * scale
        shift = -mean * scale if bias is None else bias - mean * scale
        evaluated: Tensor = input * scale + shift
        return evaluated

    count = input.size // max(input.shape[1], 1)
    if count == 1:
        raise ValueError(f"batch_norm: needs more than one value per channel in training, got shape {input.shape}")
    dim = (0, *range(2, input.ndim))
    moments: list[Array] = []
    answer = apply(
        normalization.normalize,
        input,
        weight,
        bias,
        dim=dim,
        eps=eps,
        tell_moments=lambda *found: moments.__setitem__(slice(None), found),
    )
    if count:
        mean, variance = moments
        _move(running_mean, mean, momentum)
        _move(running_var, variance * (count / (count - 1)), momentum)
    return answer


@functions.register(
    example(normal(4, 3), normalized_shape=(3,)),
    example(normal(2, 3, 4), normalized_shape=(3, 4), eps=0.1),
    example(normal(2, 3, 4), normal(3, 4), normal(3, 4), normalized_shape=(3, 4)),
    call=_with_parameters,
)
def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Normalize over the last dimensions, whose sizes are ``normalized_shape``; weight and bias have that shape.

    Ba et al., "Layer normalization", 2016.

    Raises:
        ValueError: if the sizes do not fit.
        TypeError: if the input is not floating, a parameter has another dtype, or an option is none.
    """
    input = floating("layer_norm", input)
    _check_eps("layer_norm", eps)
    dim = _last_dimensions("layer_norm", input, normalized_shape, {"weight": weight, "bias": bias})
    return apply(normalization.normalize, input, weight, bias, dim=dim, eps=eps)


@functions.register(
    example(normal(4, 3), normalized_shape=(3,)),
    example(normal(2, 3, 4), normalized_shape=(3, 4), eps=0.1),
    example(normal(2, 3, 4), normal(4), normalized_shape=(4,)),
    call=_with_parameters,
)
def rms_norm(input: Tensor, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Tensor:
    """Divide by the root of the mean square over the last dimensions: x / √(mean(x²) + eps) · weight.

    ``eps`` is the dtype's machine epsilon unless given.
    Zhang and Sennrich, "Root mean square layer normalization", 2019.

    Raises:
        ValueError: if the sizes do not fit.
        TypeError: if the input is not floating, a parameter has another dtype, or an option is none.
    """
    input = floating("rms_norm", input)
    dim = _last_dimensions("rms_norm", input, normalized_shape, {"weight": weight})
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    _check_eps("rms_norm", eps)
    return apply(normalization.normalize, input, weight, dim=dim, eps=eps, centered=False)


@functions.register(
    example(normal(2, 6), num_groups=3),
    example(normal(2, 6, 3, 5), num_groups=2, eps=0.1),
    example(normal(2, 6, 3), normal(6), normal(6), num_groups=2),
    call=_with_parameters,
)
def group_norm(input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Normalize each group of channels of each sample of input (N, C, ...); weight and bias are (C,).

    Wu and He, "Group normalization", 2018.

    Raises:
        ValueError: if the sizes do not fit, or the channels do not divide into the groups.
        TypeError: if the input is not floating, a parameter has another dtype, or an option is none.
    """
    input = floating("group_norm", input)
    _check_eps("group_norm", eps)
    require_whole(num_groups, "group_norm: num_groups")
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise ValueError(
            f"group_norm: expected an input (N, C, ...) whose C is divisible by num_groups={num_groups}, "
            f"got shape {input.shape}"
        )
    channels = input.shape[1]
    _check_parameters("group_norm", input, {"weight": weight, "bias": bias}, (channels,))
    members = (num_groups, channels // num_groups, math.prod(input.shape[2:]))
    if len(input) * members[1] * members[2] == 1:
        raise ValueError(f"group_norm: a group must have more than one number, got shape {input.shape}")
    weight, bias = (_reshaped(each, (*members[:2], 1)) for each in (weight, bias))
    groups = input.reshape(len(input), *members)
    return apply(normalization.normalize, groups, weight, bias, dim=(2, 3), eps=eps).reshape(input.shape)


def _check_eps(op: str, eps: Any) -> None:
    require_number(eps, f"{op}: eps")
    if not eps >= 0:
        raise ValueError(f"{op}: eps must not be below 0, got {eps}")


def _last_dimensions(
    op: str, input: Tensor, normalized_shape: Sequence[int], parameters: dict[str, Any]
) -> tuple[int, ...]:
    if not isinstance(normalized_shape, Sequence) or not all(map(is_whole, normalized_shape)):
        raise TypeError(
            f"{op}: normalized_shape must be a tuple of whole numbers such as {input.shape[-1:]}, "
            f"got {normalized_shape!r}"
        )
    shape = tuple(normalized_shape)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"{op}: expected an input whose last sizes are normalized_shape={shape}, got {input.shape}")
    _check_parameters(op, input, parameters, shape)
    return tuple(range(-len(shape), 0))


def _check_parameters(op: str, input: Tensor, parameters: dict[str, Any], shape: tuple[int, ...]) -> None:
    arrays = {name: array_of(tensor) for name, tensor in parameters.items() if tensor is not None}
    for name, array in arrays.items():
        if array.shape != shape:
            raise ValueError(f"{op}: {name} must have the shape {shape}, got {array.shape}")
    require_one_dtype(op, input=input, **arrays)


def _reshaped(tensor: Any, shape: tuple[int, ...]) -> Any:
    return None if tensor is None else tensor.reshape(shape)


def _move(running: Any, value: Any, momentum: float) -> None:
    """Move a running statistic towards a new value, in place."""
    if running is not None:
        statistic = array_of(running)
        statistic += (value.reshape(statistic.shape) - statistic) * momentum
