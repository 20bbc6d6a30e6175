"""Parameters packed into one array, so that an update rule runs once over all of them.

A rule such as Adam's makes a dozen passes over its arrays. For the small arrays of a small network, calling NumPy costs
as much as the arithmetic; over one long array, it costs next to nothing. Gradients are packed, too: the walk over the
graph writes each straight to its place (:attr:`npnn_cli.autograd.Tensor.packed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from npnn_cli.aligned import aligned_empty
from npnn_cli.autograd.graph import Packed
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor

State = dict[str, Any]


def aligned_zeros(size: int, dtype: np.dtype[Any]) -> Array:
    """Zeros (size,) that begin where a line of the cache does, as all arrays of an update rule do."""
    zeros = aligned_empty((size,), dtype)
    zeros.fill(0)
    return zeros


class ParameterBlock:
    """Parameters that are updated together.

    Each one's ``data`` becomes a view of the packed weights, and its ``grad`` from now on one of the packed gradients.

    Args:
        parameters: of one dtype.
        states: the state of each parameter, arrays of its shape and numbers; all have the same names and numbers.

    Attributes:
        parameters: as given.
        weights: all their numbers, one after the other, (number of elements,).
        gradients: the same for their gradients, valid once :meth:`gather_gradients` has said so.
        scratch: like ``weights``, for what weight decay makes of the gradients, and an update rule computes on the way.
        state: what the update rule keeps: arrays like ``weights``, and numbers.
    """

    def __init__(self, parameters: Sequence[Tensor], states: Sequence[State]) -> None:
        self.parameters = parameters
        self._in_columns = [parameter.data.flags.f_contiguous for parameter in parameters]
        self.weights = self._packed([parameter.data for parameter in parameters])
        self._data = self._views(self.weights)
        for parameter, data in zip(parameters, self._data, strict=True):
            parameter.data = data
        self._make_places_for_gradients()
        self.state: State = {
            name: self._packed([state[name] for state in states]) if isinstance(value, np.ndarray) else value
            for name, value in states[0].items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by packing anew: what they make of a view is an array of its own."""
        return type(self), (self.parameters, self.states())

    @property
    def gradients(self) -> Array:
        """See above. Only its places hold this array, so that outsiders who do can be counted (free_buffer)."""
        gradients = self._places[0].base
        assert gradients is not None
        return gradients

    @cached_property
    def scratch(self) -> Array:
        """See above; made when the first rule asks for it."""
        return aligned_zeros(self.weights.size, self.weights.dtype)

    def gather_gradients(self) -> bool:
        """Copy those gradients to their place that are not there already.

        Returns:
            Whether the block can be updated as a whole: every parameter has a gradient, and its data are still the view
            of ``weights``, which a user may have replaced.

        Raises:
            ValueError: if a gradient is not of the shape of its parameter.
        """
        all_in_place = True
        for parameter, data, place in zip(self.parameters, self._data, self._places, strict=True):
            if parameter.data is not data or parameter.grad is None:
                return False
            all_in_place = all_in_place and parameter.grad is place
        if not all_in_place:
            # The places may be in use: they hold what somebody has kept, or has made another's gradient.
            self._make_places_for_gradients()
            for parameter, place in zip(self.parameters, self._places, strict=True):
                gradient: Any = parameter.grad
                if np.shape(gradient) != place.shape:
                    shapes = f"a parameter of shape {place.shape} has a gradient of shape {np.shape(gradient)}"
                    raise ValueError(f"an optimizer cannot step: {shapes}")
                place[...] = gradient
        return True

    def _make_places_for_gradients(self) -> None:
        self._places = self._views(aligned_zeros(self.weights.size, self.weights.dtype))
        for parameter, data, place in zip(self.parameters, self._data, self._places, strict=True):
            parameter.packed = Packed(data, place, self._places)

    def states(self) -> list[State]:
        """The state of each parameter: views of its part of the packed arrays, in its shape, and the numbers."""
        states: list[State] = [{} for _ in self.parameters]
        for name, value in self.state.items():
            parts = self._views(value) if isinstance(value, np.ndarray) else [value] * len(states)
            for state, part in zip(states, parts, strict=True):
                state[name] = part
        return states

    def split(self) -> list[ParameterBlock]:
        """A block for each parameter, with its part of the state."""
        pairs = zip(self.parameters, self.states(), strict=True)
        return [ParameterBlock([parameter], [state]) for parameter, state in pairs]

    def _packed(self, arrays: Sequence[Array]) -> Array:
        """One array that holds those of all parameters, each in the parameter's memory order."""
        packed = aligned_zeros(sum(array.size for array in arrays), arrays[0].dtype)
        for view, array in zip(self._views(packed), arrays, strict=True):
            view[...] = array
        return packed

    def _views(self, packed: Array) -> list[Array]:
        """The part of each parameter in a packed array, in the parameter's shape and memory order."""
        ends = np.cumsum([parameter.size for parameter in self.parameters])
        parts = np.split(packed, ends[:-1])
        return [
            part.reshape(parameter.shape[::-1]).T if in_columns else part.reshape(parameter.shape)
            for part, parameter, in_columns in zip(parts, self.parameters, self._in_columns, strict=True)
        ]


def pack(parameters: Iterable[Tensor], states: Mapping[Tensor, State] | None = None) -> list[ParameterBlock]:
    """Pack parameters into as few blocks as possible: one for each dtype, and for each point that they have reached.

    Args:
        parameters: in any order.
        states: those that an update rule has kept for some of them; nothing yet for the others.
    """
    states = states or {}
    alike: dict[Any, list[Tensor]] = {}
    for parameter in parameters:
        state = states.get(parameter, {})
        reached = tuple((name, None if isinstance(value, np.ndarray) else value) for name, value in state.items())
        alike.setdefault((parameter.dtype, reached), []).append(parameter)
    return [ParameterBlock(group, [states.get(parameter, {}) for parameter in group]) for group in alike.values()]
