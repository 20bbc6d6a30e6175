"""Classification metrics against scikit-learn, and against what it refuses to answer."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from npnn_cli.training.metrics import accuracy, classification_report, confusion_matrix, roc_auc

EXACT = {"rtol": 0, "atol": 1e-12}


def random_classes(num_classes, size=97, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, num_classes, size), rng.normal(size=(size, num_classes))


def with_absent_classes():
    """Of five classes, 0 is never true, 3 never predicted, 4 neither."""
    targets = np.array([1, 1, 2, 3, 3, 2, 1])
    scores = np.eye(5)[[0, 1, 2, 1, 2, 2, 0]]
    return targets, scores


def with_tied_scores():
    """Logits on a coarse grid: many differences are equal."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 2, 200), rng.integers(0, 4, (200, 2)).astype(np.float32)


CASES = {
    "two classes": random_classes(2),
    "three classes": random_classes(3, seed=2),
    "twelve classes": random_classes(12, seed=3),
    "all right": (np.arange(4) % 3, np.eye(3)[np.arange(4) % 3]),
    "all wrong": (np.array([0, 1, 0]), np.array([[0.1, 0.9], [0.7, 0.3], [0.2, 0.8]])),
    "absent classes": with_absent_classes(),
    "tied scores": with_tied_scores(),
    "one sample": (np.array([1]), np.array([[0.0, 1.0, 0.0]])),
    "MNIST's uint8 labels": (random_classes(20)[0].astype(np.uint8), random_classes(20)[1]),
}


@pytest.mark.parametrize(("targets", "scores"), CASES.values(), ids=CASES)
def test_report_equals_scikit_learn(targets, scores):
    report = classification_report(targets, scores)

    predictions, labels = scores.argmax(axis=1), np.arange(scores.shape[1])
    expected = {
        average: sklearn_metrics.precision_recall_fscore_support(
            targets, predictions, labels=labels, average=average, zero_division=0
        )
        for average in (None, "macro", "weighted")
    }
    for ours, theirs in zip((report.precision, report.recall, report.f1, report.support), expected[None], strict=True):
        np.testing.assert_allclose(ours, theirs, **EXACT)
    for ours, average in ((report.macro, "macro"), (report.weighted, "weighted")):
        np.testing.assert_allclose((ours.precision, ours.recall, ours.f1), expected[average][:3], **EXACT)
    assert report.accuracy == pytest.approx(sklearn_metrics.accuracy_score(targets, predictions), abs=1e-12)
    np.testing.assert_array_equal(
        report.confusion_matrix, sklearn_metrics.confusion_matrix(targets, predictions, labels=labels)
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("grid", [2, 5, 10**6], ids=["mostly ties", "some ties", "hardly a tie"])
def test_roc_auc_equals_scikit_learn(grid, seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 120))
    targets = rng.permutation(np.arange(size) % 2)
    scores = rng.integers(0, grid, size) / grid
    assert roc_auc(targets, scores) == pytest.approx(sklearn_metrics.roc_auc_score(targets, scores), abs=1e-12)


def test_roc_score_of_two_classes_is_the_difference_of_their_scores():
    targets, scores = CASES["tied scores"]
    expected = sklearn_metrics.roc_auc_score(targets, scores[:, 1] - scores[:, 0])
    assert classification_report(targets, scores).roc_auc == pytest.approx(expected, abs=1e-12)


def test_roc_auc_is_given_for_two_classes_only():
    assert classification_report(*CASES["three classes"]).roc_auc is None


@pytest.mark.parametrize("present", [0, 1])
def test_roc_auc_of_a_single_class_is_nan_and_null_in_json(present):
    targets, scores = np.full(3, present), np.random.default_rng(0).normal(size=(3, 2))
    report = classification_report(targets, scores)
    assert math.isnan(report.roc_auc)
    assert report.to_dict()["roc_auc"] is None


def test_infinite_scores_have_a_rank():
    assert roc_auc(np.array([0, 1, 1]), np.array([-np.inf, 0.0, np.inf])) == 1.0


@pytest.mark.parametrize("case", ["two classes", "absent classes"])
def test_report_survives_json_unchanged(case):
    report = classification_report(*CASES[case])
    restored = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert restored == report.to_dict()
    assert restored["confusion_matrix"] == report.confusion_matrix.tolist()
    assert restored["weighted"]["f1"] == report.weighted.f1
    assert restored["support"] == report.support.tolist()


def test_confusion_matrix_has_true_classes_in_rows():
    matrix = confusion_matrix(np.array([0, 0, 2]), np.array([1, 1, 0]), num_classes=3)
    assert matrix.tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 0]]
    assert matrix.dtype == np.int64


def test_accuracy_is_the_share_of_equal_indices():
    assert accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])) == 0.75


NAN_SCORES = np.array([[0.5, np.nan], [0.1, 0.9]])

MISTAKES = {
    "shapes differ": (lambda: accuracy(np.zeros(3, int), np.zeros((3, 1), int)), r"\(3,\) but predictions \(3, 1\)"),
    "no samples": (lambda: accuracy(np.zeros(0, int), np.zeros(0, int)), "no samples"),
    "no samples to report": (lambda: classification_report(np.zeros(0, int), np.zeros((0, 3))), "no samples"),
    "class too high": (lambda: confusion_matrix(np.array([3]), np.array([0]), 3), "targets range from 3 to 3"),
    "class negative": (lambda: confusion_matrix(np.array([0]), np.array([-1]), 3), "predictions range from -1"),
    "class not an integer": (lambda: confusion_matrix(np.array([0.5]), np.array([0]), 3), "float64, expected integers"),
    "one column": (lambda: classification_report(np.array([0]), np.array([[1.0]])), r"expected \(N, C\)"),
    "scores are classes": (lambda: classification_report(np.array([0]), np.array([0])), r"expected \(N, C\)"),
    "scores are nan": (lambda: classification_report(np.array([0, 1]), NAN_SCORES), "nan"),
    "ROC score is nan": (lambda: roc_auc(np.array([0, 1]), NAN_SCORES[0]), "nan"),
    "ROC of three classes": (lambda: roc_auc(np.array([0, 1, 2]), np.zeros(3)), "from 0 to 1"),
}


@pytest.mark.parametrize(("measure", "message"), MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_measured_is_refused(measure, message):
    with pytest.raises(ValueError, match=message):
        measure()
