"""Variance and standard deviation in both of PyTorch's forms: by a ``dim`` and a correction, or by yes and no alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import reductions
from npnn_cli.autograd.ops.primitive import Primitive

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor


def _lifted(op: Primitive) -> Callable[..., Tensor]:
    """The op on tensors, where a truth value that stands alone says whether all elements' variance is unbiased."""
    on_tensors = lift(op)

    @functools.wraps(on_tensors)
    def in_both_forms(*args: Any, **named: Any) -> Tensor:
        if len(args) == 2 and isinstance(args[1], bool) and not named:
            return on_tensors(args[0], correction=args[1])
        return on_tensors(*args, **named)

    return in_both_forms


var = _lifted(reductions.var)
std = _lifted(reductions.std)
