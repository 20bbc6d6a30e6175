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


def require_floating(x: Any, op: str, name: str = "input") -> None:
    """Refuse for an op what is no array of floats.

    Raises:
        TypeError: saying so.
    """
    if x.dtype.kind != "f":
        raise TypeError(f"{op}: {name} must be floating, got {x.dtype}")


def refuse_booleans(x: Any, op: str) -> None:
    """Refuse for an op an array of truth values, with which NumPy would compute.

    Raises:
        TypeError: saying so.
    """
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "b":
        raise TypeError(f"{op}: input must be numbers, got {x.dtype}")


def require_one_dtype(op: str, **arrays: Any) -> None:
    """Refuse for an op arrays of several dtypes: PyTorch does not multiply them, and NumPy would take the widest.

    Args:
        op: its name.
        arrays: by name, or None for one that is absent, but not the first.

    Raises:
        TypeError: if their dtypes differ, or are bool.
    """
    first, *others = arrays.values()
    if first.dtype.kind == "b" or any(other is not None and other.dtype != first.dtype for other in others):
        dtypes = ", ".join(f"{name} {array.dtype}" for name, array in arrays.items() if array is not None)
        raise TypeError(f"{op}: expected numbers of one dtype, got {dtypes}")


def is_floating(x: Any) -> bool:
    """Whether x is an array, or one number of an array, of floats."""
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
