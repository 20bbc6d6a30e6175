"""``npnn eval``: how good a run's weights are on the test data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from npnn_cli.autograd.tensor import Tensor
from npnn_cli.commands.console import console
from npnn_cli.data import Split
from npnn_cli.reports.confusion import plot_confusion_matrix
from npnn_cli.reports.mistakes import plot_mistakes
from npnn_cli.reports.predictions import plot_predictions
from npnn_cli.reports.tables import classification_table, confusion_table, regression_table
from npnn_cli.training.building import Network
from npnn_cli.training.checkpoints import CheckpointError
from npnn_cli.training.evaluation import Evaluation
from npnn_cli.training.evaluation import evaluate as evaluate_split
from npnn_cli.training.metrics import classification_report, regression_report
from npnn_cli.training.run import load_run
from npnn_cli.training.run_folder import RunFolder


def evaluate(run: str, weights: str, runs: Path) -> None:
    """Evaluate a run from its folder alone; print the report and write it, with pictures, to ``evaluation/`` inside."""
    folder = RunFolder.find(run, runs)
    checkpoint = folder.best if weights == "best" else folder.last
    network = load_run(folder, checkpoint)
    splits = network.load_data()
    with network.pinned_threads():
        evaluation = evaluate_split(network, splits, splits.test)
    if not np.isfinite(evaluation.outputs).all():
        raise CheckpointError(f"{checkpoint}: with these weights, the outputs of the model are not all finite")
    out = console()
    out.print(f"{checkpoint} on {len(splits.test):,} test samples of {network.spec.data.type}\n", soft_wrap=True)
    if network.dataset.task == "classification":
        report = _classification(out, network, splits.test, evaluation, folder.evaluation)
    else:
        report = _regression(out, network, evaluation, folder.evaluation)
    about = {"checkpoint": checkpoint.name, "loss": evaluation.loss}
    folder.write_json("evaluation/report.json", {**about, **report})
    out.print(f"saved in {folder.evaluation}/", soft_wrap=True)


def _classification(
    out: Console, network: Network, test: Split, evaluation: Evaluation, folder: Path
) -> dict[str, Any]:
    names = network.dataset.class_names
    report = classification_report(evaluation.targets, evaluation.outputs)
    out.print(classification_table(report, names))
    out.print()
    out.print(confusion_table(report.confusion_matrix, names))
    out.print()
    folder.mkdir(exist_ok=True)
    title = f"{network.spec.name}: accuracy {report.accuracy:.2%}"
    plot_confusion_matrix(report.confusion_matrix, names, folder / "confusion_matrix.png", title=title)
    if len(network.dataset.input_shape) == 3:
        probabilities = Tensor(evaluation.outputs).log_softmax(dim=1).exp().data
        plot_mistakes(
            test.inputs,
            evaluation.targets,
            probabilities.argmax(axis=1),
            probabilities.max(axis=1),
            names,
            folder / "mistakes.png",
        )
    return report.to_dict()


def _regression(out: Console, network: Network, evaluation: Evaluation, folder: Path) -> dict[str, Any]:
    report = regression_report(evaluation.targets, evaluation.outputs)
    out.print(regression_table(report, network.dataset.target_name))
    out.print()
    folder.mkdir(exist_ok=True)
    path = folder / "predictions.png"
    plot_predictions(evaluation.targets, evaluation.outputs, path, target_name=network.dataset.target_name)
    return report.to_dict()
