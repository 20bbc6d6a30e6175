"""A training with a run folder: everything that is known is on the disk after every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from npnn_cli.data import DataSplits
from npnn_cli.spec import load_spec
from npnn_cli.training.building import Network, build_network
from npnn_cli.training.checkpoints import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from npnn_cli.training.evaluation import Evaluation, evaluate
from npnn_cli.training.loop import Record, Trainer
from npnn_cli.training.run_folder import RunFolder, environment


class Run:
    """A training that writes to its run folder.

    Args:
        network: what to train.
        splits: its data.
        runs: the folder in which the run folder is made.

    Attributes:
        folder: the run folder.
        trainer: the training in progress.
        before: metrics on the validation data before the first epoch.
    """

    def __init__(self, network: Network, splits: DataSplits, runs: Path) -> None:
        self.network, self.splits = network, splits
        self.trainer = Trainer(network, splits)
        self.before = self.trainer.validate()
        about = environment()  # before the folder is there, so that an interruption leaves no half of it
        self.folder = RunFolder.create(runs, network.spec.name, datetime.now())
        self.folder.write_config(network.spec.to_yaml())
        self.folder.write_json("environment.json", about)
        self._saved_best_epoch = 0
        self._started = time.perf_counter()

    def epochs(self, on_batch: Callable[[int, int], None]) -> Iterator[Record]:
        """Train; after each epoch save the metrics and the weights, and yield the epoch's record."""
        for record in self.trainer.epochs(on_batch):
            self.save()
            yield record

    def save(self) -> None:
        """Save the metrics so far, the weights as they are now, and those of the best epoch if they are new."""
        trainer, folder = self.trainer, self.folder
        if trainer.history:
            folder.write_metrics(trainer.history)
        save_checkpoint(folder.last, Checkpoint(self.network.model.state_dict(), self._about_now()))
        if trainer.stopper.best_weights is not None and trainer.best_epoch != self._saved_best_epoch:
            about = dict(trainer.history[trainer.best_epoch - 1])
            save_checkpoint(folder.best, Checkpoint(trainer.stopper.best_weights, about))
            self._saved_best_epoch = trainer.best_epoch

    def _about_now(self) -> dict[str, Any]:
        """Where the model's weights stem from: a finished epoch and its record, or some batches into the next one."""
        trainer = self.trainer
        if trainer.batches_done:
            return {"epoch": len(trainer.history) + 1, "batches": trainer.batches_done}
        return dict(trainer.history[-1]) if trainer.history else {}

    def result(self) -> tuple[Path, Evaluation]:
        """Put the weights that are the training's result into the model, and evaluate them on the test data.

        Returns:
            Their checkpoint (the best, unless the spec says ``restore_best_weights: false``) and the evaluation.
        """
        checkpoint = self.folder.best if self.trainer.restore_best_weights else self.folder.last
        self.network.model.load_state_dict(load_checkpoint(checkpoint).weights)
        return checkpoint, evaluate(self.network, self.splits, self.splits.test)

    def write_summary(self, ending: str, test: dict[str, float] | None = None) -> None:
        """Write how the training ended (``finished``, ``stopped early``, ...), and the metrics of its result."""
        trainer = self.trainer
        summary: dict[str, Any] = {
            "ending": ending,
            "epochs": len(trainer.history),
            "monitor": trainer.monitor,
            "best_epoch": trainer.best_epoch or None,
            "best": trainer.history[trainer.best_epoch - 1] if trainer.best_epoch else None,
            "before_training": self.before,
            "test": test,
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        self.folder.write_json("summary.json", summary)


def load_run(folder: RunFolder, checkpoint: Path) -> Network:
    """Build the network of a run folder, with the weights of one of its checkpoints.

    Raises:
        SpecError: if the folder's spec is not valid.
        CheckpointError: if the checkpoint cannot be read, or does not fit the spec.
    """
    network = build_network(load_spec(folder.config))
    weights = load_checkpoint(checkpoint).weights
    try:
        network.model.load_state_dict(weights)
    except ValueError as error:
        raise CheckpointError(f"{checkpoint}: these weights are not of the model in {folder.config}: {error}") from None
    return network
