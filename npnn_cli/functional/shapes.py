"""Functions that move elements without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from npnn_cli.autograd.compositions import cat, chunk, flip, index_select, roll, split, squeeze, stack, unsqueeze
from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.ops import padding, shapes
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.registry import functions

__all__ = ["chunk", "expand", "flatten", "flip", "permute", "reshape", "roll", "split", "squeeze", "transpose"]
__all__ += ["cat", "constant_pad_nd", "pad", "stack", "unsqueeze", "view"]

reshape = view = lift(shapes.reshape)
expand = lift(shapes.expand)
permute = lift(shapes.permute)
transpose = lift(shapes.transpose)
flatten = lift(shapes.flatten)
constant_pad_nd = lift(padding.constant_pad_nd)


@functions.register(
    example(normal(3, 4), pad=(1, 2)),
    example(normal(3, 4), pad=(1, -1, 0, 2), value=-0.5),
    example(normal(2, 3, 5), pad=(4, 2), mode="reflect"),
    example(normal(2, 3, 4, 5), pad=(2, 1, 0, 3), mode="reflect"),
    example(normal(2, 3, 5), pad=(-1, 3), mode="reflect"),
    example(normal(2, 3, 5), pad=(6, 2), mode="replicate"),
    example(normal(2, 3, 4, 5), pad=(1, 2, 5, -1), mode="replicate"),
    example(normal(2, 3, 4), pad=(4, 3), mode="circular"),
)
def pad(
    input: Tensor,
    pad: Sequence[int],
    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant",
    value: float | None = None,
) -> Tensor:
    """Surround a tensor: ``pad`` says how much before and after the last dimension, then the one before it, and so on.

    Modes: a "constant" ``value``, 0 unless given; "reflect" mirrors at the outermost elements; "replicate" repeats
    them; "circular" goes on with the other end. A negative number cuts off.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html.

    Raises:
        TypeError, ValueError: if ``pad`` does not fit the shape or the mode, or the mode is another.
    """
    if mode not in ("constant", *padding.REPEATING_MODES):
        raise ValueError(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    if mode == "constant":
        return apply(padding.constant_pad_nd, input, pad=pad, value=0 if value is None else value)
    if value:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value}")
    for dim, (before, after) in enumerate(padding.sides(input.shape, pad, "pad")):
        if before or after:
            input = index_select(input, dim, padding.sources(input.shape[dim], before, after, mode))
    return input
