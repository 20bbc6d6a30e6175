"""The graph of a computation, and the walk that carries a gradient back through it.

Each result of an op remembers the tensors that it was computed from, each with the function that turns the result's
gradient into theirs (the chain rule, one link at a time). :func:`backward` follows these links from the result to the
leaves, the tensors that no op made.
"""

from __future__ import annotations

import functools
import heapq
import inspect
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, cast

import numpy as np

from npnn_cli.autograd.ops.primitive import Array, Gradients, OfPlaces

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

_grad_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)


def is_grad_enabled() -> bool:
    """Whether ops record the graph at the moment (in this thread)."""
    return _grad_enabled.get()


class no_grad(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Context manager or decorator under which ops record no graph: for evaluation, and for updating weights.

    As a decorator it may stand with or without parentheses. A decorated generator records nothing while it runs, and
    leaves alone what happens between its values.
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """The context, or a function that is decorated at once."""
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        self._outer: list[bool] = []

    def __call__(self, func: F) -> F:
        """The function, under which ops record no graph."""
        return _generator_without_graph(func) if inspect.isgeneratorfunction(func) else super().__call__(func)

    def _recreate_cm(self) -> Self:
        return type(self)()  # each call of a decorated function has its own, so that threads do not share one

    def __enter__(self) -> None:
        self._outer.append(_grad_enabled.get())
        _grad_enabled.set(False)

    def __exit__(self, *exception: object) -> None:
        _grad_enabled.set(self._outer.pop())


def _generator_without_graph(function: F) -> F:
    @functools.wraps(function)
    def generator(*arguments: Any, **options: Any) -> Generator[Any, Any, Any]:
        values = function(*arguments, **options)
        sent = None
        while True:
            try:
                with no_grad():
                    value = values.send(sent)
            except StopIteration as end:
                return end.value
            sent = yield value

    return cast(F, generator)


def backward(root: Tensor, gradient: Array) -> None:
    """Add to the ``grad`` of every leaf behind ``root`` its gradient, given the gradient of ``root`` itself.

    Tensors are numbered as they are made, so whatever a tensor was computed from has a smaller number. Visiting the
    tensors from the greatest number to the smallest therefore meets each one after all of its uses: when it is its
    turn, its gradient is complete. No recursion is involved, so the depth of a graph has no limit.

    Raises:
        RuntimeError: if a leaf has a greater number than what was computed from it: it has been changed in place since.
            That is noticed of a tensor that requires no gradient, too, and through a view or :meth:`Tensor.detach`; but
            not if it is the array itself, ``data``, that is changed. A derivative :class:`OfPlaces` stays right.
    """
    if not root.links:
        _add(root, gradient.copy(order="K"))
        return
    gradients = {root: gradient}
    newest_first = [(-root.number, root)]
    with np.errstate(all="ignore"):  # as in PyTorch, inf and nan flow on without a warning
        while newest_first:
            _, tensor = heapq.heappop(newest_first)
            g = gradients.pop(tensor)
            _refuse_changes(tensor)
            for source, contribution, is_in_place in contributions(tensor, g):
                if is_in_place:
                    source.grad = contribution
                elif not source.links:
                    _reach_leaf(source, contribution, g)
                elif source in gradients:
                    gradients[source] = gradients[source] + _fitted(contribution, source.data)
                else:
                    gradients[source] = _fitted(contribution, source.data)
                    heapq.heappush(newest_first, (-source.number, source))


def _refuse_changes(tensor: Tensor) -> None:
    """Refuse to differentiate a tensor if what it was computed from has been changed in place since.

    Raises:
        RuntimeError: saying so.
    """
    for source, vjp in tensor.links:
        if _has_changed_since(source, tensor) and not isinstance(vjp, OfPlaces):
            raise RuntimeError(_changed(source))
    for source in tensor.constants:
        if _has_changed_since(source, tensor):
            raise RuntimeError(_changed(source))


def _has_changed_since(source: Tensor, tensor: Tensor) -> bool:
    number, owner = tensor.number, source.owner
    return source.number > number or (owner is not None and owner.number > number)


def _changed(leaf: Tensor) -> str:
    return (
        f"backward: a leaf of shape {leaf.shape} has been changed in place since this result was computed from it, by "
        "an optimizer's step, load_state_dict or an initializer: call backward before, or compute the result anew"
    )


def contributions(tensor: Tensor, g: Array) -> list[tuple[Tensor, Array, bool]]:
    """What the gradient of a tensor contributes to the gradient of each tensor that it was computed from.

    And whether it has been written to the place of that gradient already.
    """
    links = tensor.links
    if tensor.joint is None:
        return [(source, vjp(g), False) for source, vjp in links]
    gradients: Gradients = {position: free_buffer(source) for source, position in links}
    have_places = [place is not None for place in gradients.values()]
    tensor.joint.differentiate(g, gradients)
    return [
        (source, gradients[position], is_in_place)
        for (source, position), is_in_place in zip(links, have_places, strict=True)
    ]


def _reach_leaf(leaf: Tensor, contribution: Array, g: Array) -> None:
    """Add a contribution to a leaf's ``grad``; the first one is copied to its buffer, if it has one."""
    contribution = _fitted(contribution, leaf.data)
    if leaf.grad is None and (free := free_buffer(leaf)) is not None:
        free[...] = contribution
        leaf.grad = free
    else:
        in_use_elsewhere = leaf.grad is None and not _is_fresh(contribution, g)
        _add(leaf, contribution.copy(order="K") if in_use_elsewhere else contribution)


def _add(leaf: Tensor, gradient: Array) -> None:
    """Add a gradient to a leaf's ``grad``, which becomes that array if it was None."""
    if leaf.grad is None:
        leaf.grad = gradient
    else:
        leaf.grad += gradient


class Packed(NamedTuple):
    """What an optimizer that has packed a leaf knows of it.

    Attributes:
        data: the leaf's when it was packed, a view of all packed data; the leaf has others if they were replaced since.
        place: where its gradient is to be written.
        places: those of all leaves that are packed together, views of one array.
    """

    data: Array
    place: Array
    places: Sequence[Array]

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """A deep copy or a pickle of a leaf has not been packed: it keeps None. A copied optimizer packs it anew."""
        return type(None), ()


def free_buffer(leaf: Tensor) -> Array | None:
    """Where the gradient of a leaf without one is to be written.

    None if no optimizer has packed the leaf, or its data were replaced since, or somebody has kept the last gradient or
    a part of it.
    """
    packed = leaf.packed
    if packed is None or leaf.grad is not None or packed.data is not leaf.data:
        return None
    place = packed.place
    holders = sys.getrefcount(place) + sys.getrefcount(place.base) - len(packed.places)
    return place if holders == _HOLDERS_OF_FREE_PLACE else None


def _count_holders_of_free_place() -> int:
    """What :func:`free_buffer` counts if nothing but :class:`Packed` holds a place, with an optimizer or without.

    It is measured in the same words, for versions of Python differ in what they count of a local name.
    """
    places = [np.empty(1)[:]]
    packed = Packed(np.empty(1), places[0], places)
    place = packed.place
    return sys.getrefcount(place) + sys.getrefcount(place.base) - len(packed.places)


_HOLDERS_OF_FREE_PLACE = _count_holders_of_free_place()


def _fitted(contribution: Array, data: Array) -> Array:
    """A contribution in the dtype and the shape of the data that it is a gradient of."""
    if type(contribution) is not np.ndarray or contribution.dtype != data.dtype:
        contribution = np.asarray(contribution, data.dtype)
    return contribution if contribution.shape == data.shape else unbroadcast(contribution, data.shape)


def _is_fresh(contribution: Array, g: Array) -> bool:
    """Whether a vjp made this array anew: it is not g, no part of g, and no read-only view that stands for many."""
    owns_its_memory = contribution.base is None
    return contribution is not g and (
        owns_its_memory or (contribution.flags.writeable and not np.may_share_memory(contribution, g))
    )


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an input of this shape was broadcast: each copy contributes."""
    leading = gradient.ndim - len(shape)
    stretched = (leading + axis for axis, size in enumerate(shape) if size == 1)
    summed: Array = gradient.sum(axis=(*range(leading), *stretched), keepdims=True)
    return summed.reshape(shape)
