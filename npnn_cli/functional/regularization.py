"""Functions that act only in training, to keep a network from learning its data by heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops.arguments import require_number
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.functional.inputs import as_tensor

__all__ = ["dropout", "dropout2d", "dropout_mask"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None) -> Tensor:
    """Zero each element with probability ``p`` and scale the others by 1/(1-p), so that the mean stays (in training).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.

    Raises:
        ValueError: if ``p`` is no probability.
        TypeError: if ``p`` is no number, or in training there is no ``rng``, or whole numbers would be scaled.
    """
    input = as_tensor("dropout", input)
    return _dropped("dropout", input, p, training, rng, input.shape)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None
) -> Tensor:
    """Zero each channel of images (N, C, H, W) or signals (N, C, L) with probability ``p``, else scale as dropout does.

    Tompson et al., "Efficient object localization using convolutional networks", 2015.

    Raises:
        ValueError: if the input has another number of dimensions, or ``p`` is no probability.
        TypeError: as in :func:`dropout`.
    """
    input = as_tensor("dropout2d", input)
    if input.ndim not in (3, 4):
        raise ValueError(f"dropout2d: expected images (N, C, H, W) or signals (N, C, L), got shape {input.shape}")
    return _dropped("dropout2d", input, p, training, rng, (*input.shape[:2], *[1] * (input.ndim - 2)))


def _dropped(
    op: str, input: Tensor, p: float, training: bool, rng: np.random.Generator | None, shape: tuple[int, ...]
) -> Tensor:
    """The input, in training times a mask of this shape."""
    require_number(p, f"{op}: p")
    if not 0 <= p <= 1:
        raise ValueError(f"{op}: p is a probability between 0 and 1, got {p}")
    if not training:
        return input
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{op}: rng must be a numpy.random.Generator in training, got {rng!r}")
    if 0 < p < 1:
        require_floating(input, op)
    return input * dropout_mask(shape, p, rng, input.dtype)


def dropout_mask(shape: tuple[int, ...], p: float, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """What dropout multiplies by: 0 with probability ``p``, else 1/(1-p). The draws are the same for every dtype."""
    kept = rng.random(shape, dtype=np.float32) >= p
    mask: Array = kept * np.asarray(0 if p == 1 else 1 / (1 - p), dtype)
    return mask
