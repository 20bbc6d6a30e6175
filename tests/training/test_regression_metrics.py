"""Regression metrics against scikit-learn, and on targets where a formula alone would mislead."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from npnn_cli.training.metrics import mean_absolute_error, mean_squared_error, r2, regression_report

rng = np.random.default_rng(0)
TARGETS = rng.normal(150, 40, 61)

CASES = {
    "vectors": (TARGETS, TARGETS + rng.normal(0, 9, 61)),
    "columns": (TARGETS[:, None], rng.normal(150, 40, (61, 1))),
    "worse than the mean": (TARGETS, -TARGETS),
    "exact": (TARGETS, TARGETS.copy()),
    "float32": (TARGETS.astype(np.float32), rng.normal(150, 40, 61).astype(np.float32)),
    "integers": (np.array([1, 2, 4], np.uint8), np.array([2, 1, 4], np.uint8)),
    "constant targets": (np.full(5, 2.0), np.arange(5.0)),
    "constant targets, exact": (np.full(5, 2.0), np.full(5, 2.0)),
}


@pytest.mark.parametrize(("targets", "predictions"), CASES.values(), ids=CASES)
def test_report_equals_scikit_learn(targets, predictions):
    report = regression_report(targets, predictions)
    targets, predictions = targets.astype(np.float64), predictions.astype(np.float64)
    relative = {"rel": 1e-12, "abs": 1e-12}
    assert report.mse == pytest.approx(sklearn_metrics.mean_squared_error(targets, predictions), **relative)
    assert report.mae == pytest.approx(sklearn_metrics.mean_absolute_error(targets, predictions), **relative)
    assert report.r2 == pytest.approx(sklearn_metrics.r2_score(targets, predictions), **relative)


def test_r2_of_equal_targets_does_not_depend_on_how_their_mean_is_rounded():
    targets = np.full(3, 0.1)
    assert targets.mean() != 0.1, "the case must be one in which rounding matters"
    assert r2(targets, np.zeros(3)) == 0.0
    assert r2(targets, targets) == 1.0


def test_r2_of_one_sample_is_nan_and_null_in_json():
    report = regression_report(np.array([1.0]), np.array([2.0]))
    assert math.isnan(report.r2)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == {"mse": 1.0, "mae": 1.0, "r2": None}


@pytest.mark.parametrize("measure", [mean_squared_error, mean_absolute_error, r2, regression_report])
@pytest.mark.parametrize(
    ("targets_shape", "predictions_shape", "message"),
    [
        ((4,), (4, 1), r"\(4,\) but predictions \(4, 1\)"),
        ((4,), (1,), "must be equal"),
        ((4, 2), (4, 2), r"expected \(N,\) or \(N, 1\)"),
        ((), (), r"expected \(N,\) or \(N, 1\)"),
        ((0,), (0,), "no samples"),
    ],
)
def test_shapes_never_broadcast(measure, targets_shape, predictions_shape, message):
    with pytest.raises(ValueError, match=message):
        measure(np.zeros(targets_shape), np.zeros(predictions_shape))
