"""How many threads the matrix products of a run use: a choice of speed that fixes the result to the last bit.

A product sums its terms in an order that depends on how many threads share it. The number is therefore pinned for a
run and written into its spec, so that the same spec gives the same weights.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

# Below this batch size, sharing a product costs more than it saves. With 784-64-10 on two cores, two threads were
# slower by a quarter at 32 samples and faster by a tenth at 64; but beside another busy process, where each waits for
# the other, the same epochs took twenty times as long with two threads: too much to risk for a tenth.
SMALLEST_SHARED_BATCH = 128
MOST_THREADS = 2


def default_threads(batch_size: int) -> int:
    """The number of threads that was measured to be fastest for small networks at this batch size."""
    return 1 if batch_size < SMALLEST_SHARED_BATCH else min(MOST_THREADS, os.cpu_count() or 1)


def pinned_threads(threads: int) -> AbstractContextManager[object]:
    """Let matrix products use this many threads inside the ``with`` block."""
    limits: AbstractContextManager[object] = threadpool_limits(threads, user_api="blas")
    return limits
