"""The Tensor: a NumPy array that knows how it was computed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd import graph
from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.dtypes import get_default_dtype
from npnn_cli.autograd.numeric_methods import NumericMethods
from npnn_cli.autograd.ops import elementwise, linear_algebra
from npnn_cli.autograd.ops.primitive import Array, Joint
from npnn_cli.autograd.shape_methods import ShapeMethods

Links = Sequence[tuple["Tensor", Any]]

_numbers = itertools.count()


def _comparison(compare: np.ufunc) -> Callable[[Tensor, Any], Tensor]:
    return lambda x, y: Tensor(np.asarray(compare(x.data, y.data if isinstance(y, Tensor) else y)))


class Tensor(NumericMethods, ShapeMethods):
    """An array of numbers, and the graph of the computation behind it.

    Attributes:
        data: the numbers, a NumPy array. It keeps the dtype of the array that was given; Python numbers and lists take
            the default dtype. What an op has recorded for :meth:`backward` is read-only.
        grad: the gradient that :meth:`backward` has added up so far: an array of the data's shape and dtype, or None.
            Only leaves (tensors that no op made) with ``requires_grad`` have one.
        requires_grad: whether gradients flow to this tensor.
        packed: if this is a leaf that an optimizer has packed, its data as they are then, and where its gradient is to
            be written: views of the arrays that hold all weights and all gradients. None otherwise.
        links: the tensors that this one was computed from, each with the function that turns this one's gradient into
            that one's, or with its position among the inputs if there is a ``joint``; empty for a leaf.
        joint: the function that turns this one's gradient into those of all the tensors in ``links``.
        constants: if there are links, the tensors without gradient that this one was computed from, too.
        owner: the leaf whose numbers this one shares if it is none with links: changed in place are both or none.
        number: counts tensors in the order in which they were made, or last changed in place.

    Raises:
        TypeError: if the data are no numbers, or a gradient is required of a tensor that is not floating.
    """

    __slots__ = (
        "__weakref__",
        "constants",
        "data",
        "grad",
        "joint",
        "links",
        "number",
        "owner",
        "packed",
        "requires_grad",
    )
    __array_ufunc__ = None  # array + tensor is left to Tensor.__radd__

    def __init__(self, data: Any, requires_grad: bool = False, dtype: DTypeLike | None = None) -> None:
        if isinstance(data, Tensor):
            data = data.data
        if dtype is None and not isinstance(data, np.ndarray | np.generic):
            dtype = get_default_dtype()
        self.data: Array = np.asarray(data, dtype)
        if data is None or self.data.dtype.kind not in "fiub":
            raise TypeError(f"a Tensor holds numbers, got {'None' if data is None else self.data.dtype}")
        self.grad: Array | None = None
        self.packed: graph.Packed | None = None
        self.links: Links = ()
        self.joint: Joint | None = None
        self.constants: Sequence[Tensor] = ()
        self.owner: Tensor | None = None
        self.number = next(_numbers)
        self.requires_grad = False
        if requires_grad:
            self.requires_grad_()

    @classmethod
    def answer(
        cls, data: Array, links: Links = (), joint: Joint | None = None, constants: Sequence[Tensor] = ()
    ) -> Tensor:
        """What an op makes, without the checks of the constructor: it requires a gradient if it has links."""
        tensor = cls.__new__(cls)
        tensor.data, tensor.links, tensor.joint, tensor.constants = data, links, joint, constants
        tensor.grad = tensor.packed = tensor.owner = None
        tensor.number, tensor.requires_grad = next(_numbers), bool(links)
        if links:
            kept: Any = data  # by the derivatives, perhaps
            kept.setflags(False)  # no writing; with the keyword, which the stubs ask for, it would take twice as long
        return tensor

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each dimension."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements, as in NumPy."""
        return self.data.size

    @property
    def is_leaf(self) -> bool:
        """Whether no op made this tensor."""
        return not self.links

    def item(self) -> Any:
        """The only element, as a Python number."""
        return self.data.item()

    def tolist(self) -> Any:
        """The elements as Python numbers, in lists of lists."""
        return self.data.tolist()

    def numpy(self) -> Array:
        """The array itself, sharing memory."""
        return self.data

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        return self.data.__index__()

    def __bool__(self) -> bool:
        return bool(self.data)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="Tensor(")
        dtype = "" if self.dtype == get_default_dtype() else f", dtype={self.dtype}"
        return f"Tensor({values}{dtype}{', requires_grad=True' if self.requires_grad else ''})"

    # The graph

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether gradients shall flow to this leaf.

        Raises:
            TypeError: if the tensor is not floating.
        """
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"only floating tensors have gradients, this one is {self.dtype}")
        self.requires_grad = requires_grad
        return self

    @staticmethod
    def note_change(leaves: Iterable[Tensor]) -> None:
        """Note that the data of leaves were changed in place, as an optimizer does.

        They count as made anew: :meth:`backward` finds that what was computed from them is older.
        """
        number = next(_numbers)
        for leaf in leaves:
            leaf.number = number
            if leaf.owner is not None:
                leaf.owner.number = number

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """Take over what copy or pickle kept, under a new number: another process counts its own tensors."""
        for name, value in state[1].items():
            setattr(self, name, value)
        self.number = next(_numbers)

    def detach(self) -> Tensor:
        """The same data, cut off from the graph."""
        detached = Tensor(self.data)
        detached.owner = self.owner_of_data
        return detached

    @property
    def owner_of_data(self) -> Tensor | None:
        """The leaf whose numbers this tensor has: itself or its owner; None if an op has recorded them, read-only."""
        if self.links:
            return None
        return self if self.owner is None else self.owner

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def backward(self, grad: Any = None) -> None:
        """Add to each leaf's ``grad`` the gradient of this tensor with respect to it.

        Args:
            grad: the gradient of the loss with respect to this tensor, of the same shape. It may be left out for a
                single number, where it is 1: the tensor is the loss.

        Raises:
            RuntimeError: if no graph leads here, or a leaf behind it has been changed in place since it was used.
            ValueError: if ``grad`` is missing or has another shape.
        """
        if not self.requires_grad:
            raise RuntimeError("backward: this tensor requires no gradient, and nothing it was computed from does")
        if grad is None:
            if self.size != 1:
                shape = self.shape
                raise ValueError(f"backward: grad can be left out only for a single number; the shape here is {shape}")
            gradient = np.empty_like(self.data)
            gradient.fill(1)
        else:
            gradient = Tensor(grad).data.astype(self.dtype, copy=False)
            if gradient.shape != self.shape:
                raise ValueError(f"backward: grad has shape {gradient.shape}, the tensor {self.shape}")
        graph.backward(self, gradient)

    @staticmethod
    def no_grad() -> graph.no_grad:
        """Same as :class:`npnn_cli.no_grad`."""
        return graph.no_grad()

    # Arithmetic

    def __add__(self, other: Any) -> Tensor:
        return apply(elementwise.add, self, self._operand(other))

    def __sub__(self, other: Any) -> Tensor:
        return apply(elementwise.sub, self, self._operand(other))

    def __mul__(self, other: Any) -> Tensor:
        return apply(elementwise.mul, self, self._operand(other))

    def __truediv__(self, other: Any) -> Tensor:
        return apply(elementwise.div, self, self._operand(other))

    def __pow__(self, other: Any) -> Tensor:
        return apply(elementwise.pow, self, self._operand(other))

    def __matmul__(self, other: Any) -> Tensor:
        return apply(linear_algebra.matmul, self, self._operand(other))

    def __radd__(self, other: Any) -> Tensor:
        return apply(elementwise.add, self._operand(other), self)

    def __rsub__(self, other: Any) -> Tensor:
        return apply(elementwise.sub, self._operand(other), self)

    def __rmul__(self, other: Any) -> Tensor:
        return apply(elementwise.mul, self._operand(other), self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return apply(elementwise.div, self._operand(other), self)

    def __rpow__(self, other: Any) -> Tensor:
        return apply(elementwise.pow, self._operand(other), self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return apply(linear_algebra.matmul, self._operand(other), self)

    def _operand(self, other: Any) -> Any:
        """What stands beside this tensor: a tensor, an array, a Python number; anything else becomes an array."""
        if isinstance(other, Tensor | np.ndarray | int | float) and not isinstance(other, np.generic):
            return other
        if isinstance(other, np.generic):
            return other.item()
        if other is None or isinstance(other, str):  # for the op to refuse
            return other
        return np.asarray(other, self.dtype if self.dtype.kind == "f" else get_default_dtype())

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a Tensor's elements cannot be set, for a derivative may need them: make a new tensor, with where() say, "
            "or set those of its data if no backward pass is to come"
        )

    # Comparison, elementwise; a tensor's hash is its identity

    __eq__ = _comparison(np.equal)  # type: ignore[assignment]
    __ne__ = _comparison(np.not_equal)  # type: ignore[assignment]
    __lt__ = _comparison(np.less)
    __le__ = _comparison(np.less_equal)
    __gt__ = _comparison(np.greater)
    __ge__ = _comparison(np.greater_equal)
    __hash__ = object.__hash__
