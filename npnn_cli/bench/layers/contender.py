"""A layer in one library, to be timed: forward and backward, as often as wanted."""

from __future__ import annotations

import time
from abc import abstractmethod

from npnn_cli.bench.contender import Contender


class LayerContender(Contender):
    """A contender whose step is a layer's pass forward and back. A subclass defines :meth:`pass_through`."""

    @abstractmethod
    def pass_through(self) -> None:
        """Compute the output of the input, then the gradients of the input and of the parameters."""

    def train_steps(self, count: int) -> list[int]:
        """Pass so often; the durations in ns."""
        durations = []
        for _ in range(count):
            started = time.perf_counter_ns()
            self.pass_through()
            durations.append(time.perf_counter_ns() - started)
        return durations
