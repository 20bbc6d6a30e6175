"""The greatest and the least element, in PyTorch's three forms: of all, along a dimension, and of two tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from npnn_cli.autograd import compositions
from npnn_cli.autograd.dispatch import apply
from npnn_cli.autograd.ops import elementwise, reductions
from npnn_cli.autograd.ops.primitive import Primitive
from npnn_cli.examples import distinct, example
from npnn_cli.registry import functions

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor


class Extreme(NamedTuple):
    """The answer of ``max(dim)`` and ``min(dim)``: the values, and the index of each along ``dim``."""

    values: Tensor
    indices: Tensor


_EXAMPLES = (
    example(distinct(3, 4)),
    example(distinct(2, 3, 4), dim=1),
    example(distinct(2, 3, 4), dim=-1, keepdim=True),
    example(distinct(), dim=0),
    example(distinct(3, 4), distinct(3, 4)),
)


@functions.register(*_EXAMPLES)
def max(input: Tensor, dim: Any = None, keepdim: bool = False, **words: Any) -> Any:
    """Greatest element, or along ``dim`` the (values, indices); the first of equals counts there.

    Given another tensor, as ``other`` or instead of a ``dim``: the greater of each two elements.
    See https://pytorch.org/docs/stable/generated/torch.max.html.
    """
    return _extreme(reductions.amax, reductions.argmax, elementwise.maximum, input, dim, keepdim, **words)


@functions.register(*_EXAMPLES)
def min(input: Tensor, dim: Any = None, keepdim: bool = False, **words: Any) -> Any:
    """Least element, or along ``dim`` the (values, indices); the first of equals counts there.

    Given another tensor, as ``other`` or instead of a ``dim``: the lesser of each two elements.
    See https://pytorch.org/docs/stable/generated/torch.min.html.
    """
    return _extreme(reductions.amin, reductions.argmin, elementwise.minimum, input, dim, keepdim, **words)


def _extreme(
    of_all: Primitive,
    index_of: Primitive,
    of_two: Primitive,
    input: Tensor,
    dim: Any,
    keepdim: bool,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor | Extreme:
    dim, keepdim = axis if dim is None else dim, keepdim or keepdims
    other = dim if hasattr(dim, "dtype") and not isinstance(dim, np.integer) else other
    if other is not None:
        return apply(of_two, input, other)
    if dim is None:
        return apply(of_all, input, keepdim=keepdim)
    indices = apply(index_of, input, dim=dim, keepdim=True)
    values = compositions.gather(input, dim, indices)
    if keepdim:
        return Extreme(values, indices)
    return Extreme(compositions.squeeze(values, dim), compositions.squeeze(indices, dim))
