"""From ops on arrays to ops on tensors: an op is run on the arrays, and the graph notes where its answer came from."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npnn_cli.autograd import graph
from npnn_cli.autograd.dtypes import get_default_dtype, is_floating
from npnn_cli.autograd.ops.primitive import PUBLIC_NAMES, Answer, Array, Joint, Primitive
from npnn_cli.autograd.refusals import REFUSALS, explain

if TYPE_CHECKING:
    from npnn_cli.autograd.tensor import Tensor


@functools.cache
def _tensor_class() -> type[Tensor]:
    """The class of all answers. It is imported late, because its methods are made by :func:`lift`."""
    from npnn_cli.autograd.tensor import Tensor

    return Tensor


def apply(op: Primitive, *inputs: Any, **options: Any) -> Tensor:
    """Run a primitive on tensors (or arrays, or numbers), and record in the answer where it came from.

    Args:
        op: a primitive, see :mod:`npnn_cli.autograd.ops.primitive`.
        inputs: its inputs; None for an absent one.
        options: its options.
    """
    Tensor = _tensor_class()
    arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
    try:
        ans, *vjps = _run(op, arrays, options)
    except REFUSALS as error:
        explain(error, op, arrays, options)
        raise
    data = ans if type(ans) is np.ndarray else np.asarray(ans)
    if data.dtype is not get_default_dtype() and data.dtype.kind == "f" and not any(map(is_floating, arrays)):
        # Of whole numbers, NumPy makes float16 or float64.
        floats = [None if x is None else np.asarray(x, get_default_dtype()) for x in arrays]
        return apply(op, *floats, **options)
    if not graph.is_grad_enabled():
        return _without_links(data, inputs)
    joint = vjps[0] if vjps and isinstance(vjps[0], Joint) else None
    links: list[tuple[Any, Any]] = []
    constants: tuple[Any, ...] = ()
    # An input that is left out has no link; of a joint derivative, its position is the link.
    for x, vjp in zip(inputs, vjps, strict=False) if joint is None else zip(inputs, itertools.count()):
        if isinstance(x, Tensor):
            if not x.requires_grad:
                constants += (x,)
            elif vjp is not None:
                links.append((x, vjp))
    return Tensor.answer(data, links, joint, constants) if links else _without_links(data, inputs)


def _without_links(data: Array, inputs: Sequence[Any]) -> Tensor:
    """An answer that no gradient flows to. It may be a view of an input, which is changed in place with that."""
    Tensor = _tensor_class()
    answer = Tensor.answer(data)
    if data.base is not None:
        shared = (x for x in inputs if isinstance(x, Tensor) and np.may_share_memory(data, x.data))
        answer.owner = next((x.owner_of_data for x in shared), None)
    return answer


@np.errstate(all="ignore")
def _run(op: Primitive, arrays: list[Any], options: dict[str, Any]) -> Answer:
    """The answer of an op and its vjps. As in PyTorch, inf and nan are answers like any other: no warning."""
    return op(*arrays, **options)


# What PyTorch takes an argument by besides its name.
_OTHER_WORDS = {"axis": "dim", "keepdims": "keepdim", "unbiased": "correction", **PUBLIC_NAMES}


def lift(op: Primitive) -> Callable[..., Tensor]:
    """Make a primitive, a function on arrays, into the function on tensors of the same signature.

    As in PyTorch, x and y are called ``input`` and ``other``, and NumPy's words ``axis`` and ``keepdims`` are accepted
    for ``dim`` and ``keepdim``.
    """
    parameters = list(inspect.signature(op).parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return functools.wraps(op)(functools.partial(apply, op))
    parameters = [p.replace(name=PUBLIC_NAMES.get(p.name, p.name)) for p in parameters]
    signature = inspect.Signature([p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters])
    inputs = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    options = [p.name for p in parameters[len(inputs) :]]

    @functools.wraps(op)
    def on_tensors(*args: Any, **named: Any) -> Tensor:
        if not named and len(args) <= len(inputs):  # binding would take longer than many an op
            return apply(op, *args)
        if not named and len(args) <= len(parameters):
            return apply(op, *args[: len(inputs)], **dict(zip(options, args[len(inputs) :], strict=False)))
        words = {_OTHER_WORDS.get(name, name): value for name, value in named.items()}
        try:
            bound = signature.bind(*args, **words)
        except TypeError as error:
            raise TypeError(f"{op.__name__}: {error}") from None
        if len(words) < len(named):
            raise TypeError(f"{op.__name__}: the same argument under two names, got {', '.join(named)}")
        bound.apply_defaults()
        tensors = [bound.arguments.pop(name) for name in inputs]
        return apply(op, *tensors, **bound.arguments)

    on_tensors.__dict__["__signature__"] = signature
    return on_tensors
