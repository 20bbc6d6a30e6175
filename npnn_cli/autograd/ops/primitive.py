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
that is absent or has no gradient. The answer becomes read-only; it may be a view of an input, but not the input itself.

Where the derivatives with respect to several inputs share work, or where the gradient of a large weight shall be
written straight to where its optimizer reads it, a single :class:`Joint` stands in place of the vjps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from npnn_cli.examples import Example
from npnn_cli.registry import ops

Array = NDArray[Any]
VJP = Callable[[Array], Array]
Gradients = dict[int, Any]


class Joint:
    """The derivative of an op as one function, for all inputs together.

    Args:
        differentiate: is given ``g``, and a dictionary whose keys are the positions of the inputs that a gradient is
            asked of. In place of each value it puts the gradient. A value that is an array, of the shape and dtype of
            the input, is where the gradient must be written; it then stays in its place.
    """

    __slots__ = ("differentiate",)

    def __init__(self, differentiate: Callable[[Array, Gradients], None]) -> None:
        self.differentiate = differentiate


def put(gradients: Gradients, position: int, gradient: Array) -> None:
    """Give the input at a position its gradient: in the array that is there for it, or else in this one."""
    if gradients[position] is None:
        gradients[position] = gradient
    else:
        gradients[position][...] = gradient


class OfPlaces:
    """A vjp that needs to know where numbers of its input went, but not the numbers, which may change in the meantime.

    Args:
        vjp: the function itself.
    """

    __slots__ = ("vjp",)

    def __init__(self, vjp: VJP) -> None:
        self.vjp = vjp

    def __call__(self, g: Array) -> Array:
        """The gradient with respect to the input."""
        return self.vjp(g)


Answer = tuple[Array, *tuple[VJP | Joint | None, ...]]
Primitive = Callable[..., Answer]

P = TypeVar("P", bound=Primitive)


# What x and y are called outside, as in PyTorch.
PUBLIC_NAMES = {"x": "input", "y": "other"}


def primitive(*examples: Example, reference: Callable[..., Any] | None = None) -> Callable[[P], P]:
    """Register a function on arrays as an op, with examples of its use."""
    return ops.register(*examples, reference=reference)


def floating(x: Any) -> Array:
    """X as an array of floats: whole numbers as float64, which the engine then turns into the default dtype.

    Raises:
        TypeError: if x holds no numbers.
    """
    array: Array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"expected numbers, got {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)
