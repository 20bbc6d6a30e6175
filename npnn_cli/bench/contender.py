"""What can be timed: something that trains a workload step by step, or passes through a single layer."""

from __future__ import annotations

import itertools
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.bench.workload import Workload

OUTPUTS = "outputs"
PROBABILITIES = "probabilities"
LOSS = "loss"

Answers = dict[str, Array]
"""What a contender computes for the first batch, by name: ``outputs`` or ``probabilities`` (of the classes) in
evaluation mode, the ``loss``, and the :func:`gradient_of` each parameter, in training mode."""


def gradient_of(parameter: str) -> str:
    """The name under which a parameter's gradient stands among the answers."""
    return f"gradient of {parameter}"


class NoSuchContenderError(LookupError):
    """A library has no counterpart of what the spec describes; the message says of what."""


class MissingPackageError(ImportError):
    """A library that the spec was to be timed against is not installed; the message says how to install it."""


class Contender(ABC):
    """Does the same work again and again, step by step: it trains on a workload, say, from its initial weights on."""

    @abstractmethod
    def answers(self) -> Answers:
        """Compute what is to be compared, for the first batch with the initial weights. Called before any step."""

    @abstractmethod
    def train_steps(self, count: int) -> list[int]:
        """Take so many steps (at most those of an epoch); return their durations in ns, or means of some."""

    def train_epoch(self) -> int:
        """Take all steps of a new epoch; return how long that took in ns. Only what trains on samples has epochs."""
        raise NotImplementedError(f"{type(self).__name__} has no epochs")


class SteppingContender(Contender):
    """A contender whose steps can be timed one by one. A subclass defines :meth:`losses`."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self._epochs = itertools.count()
        self._steps = self._endless_steps()

    @abstractmethod
    def losses(self, epoch: int) -> Iterator[float]:
        """Train for one epoch (counted from 0), a whole step from the gather of the batch on with every ``next``."""

    def train_steps(self, count: int) -> list[int]:
        """Take so many steps, going on with the epoch that the call before left off in."""
        durations = []
        for _ in range(count):
            started = time.perf_counter_ns()
            next(self._steps)
            durations.append(time.perf_counter_ns() - started)
        return durations

    def train_epoch(self) -> int:
        """Take all steps of a new epoch."""
        self._steps = self._endless_steps()  # and the epoch that was under way ends here
        losses = self.losses(next(self._epochs))
        started = time.perf_counter_ns()
        deque(losses, maxlen=0)
        return time.perf_counter_ns() - started

    def _endless_steps(self) -> Generator[float, None, None]:
        while True:
            yield from self.losses(next(self._epochs))
