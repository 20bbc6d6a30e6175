"""How many threads share the work of a run: a choice of speed that fixes the result to the last bit.

A matrix product sums its terms in an order that depends on how many threads share it. The number is therefore pinned
for a run and written into its spec, so that the same spec gives the same weights.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from npnn_cli.autograd.threads import get_num_threads, set_num_threads

# Below this batch size, sharing a product costs more than it saves. With 784-64-10 on two cores, two threads were
# slower by a quarter at 32 samples and faster by a tenth at 64; but beside another busy process, where each waits for
# the other, the same epochs took twenty times as long with two threads: too much to risk for a tenth.
SMALLEST_SHARED_BATCH = 128

# Below so many multiplications in a batch, sharing ops saves nothing. On two cores, batches of 64 through convolutions
# to 8 and 16 channels (18 million) took as long with two threads as with one, to 16 and 32 channels (65 million) four
# fifths of the time, and to 32 and 64 channels (246 million) as well.
FEWEST_SHARED_MULTIPLICATIONS = 30_000_000
MOST_THREADS = 2


def default_threads(batch_size: int, multiplications: int, *, of_ops: bool) -> int:
    """The number of threads that was measured to be fastest for small networks.

    Args:
        batch_size: how many samples a batch has.
        multiplications: how many there are in the forward pass of a sample, about.
        of_ops: whether the threads share the work of whole ops, see :func:`pinned_threads`.
    """
    pays = (
        batch_size * multiplications >= FEWEST_SHARED_MULTIPLICATIONS if of_ops else batch_size >= SMALLEST_SHARED_BATCH
    )
    return min(MOST_THREADS, os.cpu_count() or 1) if pays else 1


@contextmanager
def pinned_threads(threads: int, *, of_ops: bool) -> Iterator[None]:
    """Inside the ``with`` block, so many threads share what takes long.

    Args:
        threads: how many.
        of_ops: whether they share the work of whole ops, which suits images, or else of single matrix products. The
            threads of both would wait for one another.
    """
    before = get_num_threads()
    set_num_threads(threads if of_ops else 1)
    try:
        with threadpool_limits(1 if of_ops else threads, user_api="blas"):
            yield
    finally:
        set_num_threads(before)
