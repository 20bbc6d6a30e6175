"""A single sample, where an op is written for batches of them."""

from __future__ import annotations

from npnn_cli.autograd.ops.primitive import VJP, Answer, Joint


def of_one_sample(answer: Answer) -> Answer:
    """The answer and the derivatives for one sample, given those for a batch of it alone.

    The gradient of the sample is left with the batch's size 1: the engine undoes it as a broadcast one.
    """
    ans, *vjps = answer
    return ans[0], *map(_of_batch, vjps)


def _of_batch(vjp: VJP | Joint | None) -> VJP | Joint | None:
    if isinstance(vjp, Joint):
        return Joint(lambda g, gradients: vjp.differentiate(g[None], gradients))
    return None if vjp is None else lambda g: vjp(g[None])
