"""How good predictions are, in scikit-learn's definitions: classification and regression.

A ratio without a denominator, such as the precision of a class that was never predicted, is 0. What cannot be known,
such as the area under the ROC curve where one class is absent, is nan, and null in a report's ``to_dict``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# What is measured after every epoch, by the task of the data set, and for which of it more is better.
METRICS = {"classification": ("loss", "accuracy"), "regression": ("loss", "mae", "r2")}
MORE_IS_BETTER = {"accuracy", "r2"}


def mode_of(monitor: str) -> Literal["min", "max"]:
    """Whether a metric of a record, such as ``val_accuracy``, is better when it is lower or higher."""
    return "max" if monitor.partition("_")[2] in MORE_IS_BETTER else "min"


Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1, averaged over the classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class ClassificationReport:
    """How well classes were told apart.

    Attributes:
        accuracy: the share of samples that were predicted right.
        precision: per class, the share of its predictions that were right, (C,).
        recall: per class, the share of its samples that were found, (C,).
        f1: per class, the harmonic mean of both, (C,).
        support: per class, the number of its samples, (C,).
        macro: means over the classes, each class counting the same.
        weighted: means over the classes, each weighted by its support.
        confusion_matrix: number of samples by true class (row) and predicted class (column), (C, C).
        roc_auc: area under the ROC curve for two classes, nan if one of them is absent; None for more classes.
    """

    accuracy: float
    precision: Floats
    recall: Floats
    f1: Floats
    support: Integers
    macro: Averages
    weighted: Averages
    confusion_matrix: Integers
    roc_auc: float | None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers, lists and dicts, ready for JSON."""
        return {
            "accuracy": self.accuracy,
            "macro": asdict(self.macro),
            "weighted": asdict(self.weighted),
            "roc_auc": None if self.roc_auc is None else _json_number(self.roc_auc),
            "precision": self.precision.tolist(),
            "recall": self.recall.tolist(),
            "f1": self.f1.tolist(),
            "support": self.support.tolist(),
            "confusion_matrix": self.confusion_matrix.tolist(),
        }


@dataclass(frozen=True)
class RegressionReport:
    """How near predicted numbers came: mean squared error, mean absolute error, coefficient of determination."""

    mse: float
    mae: float
    r2: float

    def to_dict(self) -> dict[str, float | None]:
        """The same as a plain dict, ready for JSON."""
        return {name: _json_number(value) for name, value in asdict(self).items()}


def accuracy(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
    """The share of predicted class indices (N,) that equal the true ones (N,).

    Raises:
        ValueError: if the shapes differ or there are no samples.
    """
    targets, predictions = _paired(targets, predictions)
    return float(np.mean(targets == predictions))


def confusion_matrix(targets: NDArray[Any], predictions: NDArray[Any], num_classes: int) -> Integers:
    """Count the samples by true class (row) and predicted class (column).

    Args:
        targets: true class indices, (N,), integers.
        predictions: predicted class indices, (N,), integers.
        num_classes: C; a class may be absent.

    Returns:
        Counts, (C, C).

    Raises:
        ValueError: if the shapes differ, there are no samples, or an index is no integer from 0 to C - 1.
    """
    targets, predictions = _paired(targets, predictions)
    rows = _class_indices("targets", targets, num_classes)
    columns = _class_indices("predictions", predictions, num_classes)
    counts = np.bincount(rows * num_classes + columns, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64, copy=False)


def roc_auc(targets: NDArray[Any], scores: NDArray[Any]) -> float:
    """The area under the ROC curve: how probably a positive sample scores above a negative one, ties counting half.

    Computed from ranks (Mann-Whitney U), which gives the area under the trapezoids exactly.

    Args:
        targets: 1 for the positive class, 0 for the negative, (N,), integers.
        scores: the higher, the surer of the positive class, (N,).

    Returns:
        From 0 to 1, or nan if only one class is present.

    Raises:
        ValueError: if the shapes differ, there are no samples, a target is neither 0 nor 1, or a score is nan.
    """
    targets, scores = _paired(targets, scores)
    if np.isnan(scores).any():
        raise ValueError("scores hold nan, which has no rank: look at the model's output")
    positive = _class_indices("targets", targets, 2) == 1
    positives = int(positive.sum())
    pairs = positives * (len(targets) - positives)
    if pairs == 0:
        return math.nan
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]  # from 1; tied scores share their mean rank
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / pairs)


def classification_report(targets: NDArray[Any], scores: NDArray[Any]) -> ClassificationReport:
    """Measure the scores that a classifier gave to each class; it predicts the class with the highest one.

    Args:
        targets: true class indices, (N,), integers.
        scores: logits or probabilities, (N, C), C at least 2. With two classes, their difference orders the samples
            for the ROC curve.

    Raises:
        ValueError: if a shape does not fit, there are no samples, a target is no integer from 0 to C - 1, or a score
            is nan.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(f"scores have shape {scores.shape}, expected (N, C): one for each of at least two classes")
    if np.isnan(scores).any():
        raise ValueError("scores hold nan, so no class is the highest: look at the model's output")
    num_classes = scores.shape[1]
    matrix = confusion_matrix(targets, scores.argmax(axis=1), num_classes)
    correct, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    per_class = _ratio(correct, predicted), _ratio(correct, support), _ratio(2 * correct, predicted + support)
    precision, recall, f1 = per_class
    return ClassificationReport(
        accuracy=float(correct.sum() / matrix.sum()),
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        macro=Averages(*(float(np.mean(metric)) for metric in per_class)),
        weighted=Averages(*(float(np.average(metric, weights=support)) for metric in per_class)),
        confusion_matrix=matrix,
        roc_auc=roc_auc(targets, scores[:, 1] - scores[:, 0]) if num_classes == 2 else None,
    )


def mean_squared_error(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
    """The mean of the squared differences, computed in float64.

    Args:
        targets: true numbers, (N,) or (N, 1).
        predictions: predicted numbers, of the same shape.

    Raises:
        ValueError: if the shapes differ or there are no samples.
    """
    targets, predictions = _paired_floats(targets, predictions)
    return float(np.mean(np.square(targets - predictions)))


def mean_absolute_error(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
    """The mean of the absolute differences; arguments and errors as for :func:`mean_squared_error`."""
    targets, predictions = _paired_floats(targets, predictions)
    return float(np.mean(np.abs(targets - predictions)))


def r2(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
    """The coefficient of determination: 1 is perfect, 0 as good as always predicting the mean target.

    Arguments and errors are as for :func:`mean_squared_error`.

    Returns:
        At most 1. Where all targets are equal, 1 if the predictions are exact and 0 if not; nan for a single sample.
    """
    targets, predictions = _paired_floats(targets, predictions)
    if len(targets) < 2:
        return math.nan
    unexplained = np.sum(np.square(targets - predictions))
    shifted = targets - targets[0]  # exactly 0 for equal targets, where subtracting the rounded mean would not be
    total = np.sum(np.square(shifted - shifted.mean()))
    if total == 0:
        return float(unexplained == 0)
    return float(1 - unexplained / total)


def regression_report(targets: NDArray[Any], predictions: NDArray[Any]) -> RegressionReport:
    """All regression metrics at once; arguments and errors as for :func:`mean_squared_error`."""
    return RegressionReport(
        mse=mean_squared_error(targets, predictions),
        mae=mean_absolute_error(targets, predictions),
        r2=r2(targets, predictions),
    )


def _paired(targets: NDArray[Any], predictions: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as (N,), after making sure that sample stands by sample: nothing is broadcast."""
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape:
        raise ValueError(f"targets have shape {targets.shape} but predictions {predictions.shape}: they must be equal")
    if targets.ndim != 1 and targets.shape[1:] != (1,):
        raise ValueError(f"targets and predictions have shape {targets.shape}, expected (N,) or (N, 1)")
    if targets.size == 0:
        raise ValueError("no samples: there is nothing to measure")
    return targets.ravel(), predictions.ravel()


def _paired_floats(targets: NDArray[Any], predictions: NDArray[Any]) -> tuple[Floats, Floats]:
    targets, predictions = _paired(targets, predictions)
    return targets.astype(np.float64), predictions.astype(np.float64)


def _class_indices(what: str, values: NDArray[Any], num_classes: int) -> Integers:
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{what} are of type {values.dtype}, expected integers: class indices")
    if values.min() < 0 or values.max() >= num_classes:
        raise ValueError(
            f"{what} range from {values.min()} to {values.max()}, expected class indices from 0 to {num_classes - 1}"
        )
    return values.astype(np.int64)


def _ratio(part: Integers, whole: Integers) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole != 0)


def _json_number(value: float) -> float | None:
    """JSON knows neither nan nor infinity."""
    return value if math.isfinite(value) else None
