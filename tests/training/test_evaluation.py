"""Evaluation: the model's own outputs, in the target's units, and scikit-learn's numbers for them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from small_specs import CLASSIFICATION, small_spec

from npnn_cli.autograd import Tensor
from npnn_cli.training import evaluation as module
from npnn_cli.training.building import build_network
from npnn_cli.training.evaluation import evaluate, predict


def built(**sections):
    network = build_network(small_spec(dtype="float64", **sections))
    return network, network.load_data()


def test_regression_is_in_the_units_of_the_target():
    network, splits = built()
    evaluation = evaluate(network, splits, splits.test)
    scaled = network.model(Tensor(splits.input_scaling(splits.test.inputs, np.float64))).data
    outputs = scaled * splits.target_scaling.std + splits.target_scaling.mean
    targets = splits.test.targets
    assert np.array_equal(evaluation.targets, targets)
    assert evaluation.outputs == pytest.approx(outputs, rel=1e-12)
    squared = metrics.mean_squared_error(targets, outputs)
    assert evaluation.metrics() == pytest.approx(
        {
            "loss": squared / splits.target_scaling.std.item() ** 2,
            "mae": metrics.mean_absolute_error(targets, outputs),
            "r2": metrics.r2_score(targets, outputs),
        },
        rel=1e-10,
    )


def test_classification(blobs):
    network, splits = built(**CLASSIFICATION)
    evaluation = evaluate(network, splits, splits.test)
    logits = network.model(Tensor(splits.test.inputs / 2)).data
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert evaluation.outputs == pytest.approx(logits, rel=1e-12)
    assert evaluation.metrics() == pytest.approx(
        {
            "loss": metrics.log_loss(splits.test.targets, probabilities),
            "accuracy": metrics.accuracy_score(splits.test.targets, logits.argmax(axis=1)),
        },
        rel=1e-10,
    )


def test_no_graph_is_recorded(monkeypatch):
    network, splits = built()
    recorded = []
    original = Tensor.answer

    def count(data, links=(), *more):
        recorded.append(links)
        return original(data, links, *more)

    monkeypatch.setattr(Tensor, "answer", count)
    evaluate(network, splits, splits.test)

    assert recorded
    assert not any(recorded)


@pytest.mark.parametrize("sections", [{}, CLASSIFICATION], ids=["regression", "classification"])
def test_the_size_of_the_batches_does_not_matter(blobs, monkeypatch, sections):
    network, splits = built(**sections)
    whole = evaluate(network, splits, splits.test)
    monkeypatch.setattr(module, "BATCH_SIZE", 7)
    parts = evaluate(network, splits, splits.test)
    assert parts.outputs == pytest.approx(whole.outputs, rel=1e-12)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-12)


def test_a_loss_that_sums_is_reported_per_sample():
    mean, total = (built(loss=f"{{type: MSELoss, reduction: {reduction}}}") for reduction in ("mean", "sum"))
    assert evaluate(*total, total[1].test).loss == pytest.approx(evaluate(*mean, mean[1].test).loss, rel=1e-12)


def test_the_model_is_evaluated_without_dropout_and_left_in_its_mode():
    network, _ = built(model="[Dropout, {type: Linear, out_features: 1}]")
    inputs = np.ones((3, 10))
    expected = inputs @ network.model.state_dict()["1.weight"].T
    for mode in (True, False):
        network.model.train(mode)
        assert predict(network.model, inputs) == pytest.approx(expected, rel=1e-12)
        assert [inner.training for _, inner in network.model.named_modules()] == [mode] * 3


def test_what_overflows_is_no_warning():
    network, splits = built()
    for parameter in network.model.parameters():
        parameter.data += 1e200
    assert evaluate(network, splits, splits.test).loss == np.inf
