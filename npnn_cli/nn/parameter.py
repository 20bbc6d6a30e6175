"""The tensors that a module holds: those that training changes, and those that are part of its state only."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike

from npnn_cli.autograd.dtypes import get_default_dtype
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor


class Parameter(Tensor):
    """A tensor that training changes. It requires a gradient, and has the default dtype unless one is given."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: DTypeLike | None = None) -> None:
        super().__init__(data, requires_grad, dtype or get_default_dtype())
        self.data = _writeable(self.data)


class Buffer(Tensor):
    """A tensor that is part of a module's state but that no optimizer changes, such as a running mean.

    One that is not ``persistent`` is left out of the state dict.
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any, *, persistent: bool = True) -> None:
        super().__init__(data)
        self.data = _writeable(self.data)
        self.persistent = persistent


def _writeable(array: Array) -> Array:
    """The array, or a copy if it is read-only, as what an op has recorded is."""
    return array if array.flags.writeable else array.copy()
