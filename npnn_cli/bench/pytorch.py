"""PyTorch, in its default form or with what makes it faster."""

from __future__ import annotations

from collections.abc import Iterator

from npnn_cli.bench.contender import LOSS, OUTPUTS, Answers, NoSuchContenderError, SteppingContender, gradient_of
from npnn_cli.bench.workload import Workload
from npnn_cli.torch_reference.contender import TimedTorchTraining, has_fused_form


class PyTorch(SteppingContender):
    """The same network in PyTorch, its samples scaled beforehand and held in memory.

    Raises:
        TorchMissingError: if torch is not installed.
        NoSuchContenderError: if the optimizer has no fused form and one is wanted.
    """

    def __init__(self, workload: Workload, *, fused: bool = False, channels_last: bool = False) -> None:
        super().__init__(workload)
        optimizer, scheduler = workload.network.build_optimizer(workload.steps_per_epoch)
        if fused and not has_fused_form(optimizer):
            raise NoSuchContenderError(f"PyTorch has no fused {type(optimizer).__name__}")
        self.training = TimedTorchTraining(
            workload.network,
            optimizer,
            scheduler,
            *workload.scaled_samples(),
            fused=fused,
            channels_last=channels_last,
        )

    def answers(self) -> Answers:
        """Compute outputs, loss and gradients of the first batch."""
        outputs, loss, gradients = self.training.differentiate(*self.workload.first_batch())
        return {OUTPUTS: outputs, LOSS: loss} | {gradient_of(name): grad for name, grad in gradients.items()}

    def losses(self, epoch: int) -> Iterator[float]:
        """Train for one epoch."""
        return self.training.losses(self.workload.order(epoch))


build = PyTorch
