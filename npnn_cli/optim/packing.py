"""Parameters packed into one array, so that an update rule runs once over all of them.

A rule such as Adam's makes a dozen passes over its arrays. For the small arrays of a small network, calling NumPy costs
as much as the arithmetic; over one long array, it costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor

State = dict[str, Any]


class ParameterBlock:
    """Parameters that are updated together. Each one's ``data`` becomes a view of the packed weights.

    Attributes:
        parameters: of one dtype.
        weights: all their numbers, one after the other, (number of elements,).
        gradients: the same for their gradients, valid after :meth:`gather_gradients`.
        state: what the update rule keeps: arrays like ``weights``, and numbers.
    """

    def __init__(self, parameters: Sequence[Tensor], state: State) -> None:
        self.parameters = parameters
        self.state = state
        self._in_columns = [parameter.data.flags.f_contiguous for parameter in parameters]
        self.weights = np.empty(sum(parameter.size for parameter in parameters), parameters[0].dtype)
        self.gradients = np.empty_like(self.weights)
        self._data = self._views(self.weights)
        self._grads = self._views(self.gradients)
        for parameter, view in zip(parameters, self._data, strict=True):
            view[...] = parameter.data
            parameter.data = view

    def is_packed(self) -> bool:
        """Whether every parameter's data are still the views of ``weights``: a user may have replaced them."""
        return all(parameter.data is view for parameter, view in zip(self.parameters, self._data, strict=True))

    def gather_gradients(self) -> None:
        """Copy the gradients of all parameters to where the update rule reads them."""
        for parameter, view in zip(self.parameters, self._grads, strict=True):
            view[...] = parameter.grad

    def split(self) -> list[ParameterBlock]:
        """A block for each parameter, with its part of the state."""
        blocks = [ParameterBlock([parameter], {}) for parameter in self.parameters]
        for name, value in self.state.items():
            parts = self._views(value) if isinstance(value, np.ndarray) else [value] * len(blocks)
            for block, part in zip(blocks, parts, strict=True):
                block.state[name] = block._packed(part) if isinstance(part, np.ndarray) else part
        return blocks

    def _packed(self, array: Array) -> Array:
        """An array like this block's only parameter, in this block's order (replaced data may have another)."""
        packed = np.empty(array.size, array.dtype)
        self._views(packed)[0][...] = array
        return packed

    def _views(self, packed: Array) -> list[Array]:
        """The part of each parameter in a packed array, in the parameter's shape and memory order."""
        ends = np.cumsum([parameter.size for parameter in self.parameters])
        parts = np.split(packed, ends[:-1])
        return [
            part.reshape(parameter.shape[::-1]).T if in_columns else part.reshape(parameter.shape)
            for part, parameter, in_columns in zip(parts, self.parameters, self._in_columns, strict=True)
        ]


def pack(parameters: Iterable[Tensor]) -> list[ParameterBlock]:
    """Pack parameters into as few blocks as possible: one for each dtype."""
    by_dtype: dict[np.dtype[Any], list[Tensor]] = {}
    for parameter in parameters:
        by_dtype.setdefault(parameter.dtype, []).append(parameter)
    return [ParameterBlock(group, {}) for group in by_dtype.values()]
