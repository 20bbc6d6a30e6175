from __future__ import annotations

import numpy as np
import pytest
from small_specs import small_spec

from npnn_cli.bench.workload import Workload, timed_spec
from npnn_cli.training.loop import Trainer


@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_the_order_is_that_of_the_engines_loader(epoch):
    workload = Workload.of(timed_spec(small_spec()))
    loader = Trainer(workload.network, workload.splits).loader
    loader.set_epoch(epoch)

    inputs, targets = workload.scaled_samples()
    order = workload.order(epoch)

    assert workload.steps_per_epoch == len(loader) == 6
    assert np.array_equal(inputs[order], np.concatenate([batch.copy() for batch, _ in loader]))
    loader.set_epoch(epoch)
    assert np.array_equal(targets[order], np.concatenate([batch.copy() for _, batch in loader]))


def test_the_first_batch_is_that_of_the_first_epoch():
    workload = Workload.of(timed_spec(small_spec()))
    first = workload.order(0)[:50]

    for batch, samples in zip(workload.first_batch(), workload.scaled_samples(), strict=True):
        assert np.array_equal(batch, samples[first])


def test_every_process_that_builds_a_spec_gets_the_same_weights_and_samples():
    spec = timed_spec(small_spec())
    one, other = Workload.of(spec), Workload.of(spec)

    assert all(
        np.array_equal(one.network.model.state_dict()[k], v) for k, v in other.network.model.state_dict().items()
    )
    assert np.array_equal(one.scaled_samples()[0], other.scaled_samples()[0])


@pytest.mark.parametrize(
    ("training", "batch_size", "expected"),
    [
        ("{epochs: 3, batch_size: 50}", None, (50, 1)),
        ("{epochs: 3, batch_size: 50, threads: 2}", None, (50, 2)),
        ("{epochs: 3, batch_size: 50}", 7, (7, 1)),
        ("{epochs: 3, batch_size: 50, threads: 3}", 200, (200, 3)),
    ],
)
def test_batch_size_and_threads(training, batch_size, expected):
    spec = timed_spec(small_spec(training=training), batch_size)

    assert (spec.training.batch_size, spec.training.threads) == expected


@pytest.mark.parametrize(
    "scheduler",
    ["{type: OneCycleLR, max_lr: 0.1}", "{type: OneCycleLR, max_lr: 0.1, total_steps: 18}", "CosineAnnealingLR"],
)
def test_a_schedule_does_not_run_out_while_steps_are_timed(scheduler):
    workload = Workload.of(timed_spec(small_spec(scheduler=scheduler)))
    _, steps = workload.network.build_optimizer(workload.steps_per_epoch)
    assert steps is not None

    for _ in range(1000):
        steps.step()
