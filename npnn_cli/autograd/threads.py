"""Threads that share the work of an op: while NumPy computes, other threads of Python may run.

An op that is worth it cuts its arrays into parts, and each part is computed as it would be alone. The result therefore
has the same bits however many threads there are, unless a single matrix product had to be cut: BLAS may sum the terms
of a smaller one in another order. There is one thread unless :func:`set_num_threads` says otherwise; where there are
more, matrix products should have one thread each, or they get in one another's way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from types import TracebackType

import numpy as np

from npnn_cli.autograd.ops.primitive import Array

# Handing work to another thread takes 20 µs, as long as a simple operation on so many elements.
LEAST_ELEMENTS = 1 << 15

# So many at a time need little memory for what is between one operation and the next.
BLOCK_ELEMENTS = 1 << 18

_count = 1
_in_use = threading.Lock()


def get_num_threads() -> int:
    """How many threads may share the work of an op."""
    return _count


def set_num_threads(count: int) -> None:
    """Set how many threads may share the work of an op; under PyTorch's name.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if there is to be none.
    """
    global _count
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"set_num_threads: expected a whole number of threads, got {count!r}")
    if count < 1:
        raise ValueError(f"set_num_threads: expected at least 1 thread, got {count}")
    _count = count


def share(work: Callable[[slice], object], size: int, elements: int) -> None:
    """Call ``work`` on slices that together are all of ``range(size)``, and return when all is done.

    Args:
        work: must not depend on how ``range(size)`` is cut, and not write where another slice's call reads or writes.
        size: of what is cut.
        elements: how many numbers there are to compute; a few are not shared.
    """
    count = min(_count, size, elements // LEAST_ELEMENTS)
    if count < 2 or not _in_use.acquire(blocking=False):  # by another thread of the program, or from within a work
        work(slice(0, size))
        return
    try:
        first, *others = (slice(size * part // count, size * (part + 1) // count) for part in range(count))
        helpers = _helpers_for(len(others))
        for helper, part in zip(helpers, others, strict=True):
            helper.start(work, part)
        try:
            work(first)
        finally:
            errors = [helper.finish() for helper in helpers]  # all of them: none may write any more
        for error in errors:
            if error is not None:
                raise error
    finally:
        _in_use.release()


def share_along(axis: int, work: Callable[..., object], *arrays: Array) -> None:
    """Call ``work`` on corresponding parts of arrays that agree along an axis, which together are all of them.

    The parts are shared between threads, and none of them is large.

    Args:
        axis: along which they are cut.
        work: computes what lies at different places of the axis separately, and writes it to some of the arrays.
        arrays: the first decides how many parts there are.
    """
    model = arrays[0]
    size = model.shape[axis]
    step, before = max(1, BLOCK_ELEMENTS * size // max(1, model.size)), (slice(None),) * axis

    def in_blocks(part: slice) -> None:
        for start in range(part.start, part.stop, step):
            place = (*before, slice(start, min(start + step, part.stop)))
            work(*(array[place] for array in arrays))

    if model.size < 2 * LEAST_ELEMENTS:  # slicing, too, takes time
        work(*arrays)
    else:
        share(in_blocks, size, model.size)


def by_parts(work: Callable[..., object], *arrays: Array) -> None:
    """Call ``work`` on corresponding parts of arrays of one shape, as :func:`share_along` does.

    Args:
        work: operates on each element by itself, and writes its results to some of the arrays.
        arrays: the first decides along which axis all are cut: where it is outermost in memory.
    """
    if arrays[0].ndim == 0:
        arrays = tuple(array.reshape(1) for array in arrays)  # so that NumPy makes arrays of them, not numbers
    share_along(outermost(arrays[0], range(arrays[0].ndim)), work, *arrays)


def outermost(x: Array, axes: Sequence[int]) -> int:
    """Which of these axes is outermost in memory."""
    return max(axes, key=lambda axis: (abs(x.strides[axis]), x.shape[axis]))


def mapped(function: Callable[..., object], *arrays: Array) -> Array:
    """What a function on elements, which takes ``out``, makes of arrays of one shape; by parts."""
    ans = np.empty_like(arrays[0])
    by_parts(lambda *parts: function(*parts[:-1], out=parts[-1]), *arrays, ans)
    return ans


class _Helper:
    """A thread that does what it is told, one thing at a time."""

    def __init__(self) -> None:
        self._orders: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._results: SimpleQueue[BaseException | None] = SimpleQueue()
        self._is_busy = False
        self._thread = threading.Thread(target=self._serve, name="npnn helper", daemon=True)
        self._thread.start()

    def start(self, work: Callable[[slice], object], part: slice) -> None:
        """Begin with a piece of work, under the settings (``np.errstate``) of the thread that calls."""
        self._is_busy = True
        context = copy_context()
        self._orders.put(lambda: context.run(work, part))

    def finish(self) -> BaseException | None:
        """Wait until it is done; return the error that it ended in, if any."""
        error = self._results.get()
        self._is_busy = False
        return error

    @property
    def is_ready(self) -> bool:
        """Whether it waits for work: not if Ctrl-C came while it was busy, nor in a process forked from its own."""
        return self._thread.is_alive() and not self._is_busy

    def _serve(self) -> None:
        while True:
            order = self._orders.get()
            with _Report(self._results):
                order()


class _Report:
    """Reports how what is done inside the ``with`` block ends: with an error, or with None."""

    def __init__(self, results: SimpleQueue[BaseException | None]) -> None:
        self._results = results

    def __enter__(self) -> None:
        """Nothing is to be done."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._results.put(error)
        return True


_helpers: list[_Helper] = []


def _helpers_for(count: int) -> list[_Helper]:
    """So many helpers that are ready."""
    _helpers[:] = [helper for helper in _helpers if helper.is_ready]
    _helpers.extend(_Helper() for _ in range(count - len(_helpers)))
    return _helpers[:count]
