"""Functions that act only in training, to keep a network from learning its data by heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor

__all__ = ["dropout", "dropout2d", "dropout_mask"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, *, rng: np.random.Generator) -> Tensor:
    """Zero each element with probability ``p`` and scale the others by 1/(1-p), so that the mean stays (in training).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
    """
    return input * dropout_mask(input.shape, p, rng, input.dtype) if training else input


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, *, rng: np.random.Generator) -> Tensor:
    """Zero each channel of images (N, C, H, W) or signals (N, C, L) with probability ``p``, else scale as dropout does.

    Tompson et al., "Efficient object localization using convolutional networks", 2015.

    Raises:
        ValueError: if the input has another number of dimensions.
    """
    if input.ndim not in (3, 4):
        raise ValueError(f"dropout2d: expected images (N, C, H, W) or signals (N, C, L), got shape {input.shape}")
    if not 0 <= p <= 1:
        raise ValueError(f"dropout2d: p is a probability between 0 and 1, got {p}")
    channels = (*input.shape[:2], *[1] * (input.ndim - 2))
    return input * dropout_mask(channels, p, rng, input.dtype) if training else input


def dropout_mask(shape: tuple[int, ...], p: float, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """What dropout multiplies by: 0 with probability ``p``, else 1/(1-p). The draws are the same for every dtype."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability between 0 and 1, got {p}")
    kept = rng.random(shape, dtype=np.float32) >= p
    mask: Array = kept * np.asarray(0 if p == 1 else 1 / (1 - p), dtype)
    return mask
