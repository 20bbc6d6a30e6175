"""Ops that reduce: ``dim`` is the axis, or the axes, reduced over (all of them by default).

Ties follow PyTorch: over all elements the equal extremes share the gradient evenly (``max()``, ``amax``); along one
``dim``, the first index takes all of it (``max(dim)``).
"""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import distinct, example, normal

Dim = int | tuple[int, ...] | None


def _expand(reduced: Array, x: Array, dim: Dim, keepdim: bool) -> Array:
    """View a reduced array in the shape of x: as many dimensions, 1 along the reduced ones."""
    if keepdim or (dim is None and x.ndim == 0):
        return reduced
    dims = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    return np.expand_dims(reduced, tuple(dims))


@primitive(
    example(normal(2, 3, 4)),
    example(normal()),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), keepdim=True),
)
def sum(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Sum of the elements."""
    ans = x.sum(axis=dim, keepdims=keepdim)
    return ans, lambda g: np.broadcast_to(_expand(g, x, dim, keepdim), x.shape)


@primitive(
    example(normal(2, 3, 4)),
    example(normal()),
    example(normal(2, 3, 4), dim=1),
    example(normal(2, 3, 4), dim=(0, -1), keepdim=True),
)
@np.errstate(all="ignore")
def mean(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Arithmetic mean of the elements; nan if there are none."""
    total = x.sum(axis=dim, keepdims=keepdim)
    count = x.dtype.type(x.size / max(total.size, 1))
    return total / count, lambda g: np.broadcast_to(_expand(g / count, x, dim, keepdim), x.shape)


@primitive(
    example(distinct(2, 3, 4)), example(distinct(2, 3, 4), dim=1), example(distinct(3, 4), dim=(0, 1), keepdim=True)
)
def amax(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Greatest element; equal ones share the gradient."""
    ans = x.max(axis=dim, keepdims=keepdim)
    return ans, lambda g: _shared_by_equals(g, ans, x, dim, keepdim)


@primitive(
    example(distinct(2, 3, 4)), example(distinct(2, 3, 4), dim=1), example(distinct(3, 4), dim=(0, 1), keepdim=True)
)
def amin(x: Array, /, dim: Dim = None, keepdim: bool = False) -> Answer:
    """Least element; equal ones share the gradient."""
    ans = x.min(axis=dim, keepdims=keepdim)
    return ans, lambda g: _shared_by_equals(g, ans, x, dim, keepdim)


def _shared_by_equals(g: Array, ans: Array, x: Array, dim: Dim, keepdim: bool) -> Array:
    chosen = x == _expand(ans, x, dim, keepdim)
    shared: Array = _expand(g, x, dim, keepdim) * chosen / chosen.sum(axis=dim, keepdims=True, dtype=x.dtype)
    return shared


@primitive(example(normal(3, 4), dim=-1), example(normal(2, 3, 4), dim=1))
@np.errstate(all="ignore")
def log_softmax(x: Array, /, dim: int = -1) -> Answer:
    """Logarithm of the softmax along ``dim``, shifted by the maximum so that no exponential overflows.

    ans = x - log Σ exp x, hence dans_i/dx_j = δ_ij - softmax_j.
    """
    shifted = x - x.max(axis=dim, keepdims=True)
    ans = shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return ans, lambda g: g - np.exp(ans) * g.sum(axis=dim, keepdims=True)
