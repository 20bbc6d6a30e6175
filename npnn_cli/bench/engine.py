"""npnn itself, trained as ``npnn train`` trains it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from npnn_cli.bench.contender import LOSS, OUTPUTS, PROBABILITIES, Answers, SteppingContender, gradient_of
from npnn_cli.bench.workload import Workload
from npnn_cli.training.allocator import keep_freed_memory
from npnn_cli.training.evaluation import predict
from npnn_cli.training.loop import Trainer


class Engine(SteppingContender):
    """The engine.

    Args:
        workload: what to train.
        threads: instead of those of the spec.
    """

    def __init__(self, workload: Workload, threads: int | None = None) -> None:
        super().__init__(workload)
        keep_freed_memory()
        self._threads = workload.network.pinned_threads(threads)
        self._threads.__enter__()  # for as long as the process lives
        self.trainer = Trainer(workload.network, workload.splits)

    def answers(self) -> Answers:
        """Compute all that any other contender may be compared with."""
        inputs, targets = self.workload.first_batch()
        model = self.workload.network.model.train()
        outputs = predict(model, inputs).copy()
        answers = {OUTPUTS: outputs, LOSS: np.asarray(self.trainer.step.backward(inputs, targets))}
        if self.workload.network.dataset.task == "classification":
            exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            answers[PROBABILITIES] = exponentials / exponentials.sum(axis=1, keepdims=True)
        for name, parameter in model.named_parameters():
            answers[gradient_of(name)] = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.copy()
        return answers

    def losses(self, epoch: int) -> Iterator[float]:
        """Train for one epoch."""
        self.workload.network.model.train()
        self.trainer.loader.set_epoch(epoch)
        with np.errstate(all="ignore"):
            for inputs, targets in self.trainer.loader:
                yield self.trainer.step(inputs, targets)


build = Engine
