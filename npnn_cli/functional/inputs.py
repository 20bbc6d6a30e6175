"""What comes in, a tensor or what can become one, as an array or as a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor


def array_of(input: Any) -> Array:
    """The array of a tensor, or of numbers; not a copy if there is one."""
    return input.data if isinstance(input, Tensor) else np.asarray(input)


def as_tensor(op: str, input: Any) -> Tensor:
    """The input as a tensor.

    Raises:
        TypeError: if it holds no numbers.
    """
    try:
        return input if isinstance(input, Tensor) else Tensor(input)
    except TypeError as error:
        raise TypeError(f"{op}: {error}") from None


def floating(op: str, input: Any) -> Tensor:
    """The input as a tensor.

    Raises:
        TypeError: if it is not floating.
    """
    tensor = as_tensor(op, input)
    require_floating(tensor, op)
    return tensor
