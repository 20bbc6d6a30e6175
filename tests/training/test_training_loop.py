"""What an epoch of training does, what is recorded of it, and when it ends."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from small_specs import CLASSIFICATION, DIVERGING, small_spec

from npnn_cli.autograd import Tensor
from npnn_cli.examples import example, positive
from npnn_cli.nn import Module
from npnn_cli.optim.lr_scheduler import ReduceLROnPlateau
from npnn_cli.registry import layers
from npnn_cli.spec import SpecError
from npnn_cli.training.building import build_network
from npnn_cli.training.evaluation import evaluate
from npnn_cli.training.loop import DivergenceError, Trainer, TrainingStep

STILL = {"optimizer": "{type: SGD, lr: 0}"}


def trainer_of(**sections):
    network = build_network(small_spec(**sections))
    return Trainer(network, network.load_data())


def train(**sections):
    """Train to the end."""
    trainer = trainer_of(**sections)
    assert list(trainer.epochs(lambda _epoch, _batch: None)) == trainer.history
    return trainer


def train_until_divergence(**sections):
    trainer = trainer_of(**sections)
    with pytest.raises(DivergenceError) as caught:
        list(trainer.epochs(lambda _epoch, _batch: None))
    return trainer, str(caught.value)


def column(trainer, name):
    return [record[name] for record in trainer.history]


def weights(trainer):
    return {name: array.tobytes() for name, array in trainer.network.model.state_dict().items()}


def seen_batches(trainer, monkeypatch):
    """The inputs of every batch that a step is taken on."""
    seen = []
    backward = TrainingStep.backward

    def watched(step, inputs, targets):
        seen.append(inputs.copy())
        return backward(step, inputs, targets)

    monkeypatch.setattr(TrainingStep, "backward", watched)
    list(trainer.epochs(lambda _epoch, _batch: None))
    return seen


def test_an_epoch_is_recorded():
    trainer = train()
    assert column(trainer, "epoch") == [1, 2, 3]
    for record in trainer.history:
        names = ["epoch", "train_loss", "val_loss", "val_mae", "val_r2", "learning_rate", "seconds"]
        assert list(record) == names
        assert all(math.isfinite(value) for value in record.values())


def test_training_learns():
    losses = column(train(training="{epochs: 20, batch_size: 50}"), "train_loss")
    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_training_loss_is_the_mean_over_samples_and_not_over_batches(reduction):
    sections = {
        **STILL,
        "loss": f"{{type: MSELoss, reduction: {reduction}}}",
        "training": "{epochs: 1, batch_size: 280}",
    }
    trainer = train(**sections, dtype="float64")
    exact = evaluate(trainer.network, trainer.splits, trainer.splits.train).loss
    batches = trainer.network.loader(trainer.splits, trainer.splits.train, batch_size=280, shuffle=True)
    assert [len(inputs) for inputs, _ in batches] == [280, 8]
    assert column(trainer, "train_loss") == pytest.approx([exact], rel=1e-12)
    # The mean over the two batches would be another number, so that the test can tell them apart.
    batches.set_epoch(0)
    per_batch = [np.square(trainer.network.model(Tensor(X)).data - y).mean() for X, y in batches]
    assert np.mean(per_batch) != pytest.approx(exact, rel=1e-3)


def test_every_epoch_goes_through_all_samples_in_an_order_of_its_own(monkeypatch):
    trainer = trainer_of(training="{epochs: 2, batch_size: 50}")
    seen = seen_batches(trainer, monkeypatch)
    assert [len(batch) for batch in seen] == [50, 50, 50, 50, 50, 38] * 2
    first, second = (np.concatenate(seen[epoch * 6 : epoch * 6 + 6]) for epoch in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(np.sort(first, axis=0), np.sort(second, axis=0))
    splits = trainer.splits
    scaled = splits.input_scaling(splits.train.inputs, np.float32)
    assert np.array_equal(np.sort(first, axis=0), np.sort(scaled, axis=0))


def test_the_first_step_is_the_one_that_pencil_and_paper_give():
    trainer = trainer_of(
        model="[{type: Linear, out_features: 1}]", optimizer="{type: SGD, lr: 0.1}", dtype="float64",
        training="{epochs: 1, batch_size: 1000}",
    )  # fmt: skip
    splits, before = trainer.splits, trainer.network.model.state_dict()
    X = splits.input_scaling(splits.train.inputs, np.float64)
    y = splits.target_scaling(splits.train.targets, np.float64)
    residual = X @ before["0.weight"].T + before["0.bias"] - y
    (record,) = trainer.epochs(lambda _epoch, _batch: None)
    after = trainer.network.model.state_dict()
    assert record["train_loss"] == pytest.approx(np.mean(residual**2), rel=1e-12)
    assert after["0.weight"] == pytest.approx(before["0.weight"] - 0.1 * 2 * np.mean(residual * X, axis=0), rel=1e-9)
    assert after["0.bias"] == pytest.approx(before["0.bias"] - 0.1 * 2 * np.mean(residual, axis=0), rel=1e-9)


def test_gradients_are_clipped_by_their_norm_and_by_their_value():
    def largest_steps(clipping):
        options = "epochs: 1, batch_size: 1000"
        trainer = trainer_of(optimizer="{type: SGD, lr: 1}", dtype="float64", training=f"{{{options}, {clipping}}}")
        before = trainer.network.model.state_dict()
        list(trainer.epochs(lambda _epoch, _batch: None))
        steps = [array - before[name] for name, array in trainer.network.model.state_dict().items()]
        flat = np.concatenate([step.ravel() for step in steps])
        return np.linalg.norm(flat), np.abs(flat).max()

    assert largest_steps("clip_grad_norm: 0.01")[0] == pytest.approx(0.01, rel=1e-3)
    assert largest_steps("clip_grad_value: 0.002")[1] == pytest.approx(0.002, rel=1e-9)
    assert largest_steps("clip_grad_norm: 1e6, clip_grad_value: 1e6")[0] > 0.1


def test_dropout_drops_in_training_and_not_in_validation():
    trainer = trainer_of(
        model="[{type: Linear, out_features: 50}, {type: Dropout, p: 0.5}, {type: Linear, out_features: 1}]",
        training="{epochs: 1, batch_size: 1000}",
        **STILL,
    )
    assert trainer.validate() == trainer.validate()
    (record,) = trainer.epochs(lambda _epoch, _batch: None)
    assert record["train_loss"] != pytest.approx(
        evaluate(trainer.network, trainer.splits, trainer.splits.train).loss, rel=0.01
    )


def test_batches_are_counted():
    trainer, calls = trainer_of(training="{epochs: 2, batch_size: 100}"), []
    list(trainer.epochs(lambda epoch, batch: calls.append((epoch, batch))))
    assert calls == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_the_same_seed_gives_the_same_training_and_another_seed_another():
    model = "[{type: Linear, out_features: 8}, ReLU, Dropout, {type: Linear, out_features: 1}]"
    first, again, other = train(model=model), train(model=model), train(model=model, seed="1")
    assert weights(first) == weights(again)
    assert column(first, "train_loss") == column(again, "train_loss")
    assert column(first, "val_loss") == column(again, "val_loss")
    assert weights(first) != weights(other)
    assert column(first, "val_loss") != column(other, "val_loss")


def test_the_order_of_an_epoch_follows_from_the_seed_and_the_epoch_alone(monkeypatch):
    trainer = trainer_of(seed="3", training="{epochs: 2, batch_size: 100}")
    seen = seen_batches(trainer, monkeypatch)
    samples = trainer.splits.input_scaling(trainer.splits.train.inputs, np.float32)
    for epoch in range(2):
        order = np.random.default_rng([3, epoch]).permutation(288)
        assert np.array_equal(np.concatenate(seen[epoch * 3 : epoch * 3 + 3]), samples[order])


def test_a_schedule_by_epochs():
    trainer = train(
        optimizer="{type: SGD, lr: 0.1}",
        scheduler="{type: CosineAnnealingLR, eta_min: 0.02}",
        training="{epochs: 4, batch_size: 100}",
    )
    expected = [0.02 + 0.08 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert column(trainer, "learning_rate") == pytest.approx(expected, rel=1e-12)


def test_a_rate_is_reduced_when_nothing_improves():
    trainer = train(
        optimizer="{type: SGD, lr: 1e-12}",
        scheduler="{type: ReduceLROnPlateau, factor: 0.5, patience: 1, eps: 0.0}",
        training="{epochs: 6, batch_size: 100}",
    )
    assert column(trainer, "learning_rate") == [1e-12, 1e-12, 1e-12, 0.5e-12, 0.5e-12, 0.25e-12]


@pytest.mark.parametrize("monitor", ["val_loss", "val_r2", "train_loss"])
def test_what_is_monitored_decides_on_the_rate(monkeypatch, monitor):
    seen = []
    monkeypatch.setattr(ReduceLROnPlateau, "step", lambda scheduler, metrics=None: seen.append(metrics))
    trainer = train(scheduler="ReduceLROnPlateau", early_stopping=f"{{patience: 9, monitor: {monitor}}}")
    assert seen == column(trainer, monitor)


def test_a_schedule_by_batches():
    trainer = trainer_of(
        optimizer="{type: SGD, lr: 0.1}",
        scheduler="{type: OneCycleLR, max_lr: 0.1, anneal_strategy: linear, pct_start: 0.5}",
        training="{epochs: 4, batch_size: 30}",
    )
    rates = []
    list(trainer.epochs(lambda _epoch, _batch: rates.append(trainer.optimizer.param_groups[0]["lr"])))
    batches = 10
    assert len(rates) == 4 * batches
    assert column(trainer, "learning_rate") == [0.1 / 25, *rates[batches - 1 : -1 : batches]]
    assert np.argmax(rates) == 0.5 * 4 * batches - 2  # the rate after the batch: 20 steps up, the first is the start
    assert max(rates) == pytest.approx(0.1)
    assert trainer.scheduler.last_epoch == 4 * batches


def test_a_schedule_that_is_too_short_is_found_before_the_training():
    with pytest.raises(SpecError, match="the training takes 18 steps"):
        trainer_of(scheduler="{type: OneCycleLR, max_lr: 0.1, total_steps: 17}")


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_early_stopping_ends_the_training_when_patience_runs_out(patience):
    stopping = f"{{patience: {patience}}}"
    trainer = train(**STILL, early_stopping=stopping, training="{epochs: 9, batch_size: 50}")
    assert len(trainer.history) == 1 + patience  # the first is the best, for nothing changes
    assert trainer.best_epoch == 1
    assert trainer.stopped_early


def test_patience_that_runs_out_at_the_last_epoch_stops_nothing_early():
    trainer = train(**STILL, early_stopping="{patience: 2}")
    assert len(trainer.history) == 3
    assert not trainer.stopped_early


def test_an_improvement_below_min_delta_is_none():
    options = {"optimizer": "{type: SGD, lr: 1e-5}", "training": "{epochs: 9, batch_size: 50}"}
    assert train(**options, early_stopping="{patience: 2}").best_epoch == 9
    trainer = train(**options, early_stopping="{patience: 2, min_delta: 0.5}")
    assert (trainer.best_epoch, len(trainer.history)) == (1, 3)


@pytest.mark.parametrize(
    ("sections", "monitor", "best"),
    [
        ({}, None, min),
        ({}, "val_mae", min),
        ({}, "val_r2", max),
        (CLASSIFICATION, "val_accuracy", max),
        ({}, "train_loss", min),
    ],
)
def test_the_best_epoch_is_the_best_by_what_is_monitored(blobs, sections, monitor, best):
    stopping = f"{{monitor: {monitor}, patience: 30}}" if monitor else None
    noisy = {"optimizer": "{type: Adam, lr: 0.2}", "training": "{epochs: 25, batch_size: 20}"}
    trainer = train(**{**sections, **noisy}, early_stopping=stopping)
    values = column(trainer, monitor or "val_loss")
    assert trainer.best_epoch == 1 + values.index(best(values))
    assert len(set(values)) > 1


def test_nan_in_the_data_stops_the_training_at_its_batch(blobs):
    trainer, message = train_until_divergence(
        **{**CLASSIFICATION, "data": "{type: Blobs, damaged: true}", "training": "{epochs: 2, batch_size: 8}"}
    )
    order = np.random.default_rng([0, 0]).permutation(70)
    batch = 1 + np.flatnonzero(order == 0)[0] // 8
    assert re.fullmatch(
        rf"epoch 1, batch {batch} of 9: the loss is nan; the largest weight is in \d\.(weight|bias) \([\d.]+\)", message
    )
    assert all(np.isfinite(array).all() for array in trainer.network.model.state_dict().values())
    assert trainer.history == []


def test_a_gradient_that_is_nan_stops_the_training_before_it_does_harm(throwaway):
    @layers.register(example(positive(3, 4)))
    class RootOfPositive(Module):
        """At 0 its value is 0, but its derivative is 0 times infinity."""

        def forward(self, input):
            return (input * (input > 0)).sqrt()

    trainer = trainer_of(model="[{type: Linear, out_features: 8}, RootOfPositive, {type: Linear, out_features: 1}]")
    before = weights(trainer)
    with pytest.raises(DivergenceError, match=r"^epoch 1, batch 1 of 6: the gradient of 0\.weight is not finite"):
        list(trainer.epochs(lambda _epoch, _batch: None))
    assert weights(trainer) == before


def test_a_gradient_whose_norm_overflows_names_the_largest_parameter():
    trainer, message = train_until_divergence(**DIVERGING)
    assert message.startswith("epoch 2, batch 1 of 1: the gradient of 2.weight is not finite")
    assert column(trainer, "epoch") == [1]
    assert trainer.best_epoch == 1


@pytest.mark.parametrize("rate", ["1e18", "1e30"])
def test_a_divergence_in_the_last_batch_is_found_by_the_validation(rate):
    trainer, message = train_until_divergence(
        optimizer=f"{{type: SGD, lr: {rate}}}", training="{epochs: 2, batch_size: 1000}"
    )
    assert message.startswith("epoch 1: the loss on the validation data is ")
    assert trainer.history == []
    assert trainer.best_epoch == 0


def test_a_monitored_metric_that_is_nan_stops_the_training():
    sections = {"data": "{type: Diabetes, validation: 1}", "early_stopping": "{monitor: val_r2, patience: 2}"}
    _, message = train_until_divergence(**sections)
    assert message == "epoch 1: val_r2, which early stopping watches, is nan"
