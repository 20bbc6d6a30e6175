"""Which dtype a tensor takes where its data do not say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

_default: np.dtype[Any] = np.dtype(np.float32)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python numbers and lists take as tensors, and new parameters have: float32 unless set."""
    return _default


def set_default_dtype(dtype: DTypeLike) -> None:
    """Set the dtype of new tensors made from Python numbers and lists, and of new parameters.

    Raises:
        TypeError: if it is not a floating dtype.
    """
    global _default
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"the default dtype must be floating, got {np.dtype(dtype)}")
    _default = np.dtype(dtype)


def require_floating(x: Any, op: str) -> None:
    """Refuse for an op what is no array of floats.

    Raises:
        TypeError: saying so.
    """
    if x.dtype.kind != "f":
        raise TypeError(f"{op}: input must be floating, got {x.dtype}")


def is_floating(x: Any) -> bool:
    """Whether x is an array, or one number of an array, of floats."""
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
