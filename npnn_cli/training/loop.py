"""The training loop: batches forward, backward and step; after each epoch a validation, and the best weights kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.data import DataSplits
from npnn_cli.nn import Module, Parameter
from npnn_cli.nn.backpropagation import OpsInARow
from npnn_cli.nn.loss import Loss
from npnn_cli.optim import Optimizer, clip_grad_norm_, clip_grad_value_
from npnn_cli.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from npnn_cli.spec import EarlyStoppingSpec, TrainingSpec
from npnn_cli.training.building import Network
from npnn_cli.training.early_stopping import EarlyStopping
from npnn_cli.training.evaluation import evaluate
from npnn_cli.training.metrics import mode_of

Record = dict[str, float]


class DivergenceError(ArithmeticError):
    """The loss or a gradient is no finite number any more, so that going on would only spoil the weights."""


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """One step of training, from a batch to changed weights.

    It is to be taken under ``np.errstate(all="ignore")``: what overflows is found in the loss and the gradients.

    Attributes:
        model: in training mode.
        loss: of a batch.
        optimizer: of the model's parameters.
        scheduler: goes on with every batch if that is its interval.
        training: says how to clip the gradients.
    """

    model: Module
    loss: Loss
    optimizer: Optimizer
    scheduler: LRScheduler | None
    training: TrainingSpec

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The model's parameters: looking them up takes as long as a small layer's arithmetic."""
        return list(self.model.parameters())

    @cached_property
    def ops(self) -> OpsInARow:
        """The ops of model and loss, by which a step goes if they are all that there is to it."""
        return OpsInARow(self.model, self.loss)

    def __call__(self, inputs: Array, targets: Array) -> float:
        """Take the step and return the loss that the batch had before it.

        Raises:
            DivergenceError: if the loss or a gradient is not finite; the weights are not changed then.
        """
        loss = self.backward(inputs, targets)
        self.update()
        return loss

    def backward(self, inputs: Array, targets: Array) -> float:
        """Compute the gradients of a batch, and return its loss.

        Raises:
            DivergenceError: if the loss or a gradient is not finite.
        """
        self.optimizer.zero_grad()
        value, differentiate = self.ops.loss_of(inputs, targets) or self._by_graph(inputs, targets)
        if not math.isfinite(value):
            weights = {name: parameter.data for name, parameter in self.model.named_parameters()}
            name, size = _largest(weights)
            raise DivergenceError(f"the loss is {value}; the largest weight is in {name} ({size:.3g})")
        differentiate()
        return value

    def _by_graph(self, inputs: Array, targets: Array) -> tuple[float, Callable[[], None]]:
        loss = self.loss(self.model(Tensor(inputs)), targets)
        return loss.item(), loss.backward

    def update(self) -> None:
        """Clip the gradients, change the weights, and let the scheduler go on.

        Raises:
            DivergenceError: if a gradient is not finite; the weights are not changed then.
        """
        max_norm = self.training.clip_grad_norm
        norm = clip_grad_norm_(self.parameters, math.inf if max_norm is None else max_norm)
        if not math.isfinite(norm):
            gradients = {name: p.grad for name, p in self.model.named_parameters() if p.grad is not None}
            raise DivergenceError(f"the gradient of {_largest(gradients)[0]} is not finite (norm {norm})")
        if self.training.clip_grad_value is not None:
            clip_grad_value_(self.parameters, self.training.clip_grad_value)
        self.optimizer.step()
        if self.scheduler is not None and self.scheduler.interval == "batch":
            self.scheduler.step()


def _largest(arrays: Mapping[str, Array]) -> tuple[str, float]:
    """The name of the array with the largest element, or one that is no number; and the size of that element."""
    sizes = {name: float(np.abs(array).max(initial=0)) for name, array in arrays.items()}
    name = max(sizes, key=lambda name: math.inf if math.isnan(sizes[name]) else sizes[name])
    return name, sizes[name]


@dataclass(eq=False)
class Trainer:
    """A training in progress.

    Attributes:
        network: what is trained.
        splits: its data.
        history: a record per epoch so far: ``epoch`` (from 1), ``train_loss`` (mean over the samples, each as it was
            seen), ``val_...`` metrics, ``learning_rate`` and ``seconds``.
        stopped_early: whether early stopping ended the training before its last epoch.
        batches_done: steps taken in the epoch after the last recorded one: 0 unless an epoch is in progress.
    """

    network: Network
    splits: DataSplits
    history: list[Record] = field(default_factory=list)
    stopped_early: bool = False
    batches_done: int = 0

    def __post_init__(self) -> None:
        spec = self.network.spec
        self.loader = self.network.training_loader(self.splits)
        self.optimizer, self.scheduler = self.network.build_optimizer(steps_per_epoch=len(self.loader))
        self.step = TrainingStep(self.network.model, self.network.loss, self.optimizer, self.scheduler, spec.training)
        # Without early stopping the best weights are kept all the same; patience then never runs out.
        wanted = spec.early_stopping or EarlyStoppingSpec(patience=spec.training.epochs + 1)
        self.monitor = wanted.monitor
        self.restore_best_weights = wanted.restore_best_weights
        self.stopper = EarlyStopping(
            wanted.patience,
            wanted.min_delta,
            restore_best_weights=False,
            mode=mode_of(self.monitor),
        )

    @property
    def best_epoch(self) -> int:
        """The epoch with the best monitored value, 0 before the first."""
        return self.stopper.best_epoch

    def validate(self) -> Record:
        """The metrics on the validation split as they are now."""
        metrics = evaluate(self.network, self.splits, self.splits.validation).metrics()
        return {f"val_{name}": value for name, value in metrics.items()}

    def epochs(self, on_batch: Callable[[int, int], None]) -> Iterator[Record]:
        """Train epoch by epoch, yielding each one's record, until all are done or early stopping ends it.

        Args:
            on_batch: called after every batch with the epoch and the number of batches done in it.

        Raises:
            DivergenceError: naming epoch and batch, if the loss or a gradient is not finite.
        """
        last_epoch = self.network.spec.training.epochs
        for epoch in range(1, last_epoch + 1):
            started = time.perf_counter()
            learning_rate = self.optimizer.param_groups[0]["lr"]
            train_loss = self._train_epoch(epoch, on_batch)
            record = {"epoch": epoch, "train_loss": train_loss, **self.validate()}
            record |= {"learning_rate": learning_rate, "seconds": time.perf_counter() - started}
            if not math.isfinite(record["val_loss"]):
                raise DivergenceError(f"epoch {epoch}: the loss on the validation data is {record['val_loss']}")
            if not math.isfinite(record[self.monitor]):
                value = record[self.monitor]
                raise DivergenceError(f"epoch {epoch}: {self.monitor}, which early stopping watches, is {value}")
            if isinstance(self.scheduler, ReduceLROnPlateau):
                self.scheduler.step(record[self.monitor])
            elif self.scheduler is not None and self.scheduler.interval == "epoch":
                self.scheduler.step()
            self.history.append(record)
            self.batches_done = 0
            self.stopped_early = self.stopper(record[self.monitor], self.network.model) and epoch < last_epoch
            yield record
            if self.stopped_early:
                return

    def _train_epoch(self, epoch: int, on_batch: Callable[[int, int], None]) -> float:
        self.network.model.train()
        self.loader.set_epoch(epoch - 1)
        total = 0.0
        with np.errstate(all="ignore"):
            for batch, (inputs, targets) in enumerate(self.loader, start=1):
                try:
                    loss = self.step(inputs, targets)
                except DivergenceError as error:
                    raise DivergenceError(f"epoch {epoch}, batch {batch} of {len(self.loader)}: {error}") from None
                total += loss * (len(inputs) if self.network.loss.reduction == "mean" else 1)
                self.batches_done = batch
                on_batch(epoch, batch)
        return total / len(self.splits.train)
