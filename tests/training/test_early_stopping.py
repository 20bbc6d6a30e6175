"""Early stopping: when it stops, and which weights it leaves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from npnn_cli import EarlyStopping
from npnn_cli.nn import Linear
from npnn_cli.optim import SGD

NAN, INF = math.nan, math.inf


def run(stopper, values, model=None):
    """Call with each value until it says stop, the weights being the epoch's number; return the epochs run."""
    model = model or Linear(2, 1)
    for epoch, value in enumerate(values, start=1):
        model.weight.data[...] = epoch
        if stopper(value, model):
            return epoch
    return None


@pytest.mark.parametrize(
    ("values", "patience", "stops_at", "best_epoch"),
    [
        ([3, 2, 1, 2, 2, 0], 2, 5, 3),
        ([3, 2, 1, 2, 2, 0], 3, None, 6),
        ([1, 1], 1, 2, 1),  # an equal value is no improvement
        ([1, 2, 0.5, 2, 3], 2, 5, 3),
        ([3, 2, 1], 1, None, 3),
        ([NAN, NAN], 2, 2, 0),
        ([NAN, 5, NAN, 4, NAN, NAN], 2, 6, 4),
        ([INF, 5, INF, INF], 2, 4, 2),
        ([-1, -2, -1, -1], 2, 4, 2),
    ],
)
def test_stops_when_patience_epochs_in_a_row_are_no_better(values, patience, stops_at, best_epoch):
    stopper = EarlyStopping(patience)

    assert run(stopper, values) == stops_at
    assert stopper.stopped is (stops_at is not None)
    assert stopper.best_epoch == best_epoch
    assert stopper.epochs_without_improvement == (stops_at or len(values)) - best_epoch


@pytest.mark.parametrize(
    ("values", "min_delta", "best_epoch"),
    [
        ([1.0, 0.95, 0.9], 0.0, 3),
        ([1.0, 0.95, 0.9, 0.85], 0.125, 4),  # it is the best that must be beaten, not the epoch before
        ([1.0, 0.5], 0.5, 1),  # by more than min_delta
        ([1.0, 0.4], 0.5, 2),
    ],
)
def test_an_improvement_is_more_than_min_delta(values, min_delta, best_epoch):
    stopper = EarlyStopping(10, min_delta)

    run(stopper, values)

    assert stopper.best_epoch == best_epoch
    assert stopper.best == values[best_epoch - 1]


@pytest.mark.parametrize(
    ("values", "best", "stops_at"),
    [([0.1, 0.5, 0.4, 0.3], 0.5, 4), ([NAN, 0.2, NAN, NAN], 0.2, 4), ([-INF, -1, -2], -1, None)],
)
def test_with_mode_max_the_greatest_is_the_best(values, best, stops_at):
    stopper = EarlyStopping(2, mode="max")

    assert run(stopper, values) == stops_at
    assert stopper.best == best


def test_min_delta_counts_upwards_with_mode_max():
    stopper = EarlyStopping(10, 0.25, mode="max")

    run(stopper, [0.5, 0.7, 0.8])

    assert stopper.best_epoch == 3


class TestWeights:
    def test_the_best_are_back_when_patience_runs_out(self):
        model = Linear(2, 1)

        assert run(EarlyStopping(2), [3, 1, 2, 2], model) == 4
        assert model.weight.data.tolist() == [[2, 2]]

    def test_or_not_if_so_wanted(self):
        model = Linear(2, 1)

        run(EarlyStopping(2, restore_best_weights=False), [3, 1, 2, 2], model)

        assert model.weight.data.tolist() == [[4, 4]]

    def test_they_stay_as_they_are_until_then(self):
        model = Linear(2, 1)

        run(EarlyStopping(3), [3, 1, 2, 2], model)

        assert model.weight.data.tolist() == [[4, 4]]

    def test_can_be_restored_at_any_time_and_more_than_once(self):
        model, stopper = Linear(2, 1), EarlyStopping(9)
        run(stopper, [3, 1, 2, 2], model)

        for _ in range(2):
            stopper.restore(model)
            assert model.weight.data.tolist() == [[2, 2]]
            model.weight.data += 1

    def test_without_a_best_nothing_is_restored(self):
        model, stopper = Linear(2, 1), EarlyStopping(2)
        stopper.restore(model)

        assert run(stopper, [NAN, NAN], model) == 2
        assert stopper.best_weights is None
        assert model.weight.data.tolist() == [[2, 2]]

    def test_into_a_model_in_training_go_on_from_there(self):
        model, stopper = Linear(2, 1), EarlyStopping(1)
        optimizer = SGD(model.parameters(), lr=1.0)
        run(stopper, [1, 2], model)

        model(np.ones((1, 2), np.float32)).sum().backward()
        optimizer.step()

        assert model.weight.data.tolist() == [[0, 0]]
        assert stopper.best_weights["weight"].tolist() == [[1, 1]]


@pytest.mark.parametrize(("patience", "min_delta"), [(0, 0.0), (-1, 0.0), (1, -0.1)])
def test_options_out_of_range_are_refused(patience, min_delta):
    with pytest.raises(ValueError, match="patience >= 1 and min_delta >= 0"):
        EarlyStopping(patience, min_delta)
