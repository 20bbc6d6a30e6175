"""``npnn train``: from a spec to a run folder."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from npnn_cli.commands.console import DIVERGED, Terminated, console, fail, fail_interrupted
from npnn_cli.data import DataSplits
from npnn_cli.reports.curves import plot_curves
from npnn_cli.reports.epoch_table import EpochTable
from npnn_cli.reports.tables import layer_table
from npnn_cli.spec import RunSpec, load_spec
from npnn_cli.training.allocator import keep_freed_memory
from npnn_cli.training.building import Network, build_network
from npnn_cli.training.loop import DivergenceError, Trainer
from npnn_cli.training.metrics import METRICS
from npnn_cli.training.run import Run

# A progress bar that moved with every batch would cost as much as the batch.
BATCHES_PER_MOVE = 25


def train(config: Path, runs: Path) -> None:
    """Train what a spec describes, print how it goes, and write the run folder.

    Raises:
        typer.Exit: with 3 if the training diverges, 130 if Ctrl-C and 143 if SIGTERM ends it.
    """
    keep_freed_memory()
    out = console()
    written = load_spec(config)
    network = build_network(written)
    splits = network.load_data()
    _introduce(out, config, written, network, splits)
    with _sigterm_as_interrupt(), network.pinned_threads():
        run = Run(network, splits, runs)
        try:
            out.print(f"run     {run.folder.path}/\n", soft_wrap=True)
            out.print(f"before training: {_figures(run.before)}\n")
            _print_epochs(out, run)
        except DivergenceError as error:
            run.write_summary("diverged")
            remedy = "try a lower optimizer.lr, or bound the gradients with training.clip_grad_norm"
            stop = fail(f"training diverged in {error}\n{_kept(run)}{remedy}", DIVERGED)
        except KeyboardInterrupt as interrupt:
            run.save()
            run.write_summary("interrupted")
            message = f"interrupted; the weights as they were are in {run.folder.last}\n{_kept(run)}".rstrip()
            stop = fail_interrupted(interrupt, message)
        else:
            _conclude(out, run)
            return
        _draw_curves(run)  # last, because it takes long enough for another Ctrl-C
        raise stop


def _introduce(out: Console, config: Path, written: RunSpec, network: Network, splits: DataSplits) -> None:
    """Say what is read and built, and how it will be trained; of the options only those that the user wrote."""
    spec, dataset = network.spec, network.dataset
    sizes = f"{len(splits.train):,} training, {len(splits.validation):,} validation, {len(splits.test):,} test samples"
    goal = f"{len(dataset.class_names)} classes" if dataset.class_names else dataset.target_name
    steps = -(-len(splits.train) // spec.training.batch_size)
    out.print(f"spec    {config}", soft_wrap=True)
    out.print(f"data    {spec.data.type}: {sizes} of shape {dataset.input_shape}; {goal}")
    out.print(layer_table(network.layers))
    rules = [f"loss {written.loss}", f"optimizer {written.optimizer}"]
    rules += [f"scheduler {written.scheduler}"] if written.scheduler else []
    out.print(f"with    {', '.join(rules)}")
    length = f"{spec.training.epochs} epochs of {steps} batches of {spec.training.batch_size}"
    out.print(f"for     {length}, {spec.dtype}, seed {spec.seed}, threads {spec.training.threads}")


def _print_epochs(out: Console, run: Run) -> None:
    """Print a row per epoch, under a progress bar if there is a terminal to show it on."""
    trainer = run.trainer
    metrics = [f"val_{metric}" for metric in METRICS[run.network.dataset.task]]
    epochs = run.network.spec.training.epochs
    table = EpochTable(["train_loss", *metrics, "learning_rate", "seconds"], epochs, out.width)
    out.print(table.header(), style="bold", soft_wrap=True)
    with _progress_bar(out, trainer) as on_batch:
        for record in run.epochs(on_batch):
            out.print(table.row(record, best=trainer.best_epoch == record["epoch"]), soft_wrap=True)


@contextmanager
def _progress_bar(out: Console, trainer: Trainer) -> Iterator[Callable[[int, int], None]]:
    """A bar for the epoch in progress, and the function that moves it; nothing where there is no terminal."""
    if not out.is_terminal:
        yield lambda _epoch, _batch: None
        return
    columns = (TextColumn("epoch {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("1", total=len(trainer.loader))

        def on_batch(epoch: int, batch: int) -> None:
            if batch % BATCHES_PER_MOVE == 0 or batch == len(trainer.loader):
                progress.update(task, completed=batch, description=str(epoch))

        yield on_batch


def _conclude(out: Console, run: Run) -> None:
    trainer = run.trainer
    if trainer.stopped_early:
        patience = trainer.stopper.patience
        out.print(
            f"\nstopped early: {trainer.monitor} has not improved since epoch {trainer.best_epoch}, "
            f"whose weights are in {run.folder.best}; to wait longer, raise early_stopping.patience above {patience}",
            soft_wrap=True,
        )
    ending = "stopped early" if trainer.stopped_early else "finished"
    run.write_summary(ending)  # whatever becomes of the test
    try:
        _test(out, run, ending)
        _draw_curves(run)
    except KeyboardInterrupt as interrupt:
        message = f"interrupted after the training had ended; next: {_eval_command(run)}"
        raise fail_interrupted(interrupt, message) from None
    out.print(f"\nnext: {_eval_command(run)}", soft_wrap=True)


def _test(out: Console, run: Run, ending: str) -> None:
    """Evaluate what the training results in on the test data, write it to the summary and print it."""
    trainer = run.trainer
    checkpoint, evaluation = run.result()
    run.write_summary(ending, evaluation.metrics())
    if trainer.restore_best_weights:
        epoch, which = trainer.best_epoch, f"the best by {trainer.monitor}"
    else:
        epoch, which = len(trainer.history), "the last"
    figures = {name: value for name, value in trainer.history[epoch - 1].items() if name.startswith(("train", "val"))}
    out.print(f"\nafter training:  {_figures(figures)} (epoch {epoch}, {which})")
    out.print(f"on test data:    {_figures(evaluation.metrics())} ({checkpoint.name})", style="bold")


def _eval_command(run: Run) -> str:
    """The command that evaluates what the training results in."""
    option = "" if run.trainer.restore_best_weights else " --weights last"
    return f"npnn eval {shlex.quote(str(run.folder.path))}{option}"


def _draw_curves(run: Run) -> None:
    history = run.trainer.history
    for metric in METRICS[run.network.dataset.task] if history else ():
        title = f"{run.network.spec.name}: {metric}"
        path = run.folder.path / f"{metric}.png"
        plot_curves(history, metric, path, title=title, best_epoch=run.trainer.best_epoch or None)


def _kept(run: Run) -> str:
    """Where the best weights are, if an epoch was finished."""
    if not run.trainer.best_epoch:
        return "no epoch was finished, so there are no best weights\n"
    return f"the best weights, of epoch {run.trainer.best_epoch}, are in {run.folder.best}\n"


def _figures(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a training as Ctrl-C does: with everything saved."""

    def interrupt(_signal_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
