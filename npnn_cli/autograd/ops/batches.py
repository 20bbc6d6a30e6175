"""A single sample, where an op is written for batches of them."""

from __future__ import annotations

from typing import cast

from npnn_cli.autograd.ops.primitive import VJP, Answer, Array


def of_one_sample(answer: Answer) -> Answer:
    """The answer and the vjps for one sample, given those for a batch of it alone: without the batch's size 1."""
    ans, *vjps = cast(tuple[Array, *tuple[VJP | None, ...]], answer)  # of no op with a Joint
    of_x, *of_others = map(_of_batch, vjps)
    return ans[0], None if of_x is None else lambda g: of_x(g)[0], *of_others


def _of_batch(vjp: VJP | None) -> VJP | None:
    return None if vjp is None else lambda g: vjp(g[None])
