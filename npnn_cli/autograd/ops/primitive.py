"""The form in which every op is written: NumPy arrays in; the answer and one derivative per input out.

A primitive is a plain function on arrays. The inputs that a gradient may flow to stand before the ``/`` of its
signature, the options after it. It returns its answer followed by one vector-Jacobian product (vjp) per input::

    @primitive(example(normal(3, 4)))
    def exp(x: Array, /) -> Answer:
        ans = np.exp(x)
        return ans, lambda g: g * ans

The same letters mean the same thing everywhere: ``x, y`` are inputs, ``ans`` is the answer, ``g`` is the gradient of
the loss with respect to the answer, and a vjp returns the gradient with respect to its input. A vjp may ignore
broadcasting: the engine sums a gradient down to its input's shape (:func:`npnn_cli.autograd.graph.unbroadcast`). It
must never return an array that is saved elsewhere; ``g`` itself, or a view of it, is fine. ``None`` stands for an input
that is absent or has no gradient.

The gradient of a large weight is written straight to where its optimizer reads it if its vjp is wrapped in
:class:`Into`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from npnn_cli.examples import Example
from npnn_cli.registry import ops

Array = NDArray[Any]
VJP = Callable[[Array], Array]


class Into:
    """A vjp that can write its result into an array that is given to it, of the shape and dtype of its input.

    Args:
        write: the vjp with that array, or None for a new one, as its second argument; it returns the array.
    """

    __slots__ = ("write",)

    def __init__(self, write: Callable[[Array, Array | None], Array]) -> None:
        self.write = write

    def __call__(self, g: Array) -> Array:
        """Compute the gradient as a new array."""
        return self.write(g, None)


Answer = tuple[Array, *tuple[VJP | None, ...]]
Primitive = Callable[..., Answer]

P = TypeVar("P", bound=Primitive)
S = TypeVar("S")


class Shared(Generic[S]):
    """What several vjps of one op need, computed once for all of them: each is called with the same g in turn.

    Args:
        compute: makes it of g.
    """

    __slots__ = ("_compute", "_g", "_result")

    def __init__(self, compute: Callable[[Array], S]) -> None:
        self._compute = compute
        self._g: Array | None = None

    def __call__(self, g: Array) -> S:
        """The result for this g."""
        if g is not self._g:
            self._g, self._result = g, self._compute(g)
        return self._result


def primitive(*examples: Example, reference: Callable[..., Any] | None = None) -> Callable[[P], P]:
    """Register a function on arrays as an op, with examples of its use."""
    return ops.register(*examples, reference=reference)
