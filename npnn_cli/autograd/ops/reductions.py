"""Ops that reduce: ``dim`` is the dimension, or the dimensions, reduced over (all of them by default).

Ties follow PyTorch: over all elements the equal extremes share the gradient evenly (``max()``, ``amax``); along one
``dim``, the first index takes all of it (``max(dim)``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from npnn_cli.autograd.dtypes import get_default_dtype, require_floating
from npnn_cli.autograd.ops.dimensions import Dim, dim_of, dims_of
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.selection import selected
from npnn_cli.examples import constant, distinct, example, nonzero, normal, positive


def _dtype_of_sum(x: Array) -> type[np.int64] | None:
    """The dtype of a sum or a product that is not NumPy's: PyTorch has int64 for unsigned numbers, too."""
    return np.int64 if x.dtype.kind == "u" else None


def _expand(reduced: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """View a reduced array with as many dimensions as there were before, 1 along the reduced ones."""
    return reduced if keepdim else np.expand_dims(reduced, dims)


@primitive(
    example(normal(2, 3, 4)),
    example(normal()),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), keepdim=True),
    example(normal(2, 0, 3), dim=1),
)
def sum(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Sum of the elements."""
    dims = dims_of(x, dim, "sum")
    ans = x.sum(axis=dims, keepdims=keepdim, dtype=_dtype_of_sum(x))
    return ans, lambda g: np.broadcast_to(_expand(g, dims, keepdim), x.shape)


@primitive(
    example(normal(2, 3, 4)),
    example(normal()),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), keepdim=True),
)
def mean(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Arithmetic mean of the elements; nan if there are none.

    Raises:
        TypeError, IndexError, ValueError: if x is not floating, or ``dim`` does not name dimensions of it.
    """
    require_floating(x, "mean")
    dims = dims_of(x, dim, "mean")
    count = _count(x, dims)
    ans = x.sum(axis=dims, keepdims=keepdim) / count
    return ans, lambda g: np.broadcast_to(_expand(g / count, dims, keepdim), x.shape)


@primitive(
    example(normal(2, 3, 4)),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), correction=0, keepdim=True),
)
def var(x: Array, /, dim: Dim = None, correction: float | None = 1, keepdim: bool = False) -> Answer:
    """Variance Σ (x - mean)² / (n - correction) of n elements; the correction 0 gives the biased one, None is 1.

    Raises:
        TypeError, IndexError, ValueError: if x is not floating, or ``dim`` does not name dimensions of it.
    """
    require_floating(x, "var")
    dims = dims_of(x, dim, "var")
    ans, slopes = _variance(x, dims, correction, keepdim)
    return ans, lambda g: _expand(g, dims, keepdim) * slopes


@primitive(
    example(normal(2, 3, 4)),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), correction=0, keepdim=True),
)
def std(x: Array, /, dim: Dim = None, correction: float | None = 1, keepdim: bool = False) -> Answer:
    """Standard deviation, the root of the variance, with derivative 0 where it is 0.

    Raises:
        TypeError, IndexError, ValueError: if x is not floating, or ``dim`` does not name dimensions of it.
    """
    require_floating(x, "std")
    dims = dims_of(x, dim, "std")
    variance, slopes = _variance(x, dims, correction, keepdim)
    ans = np.sqrt(variance)
    return ans, lambda g: _expand(np.where(ans == 0, 0, g / (2 * ans)), dims, keepdim) * slopes


def _variance(x: Array, dims: tuple[int, ...], correction: float | None, keepdim: bool) -> tuple[Array, Array]:
    """The variance, and its derivative with respect to x."""
    count = _count(x, dims)
    divisor = np.asarray(max(0, count - (1 if correction is None else correction)), x.dtype)
    centered = x - x.sum(axis=dims, keepdims=True) / count
    return (centered * centered).sum(axis=dims, keepdims=keepdim) / divisor, centered * (2 / divisor)


def _count(x: Array, dims: tuple[int, ...]) -> int:
    """How many elements are reduced to one."""
    return math.prod(x.shape[dim] for dim in dims)


@primitive(
    example(normal(2, 3, 4)),
    example(normal()),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=-1, keepdim=True),
    example(constant(0.0, 2, 3), dim=1),
)
def prod(x: Array, /, dim: int | None = None, keepdim: bool = False) -> Answer:
    """Product of the elements, of all or along one ``dim``. Its derivative is the product of the others."""
    dims = dims_of(x, dim, "prod") if dim is None else (dim_of(x, dim, "prod"),)[: x.ndim]

    def gradient(g: Array) -> Array:
        rows = x.reshape(-1) if dim is None else np.moveaxis(np.atleast_1d(x), dim, -1)
        before, after = np.ones_like(rows), np.ones_like(rows)
        before[..., 1:] = rows[..., :-1].cumprod(axis=-1)
        after[..., -2::-1] = rows[..., :0:-1].cumprod(axis=-1)
        others = before * after if dim is None else np.moveaxis(before * after, -1, dim)
        return np.asarray(_expand(g, dims, keepdim) * others.reshape(x.shape))

    return x.prod(axis=dims, keepdims=keepdim, dtype=_dtype_of_sum(x)), gradient


@primitive(
    example(distinct(2, 3, 4)), example(distinct(2, 3, 4), dim=1), example(distinct(3, 4), dim=(0, 1), keepdim=True)
)
def amax(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Greatest element; equal ones share the gradient. Where it is nan along a ``dim``, so is the gradient."""
    dims = _nonempty(x, dim, "amax")
    ans = x.max(axis=dims, keepdims=keepdim)
    shared = _shared_by_equals if dim is None else _shared_by_numbers
    return ans, lambda g: shared(g, ans, x, dims, keepdim)


@primitive(
    example(distinct(2, 3, 4)), example(distinct(2, 3, 4), dim=1), example(distinct(3, 4), dim=(0, 1), keepdim=True)
)
def amin(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Least element; equal ones share the gradient. Where it is nan along a ``dim``, so is the gradient."""
    dims = _nonempty(x, dim, "amin")
    ans = x.min(axis=dims, keepdims=keepdim)
    shared = _shared_by_equals if dim is None else _shared_by_numbers
    return ans, lambda g: shared(g, ans, x, dims, keepdim)


def _nonempty(x: Array, dim: Dim, op: str) -> tuple[int, ...]:
    """The dimensions to reduce, along which there must be something to choose from."""
    dims = dims_of(x, dim, op)
    if not _count(x, dims):
        raise ValueError(f"{op}: there is no element to choose from, the shape is {x.shape} and dim is {dim}")
    return dims


@primitive(example(distinct(3, 4)), example(distinct(2, 3, 4), dim=1), example(distinct(2, 3), dim=-1, keepdim=True))
def argmax(x: Array, /, dim: int | None = None, keepdim: bool = False) -> Answer:
    """Index of the greatest element among all, or along ``dim``; the first of equals. It has no gradient."""
    return _index_of(np.argmax, x, dim, keepdim), None


@primitive(example(distinct(3, 4)), example(distinct(2, 3, 4), dim=1), example(distinct(2, 3), dim=-1, keepdim=True))
def argmin(x: Array, /, dim: int | None = None, keepdim: bool = False) -> Answer:
    """Index of the least element among all, or along ``dim``; the first of equals. It has no gradient."""
    return _index_of(np.argmin, x, dim, keepdim), None


def _index_of(choose: Callable[..., Array], x: Array, dim: int | None, keepdim: bool) -> Array:
    op = choose.__name__
    axis = None if dim is None else dim_of(x, dim, op)
    _nonempty(x, axis, op)
    return np.asarray(choose(x, axis=axis if x.ndim else None, keepdims=keepdim))


def _shared_by_equals(g: Array, ans: Array, x: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """The gradient of an extreme, as of PyTorch's ``max()``: nan, where the extreme is nan, is equal to nan."""
    chosen = (x == _expand(ans, dims, keepdim)) | np.isnan(x)
    return selected(_expand(g, dims, keepdim) / chosen.sum(axis=dims, keepdims=True, dtype=x.dtype), chosen)


def _shared_by_numbers(g: Array, ans: Array, x: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """The gradient of an extreme, as of PyTorch's ``amax(dim)``: to nan, nothing is equal, and 0 / 0 is nan."""
    chosen = x == _expand(ans, dims, keepdim)
    shared: Array = _expand(g, dims, keepdim) * chosen / chosen.sum(axis=dims, keepdims=True, dtype=x.dtype)
    return shared


@primitive(
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), keepdim=True),
    example(normal(), dim=0),
    example(normal(0, 3), dim=1),
)
def logsumexp(x: Array, /, dim: int | Sequence[int], keepdim: bool = False) -> Answer:
    """Logarithm log Σ e ** x of the sum of exponentials, shifted by the maximum so that none overflows.

    Its derivative is the softmax. Where every element is -inf, or there is none, it is -inf.
    """
    dims = dims_of(x, dim, "logsumexp")
    x = x if x.dtype.kind == "f" else x.astype(get_default_dtype())
    greatest = x.max(axis=dims, keepdims=True, initial=-np.inf)
    greatest = np.where(np.isinf(greatest), 0, greatest)
    full = np.log(np.exp(x - greatest).sum(axis=dims, keepdims=True)) + greatest
    return full if keepdim else full.squeeze(dims), lambda g: _expand(g, dims, keepdim) * np.exp(x - full)


@primitive(
    example(normal(2, 3, 4)),
    example(nonzero()),
    example(normal(2, 3, 4), p=2, dim=1),
    example(nonzero(3, 4), p=1, dim=(0, 1), keepdim=True),
    example(nonzero(3, 4), p=3.0, dim=0),
    example(nonzero(3, 4), p=0.5, dim=-1),
    example(positive(3, 4), p=-1.5, dim=-1),
    example(distinct(3, 4), p=math.inf, dim=1),
    example(positive(3, 4), p=-math.inf),
)
def norm(x: Array, /, p: float | str | None = "fro", dim: Dim = None, keepdim: bool = False) -> Answer:
    """Norm (Σ |x| ** p) ** (1/p) of the elements as one vector; "fro" and None are 2, inf the greatest |x|.

    Where the norm is 0, so is its derivative.
    See https://pytorch.org/docs/stable/generated/torch.norm.html.

    Raises:
        ValueError: if p is a word other than "fro".
    """
    if isinstance(p, str) and p != "fro":
        raise ValueError(f"norm: p must be a number or 'fro', got {p!r}")
    require_floating(x, "norm")
    order = 2.0 if p is None or isinstance(p, str) else float(p)
    dims, size = (dims_of if order >= 0 and order != math.inf else _nonempty)(x, dim, "norm"), np.abs(x)
    if order == 0:
        return np.asarray(size != 0).sum(axis=dims, keepdims=keepdim, dtype=x.dtype), lambda _: np.zeros_like(x)
    if math.isinf(order):
        extreme = np.asarray((size.max if order > 0 else size.min)(axis=dims, keepdims=keepdim))
        return extreme, lambda g: np.sign(x) * _shared_by_equals(g, extreme, size, dims, keepdim)
    if order == 2:
        full = np.sqrt((x * x).sum(axis=dims, keepdims=True))
    elif order == 1:
        full = size.sum(axis=dims, keepdims=True)
    else:
        full = (size**order).sum(axis=dims, keepdims=True) ** (1 / order)

    def gradient(g: Array) -> Array:
        slopes = x / full if order == 2 else np.sign(x) * (size / full) ** (order - 1)
        return _expand(g, dims, keepdim) * np.where(x == 0, 0, slopes)

    return full if keepdim else full.squeeze(dims), gradient


@primitive(example(normal(3, 4), dim=0), example(normal(2, 3, 4), dim=-2), example(normal(), dim=0))
def cumsum(x: Array, /, dim: int) -> Answer:
    """Sum of each element and all before it along ``dim``."""
    dim, rows = dim_of(x, dim, "cumsum"), np.atleast_1d(x)

    def gradient(g: Array) -> Array:
        backwards = np.flip(np.atleast_1d(g), dim)
        return np.flip(backwards.cumsum(dim), dim).reshape(x.shape)

    return rows.cumsum(dim, dtype=_dtype_of_sum(x)).reshape(x.shape), gradient
