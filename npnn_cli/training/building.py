"""A spec made into objects: the data set, the model with all its sizes, the loss, the optimizer and its schedule.

Everything is built, and its shapes are tried out on one sample of zeros, before any data is read, so that a mistake in
a spec is found at once and at its line.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from npnn_cli import registry
from npnn_cli.autograd.graph import no_grad
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.data import DataLoader, Dataset, DataSplits, Split
from npnn_cli.nn import Conv1d, Conv2d, ConvTranspose2d, Sequential
from npnn_cli.nn.loss import Loss
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler, Schedule
from npnn_cli.registry import did_you_mean
from npnn_cli.spec import Mistake, RunSpec, SpecError, with_defaults
from npnn_cli.training.components import Builder
from npnn_cli.training.layers import BuiltModel, LayerSummary, Shape, build_model, sample_of_zeros
from npnn_cli.training.metrics import METRICS, mode_of
from npnn_cli.training.threads import default_threads, pinned_threads

T = TypeVar("T")

# Each use of randomness has a stream of its own, so that a change in one leaves the others as they were.
_INITIALIZATION, _SPLITS = 0, 1


@dataclass(frozen=True, eq=False)
class Network:
    """What a spec builds before any data is read.

    Attributes:
        spec: with every option filled in: building it again needs no inference and no defaults.
        dataset: not yet loaded.
        model: with its initial weights.
        loss: of a batch.
        layers: the model's layers, for people to read.
    """

    spec: RunSpec
    dataset: Dataset
    model: Sequential
    loss: Loss
    layers: tuple[LayerSummary, ...]

    def pinned_threads(self, threads: int | None = None) -> AbstractContextManager[object]:
        """Inside the ``with`` block, work is shared by so many threads, or by as many as the spec says."""
        return pinned_threads(threads or self.spec.training.threads or 1, of_ops=_convolves(self.model))

    def load_data(self) -> DataSplits:
        """Read the data and split it as the spec's seed says."""
        return self.dataset.load(rng=_stream(self.spec.seed, _SPLITS))

    def training_loader(self, splits: DataSplits) -> DataLoader:
        """Batches of the training data, of the spec's size, in a new order every epoch; each is valid until the next.

        Raises:
            SpecError: if the last batch of an epoch is so small that the model cannot learn from it.
        """
        self._check_last_batch(len(splits.train))
        batch_size = self.spec.training.batch_size
        return self.loader(splits, splits.train, batch_size=batch_size, shuffle=True, reuse_batches=True)

    def _check_last_batch(self, samples: int) -> None:
        """Try a lone sample in training, where batch normalization refuses it, if an epoch ends with one."""
        batch_size = self.spec.training.batch_size
        if min(samples, samples % batch_size or batch_size) > 1:
            return
        try:
            with no_grad():
                copy.deepcopy(self.model).train()(sample_of_zeros(self.spec, self.dataset))
        except ValueError as error:
            message = f"of {samples:,} training samples, the last batch of an epoch has only one: {error}"
            raise self.spec.mistake(("training", "batch_size"), f"{message}; choose another size") from None

    def loader(
        self, splits: DataSplits, split: Split, *, batch_size: int, shuffle: bool = False, reuse_batches: bool = False
    ) -> DataLoader:
        """Batches of a split, scaled, in the spec's dtype."""
        return DataLoader(
            split.inputs,
            split.targets,
            batch_size,
            shuffle,
            seed=self.spec.seed,
            input_scaling=splits.input_scaling,
            target_scaling=splits.target_scaling,
            dtype=self.spec.dtype,
            reuse_batches=reuse_batches,
        )

    def build_optimizer(self, steps_per_epoch: int) -> tuple[Optimizer, LRScheduler | None]:
        """The optimizer of the model's parameters, and the scheduler if the spec has one.

        Raises:
            SpecError: if an option is out of its range.
        """
        return _build_optimizer(self.spec, self.model.parameters(), steps_per_epoch)


def build_network(spec: RunSpec) -> Network:
    """Build the data set, the model and the loss of a spec, and try them on one sample of zeros.

    Raises:
        SpecError: if an option is out of its range, shapes do not fit, or a name is unknown; at the line of the spec,
            for each section that has a mistake.
    """
    mistakes: list[Mistake] = []

    def attempt(build: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return build(*arguments)
        except SpecError as error:
            mistakes.extend(error.mistakes)
            return None

    builder = Builder(spec)
    data = attempt(builder.build, ("data",), registry.datasets, spec.data)
    dataset: Dataset | None = data.component if data else None
    objective = attempt(builder.build, ("loss",), registry.losses, spec.loss)
    loss: Loss | None = objective.component.to(spec.dtype) if objective else None
    built = attempt(_build_model, spec, dataset) if dataset else None
    if dataset and loss and built:
        attempt(_check_loss, spec, dataset, loss, built.output_shape)
    if dataset:
        attempt(_check_monitor, spec, dataset)
    attempt(_build_optimizer, spec, built.model.parameters() if built else [Tensor([0.0])], 1)
    if mistakes or dataset is None or loss is None or built is None:
        raise SpecError(mistakes)

    multiplications = sum(layer.multiplications for layer in built.layers)
    threads = spec.training.threads or default_threads(
        spec.training.batch_size, multiplications, of_ops=_convolves(built.model)
    )
    resolved_spec = spec.model_copy(
        update={
            "data": with_defaults(spec.data, registry.datasets),
            "model": tuple(with_defaults(layer, registry.layers) for layer in built.resolved),
            "loss": with_defaults(spec.loss, registry.losses),
            "optimizer": with_defaults(spec.optimizer, registry.optimizers),
            "scheduler": spec.scheduler and with_defaults(spec.scheduler, registry.schedulers),
            "training": spec.training.model_copy(update={"threads": threads}),
        }
    )
    return Network(resolved_spec, dataset, built.model, loss, tuple(built.layers))


def _convolves(model: Sequential) -> bool:
    """Whether there is a convolution, so that most of the time goes into operations on images or signals."""
    return any(isinstance(module, Conv1d | Conv2d | ConvTranspose2d) for module in model.modules())


def _build_model(spec: RunSpec, dataset: Dataset) -> BuiltModel:
    built = build_model(spec, dataset, _stream(spec.seed, _INITIALIZATION))
    _check_outputs(spec, dataset, built.output_shape)
    return built


def _build_optimizer(
    spec: RunSpec, parameters: Iterable[Tensor], steps_per_epoch: int
) -> tuple[Optimizer, LRScheduler | None]:
    builder = Builder(spec)
    optimizer: Optimizer = builder.build(("optimizer",), registry.optimizers, spec.optimizer, parameters).component
    if spec.scheduler is None:
        return optimizer, None
    mode = mode_of(spec.early_stopping.monitor if spec.early_stopping else "val_loss")
    schedule = Schedule(spec.training.epochs, spec.training.epochs * steps_per_epoch, mode)
    scheduler: LRScheduler = builder.build(
        ("scheduler",), registry.schedulers, spec.scheduler, optimizer, context=schedule
    ).component
    _check_length(spec, scheduler, schedule)
    return optimizer, scheduler


def _check_outputs(spec: RunSpec, dataset: Dataset, shape: Shape) -> None:
    """The model must give a score for each class, or the one number that is predicted."""
    if dataset.task == "classification":
        expected, reason = (len(dataset.class_names),), f"{spec.data.type} has {len(dataset.class_names)} classes"
    else:
        expected, reason = (1,), f"{spec.data.type} has one target, {dataset.target_name}"
    if shape != expected:
        last = len(spec.model) - 1
        raise spec.mistake(
            ("model", last), f"the model's output has shape {shape} for a sample, but {reason}: {expected}"
        )


def _check_loss(spec: RunSpec, dataset: Dataset, loss: Loss, shape: Shape) -> None:
    # Standardized targets are of either sign, which a loss of probabilities refuses.
    outputs = Tensor(np.full((1, *shape), -2, spec.dtype))
    target = np.zeros(1, np.int64) if dataset.task == "classification" else np.full((1, 1), -1, spec.dtype)
    try:
        value = loss(outputs, target)
        if dataset.task == "regression" and np.array_equal(value.data, loss(outputs + 1, target).data):
            raise ValueError(f"it is {value.data} whatever the output is")  # as of the probability of a single class
    except (ValueError, TypeError) as error:
        message = f"{spec.loss.type} does not suit {spec.data.type}, a {dataset.task} data set: {error}"
        raise spec.mistake(("loss",), message) from None
    if value.shape != ():
        raise spec.mistake(
            ("loss",), f"training needs one number, but reduction '{loss.reduction}' gives one per sample"
        )


def _check_length(spec: RunSpec, scheduler: LRScheduler, schedule: Schedule) -> None:
    """A scheduler must last for the whole training."""
    steps = schedule.batches if scheduler.interval == "batch" else schedule.epochs
    try:
        scheduler.options_at(steps, scheduler.base_lrs[0])
    except OverflowError:
        message = f"after the {steps} steps of the training, the learning rate is larger than any number"
        raise spec.mistake(("scheduler",), message) from None
    except ValueError as error:
        inferred = ", ".join(scheduler.inferred)
        message = f"the training takes {steps} steps, but {error}; leave out {inferred}, and it will fit"
        raise spec.mistake(("scheduler",), message) from None


def _check_monitor(spec: RunSpec, dataset: Dataset) -> None:
    known = ["train_loss", *(f"val_{metric}" for metric in METRICS[dataset.task])]
    if spec.early_stopping and spec.early_stopping.monitor not in known:
        monitor = spec.early_stopping.monitor
        hint = did_you_mean(monitor, known) or f"; known are {', '.join(known)}"
        raise spec.mistake(("early_stopping", "monitor"), f"unknown metric '{monitor}'{hint}")


def _stream(seed: int, use: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(use,)))
