"""Every contender trains what the engine trains: the same losses, step by step, mean the same batches and updates."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from small_specs import CLASSIFICATION, Blobs, small_spec

from npnn_cli import registry
from npnn_cli.bench.contender import PROBABILITIES, NoSuchContenderError, SteppingContender
from npnn_cli.bench.engine import Engine
from npnn_cli.bench.floor import Floor, handwritten_for
from npnn_cli.bench.parity import differences
from npnn_cli.bench.pytorch import PyTorch
from npnn_cli.bench.scikit_learn import ScikitLearn
from npnn_cli.bench.workload import Workload, timed_spec
from npnn_cli.examples import example
from npnn_cli.spec import load_spec
from npnn_cli.training.building import build_network

CONFIGS = Path(__file__).parents[2] / "configs"
MLP = "[{type: Linear, out_features: 8}, ReLU, {type: Linear, out_features: 5}, ReLU, {type: Linear, out_features: 3}]"
CLASSIFIER = {**CLASSIFICATION, "model": MLP, "dtype": "float64", "training": "{epochs: 1, batch_size: 16}"}
DEMANDING = {
    **CLASSIFIER,
    "optimizer": "{type: Adam, lr: 1e-2, weight_decay: 0.1}",
    "scheduler": "{type: OneCycleLR, max_lr: 0.1}",
    "training": "{epochs: 1, batch_size: 16, clip_grad_norm: 0.5, clip_grad_value: 0.1}",
}
REGRESSION = {"dtype": "float64", "training": "{epochs: 1, batch_size: 50}"}
CONVOLUTION = {
    "dtype": "float64",
    "data": "Images",
    "model": "[{type: Conv2d, out_channels: 3, kernel_size: 3}, ReLU, {type: Conv2d, out_channels: 4, kernel_size: 3}, "
    "{type: MaxPool2d, kernel_size: 2}, Flatten, {type: Linear, out_features: 3}]",
    "loss": "CrossEntropyLoss",
    "training": "{epochs: 1, batch_size: 8}",
}
FUSED, CHANNELS_LAST = {"fused": True}, {"fused": True, "channels_last": True}


MNIST_MLP = "[Flatten, {type: Linear, out_features: 64, init: xavier_normal}, ReLU, {type: Linear, out_features: 10}]"
STRONG = {
    "optimizer": "{type: Adam, lr: 1e-2, weight_decay: 0.5, eps: 1e-3, betas: [0.8, 0.9]}",
    "scheduler": "{type: OneCycleLR, max_lr: 0.02, base_momentum: 0.1, pct_start: 1e-8}",
    "training": "{epochs: 1, clip_grad_norm: 0.1, clip_grad_value: 1e-4}",
}


class Images(Blobs):
    """Small and not square."""

    input_shape = (2, 6, 8)


@pytest.fixture(autouse=True)
def images(blobs: None) -> None:
    registry.datasets.register(example())(Images)


def workload(**sections: str) -> Workload:
    return Workload.of(timed_spec(small_spec(**sections)))


def parts(**sections: str) -> dict[str, object]:
    """Sections of a spec, ready to be put into another one."""
    spec = small_spec(**sections)
    return {name: getattr(spec, name) for name in sections}


def losses(contender: SteppingContender, epochs: int) -> list[float]:
    return [loss for epoch in range(epochs) for loss in contender.losses(epoch)]


@pytest.mark.parametrize(
    ("sections", "form"),
    [
        (DEMANDING, {}),
        (DEMANDING, FUSED),
        (REGRESSION, {}),
        ({**REGRESSION, "scheduler": "{type: CosineAnnealingLR, eta_min: 0.01}"}, {}),
        ({**REGRESSION, "scheduler": "{type: LinearLR, start_factor: 0.25}"}, FUSED),
        (CONVOLUTION, {}),
        (CONVOLUTION, CHANNELS_LAST),
    ],
)
def test_pytorch_sees_the_same_batches_and_makes_the_same_updates(sections, form):
    engine, pytorch = Engine(workload(**sections)), PyTorch(workload(**sections), **form)

    assert differences(pytorch.answers(), engine.answers(), "float64") == []
    ours, theirs = losses(engine, 2), losses(pytorch, 2)
    assert len(ours) == 2 * engine.workload.steps_per_epoch
    np.testing.assert_allclose(theirs, ours, rtol=1e-9)


@pytest.mark.parametrize(("config", "name"), [("mnist_mlp", "HandwrittenMLP"), ("mnist_cnn", "HandwrittenCNN")])
@pytest.mark.parametrize("demands", [{}, STRONG], ids=["as it stands", "with all options"])
def test_what_is_written_by_hand_sees_the_same_batches_and_makes_the_same_updates(config, name, demands):
    spec = load_spec(CONFIGS / f"{config}.yaml").model_copy(update=parts(**demands))
    engine, floor = (kind(Workload.of(timed_spec(spec, 16))) for kind in (Engine, Floor))

    assert type(floor.network).__name__ == name
    assert differences(floor.answers(), engine.answers(), "float32") == []
    assert len(floor.answers()) == 1 + len(list(engine.workload.network.model.parameters()))
    ours, theirs = (list(itertools.islice(contender.losses(1), 8)) for contender in (engine, floor))
    np.testing.assert_allclose(theirs, ours, rtol=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float64"},
        {"loss": "{type: CrossEntropyLoss, label_smoothing: 0.1}"},
        {"optimizer": "RMSprop"},
        {"optimizer": "{type: Adam, amsgrad: true}"},
        {"model": MNIST_MLP.replace("64", "32")},
        {"model": MNIST_MLP.replace("ReLU", "Tanh")},
        {"model": MNIST_MLP.replace("64", "64, bias: false")},
    ],
    ids=str,
)
def test_nothing_was_written_by_hand_for_another_spec(change):
    sections = {"data": "MNIST", "model": MNIST_MLP, "loss": "CrossEntropyLoss"}

    assert handwritten_for(build_network(small_spec(**sections)).spec) is not None
    assert handwritten_for(build_network(small_spec(**sections | change)).spec) is None


def test_a_spec_without_anything_written_by_hand_is_told_which_have_it():
    with pytest.raises(NoSuchContenderError, match="mnist_mlp"):
        Floor(workload(**REGRESSION))


def test_scikit_learn_sees_the_same_batches_and_makes_the_same_updates():
    engine, classifier = Engine(workload(**CLASSIFIER)), ScikitLearn(workload(**CLASSIFIER))

    ours, theirs = engine.answers(), classifier.answers()
    assert list(theirs) == [PROBABILITIES]
    assert differences(theirs, ours, "float64") == []
    engine.train_epoch()
    classifier.train_epoch()
    trained = engine.workload.network.model.state_dict()
    coefs, all_intercepts = classifier.classifier.coefs_, classifier.classifier.intercepts_
    for position, weights, intercepts in zip("024", coefs, all_intercepts, strict=True):
        # not closer, because eps stands at another place in its Adam
        np.testing.assert_allclose(weights.T, trained[f"{position}.weight"], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(intercepts, trained[f"{position}.bias"], rtol=1e-4, atol=1e-6)


def test_scikit_learn_decays_as_much_as_the_spec_says():
    decaying = {**CLASSIFIER, "optimizer": "{type: Adam, lr: 1e-2, weight_decay: 0.5}"}

    assert ScikitLearn(workload(**decaying)).classifier.alpha / 16 == 0.5


@pytest.mark.parametrize("kind", [Engine, PyTorch, ScikitLearn, Floor])
def test_training_does_not_change_answers_that_were_given(kind):
    sections = {"data": "MNIST", "model": MNIST_MLP, "loss": "CrossEntropyLoss"}
    contender = kind(workload(**sections))
    given = contender.answers()
    before = {name: answer.copy() for name, answer in given.items()}

    contender.train_steps(3)

    assert all(np.array_equal(given[name], before[name]) for name in before)


@pytest.mark.parametrize(("kind", "module"), [(Engine, "engine"), (Floor, "floor")])
def test_freed_memory_is_kept_as_in_npnn_train(kind, module, monkeypatch):
    calls = []
    monkeypatch.setattr(f"npnn_cli.bench.{module}.keep_freed_memory", lambda: calls.append(module))

    kind(workload(data="MNIST", model=MNIST_MLP, loss="CrossEntropyLoss"))

    assert calls == [module]


def test_steps_go_on_where_they_left_off_and_a_whole_epoch_is_a_new_one():
    seen = []

    class FiveSteps(SteppingContender):
        answers = None

        def losses(self, epoch):
            for step in range(5):
                seen.append((epoch, step))
                yield 0.0

    contender = FiveSteps(workload(**REGRESSION))

    assert len(contender.train_steps(7)) == 7
    assert contender.train_epoch() > 0
    contender.train_steps(1)
    assert seen == [*((0, step) for step in range(5)), (1, 0), (1, 1), *((2, step) for step in range(5)), (3, 0)]


def test_scikit_learn_takes_no_more_steps_than_an_epoch_has(monkeypatch):
    classifier = ScikitLearn(workload(**CLASSIFIER))
    portions = []
    monkeypatch.setattr(classifier.classifier, "partial_fit", lambda inputs, targets: portions.append(inputs))

    assert len(classifier.train_steps(50)) == 1
    assert len(classifier.train_steps(2)) == 1
    classifier.train_epoch()
    assert [len(portion) for portion in portions] == [70, 32, 70]
    for epoch, portion in enumerate(portions):  # each begins a new one
        order = classifier.workload.order(epoch)[: len(portion)]
        assert np.array_equal(portion, classifier.inputs[order])


def test_dropout_is_compared_with_the_same_masks_and_timed_with_pytorchs_own():
    sections = {**CLASSIFIER, "model": MLP.replace("ReLU", "{type: Dropout, p: 0.4}")}
    engine, pytorch = Engine(workload(**sections)), PyTorch(workload(**sections))

    assert differences(pytorch.answers(), engine.answers(), "float64") == []
    next(pytorch.losses(0))
    torch = pytorch.training.torch
    dropouts = [module for module in pytorch.training.training.model if isinstance(module, torch.nn.Dropout)]
    assert [(type(module), module.p) for module in dropouts] == [(torch.nn.Dropout, 0.4)] * 2


def test_pytorch_fuses_and_orders_memory_as_it_is_told():
    plain, fast = PyTorch(workload(**CONVOLUTION)), PyTorch(workload(**CONVOLUTION), **CHANNELS_LAST)
    torch = plain.training.torch

    assert [c.training.optimizer.param_groups[0]["fused"] for c in (plain, fast)] == [None, True]
    second = [c.training.training.model[2].weight for c in (plain, fast)]
    assert [w.is_contiguous(memory_format=torch.channels_last) for w in second] == [False, True]


def test_pytorch_has_no_fused_form_of_every_optimizer():
    sections = {**REGRESSION, "optimizer": "RMSprop"}

    PyTorch(workload(**sections))
    with pytest.raises(NoSuchContenderError, match="no fused RMSprop"):
        PyTorch(workload(**sections), **FUSED)


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"model": "[{type: Linear, out_features: 8}, Tanh, {type: Linear, out_features: 3}]"}, "ReLU between"),
        ({"model": "[{type: Linear, out_features: 3}, ReLU]"}, "ReLU between"),
        ({"model": "[Flatten, {type: Linear, out_features: 8}, {type: Linear, out_features: 3}]"}, "ReLU between"),
        ({"model": MLP.replace("8}", "8, bias: false}")}, "bias"),
        ({"loss": "{type: CrossEntropyLoss, label_smoothing: 0.1}"}, "label smoothing"),
        ({"loss": "{type: CrossEntropyLoss, reduction: sum}"}, "mean"),
        ({"optimizer": "{type: SGD, lr: 0.1}"}, "Adam"),
        ({"optimizer": "{type: Adam, amsgrad: true}"}, "Adam, without variants"),
        ({"data": "{type: Blobs, classes: 2}", "model": MLP.replace("3}]", "2}]")}, "two classes"),
        ({**REGRESSION, "data": "Diabetes", "loss": "MSELoss", "model": MLP.replace("3}]", "1}]")}, "cross-entropy"),
    ],
)
def test_scikit_learn_says_plainly_which_networks_it_does_not_have(sections, reason):
    with pytest.raises(NoSuchContenderError, match=f"scikit-learn has no such network: .*{reason}"):
        ScikitLearn(workload(**{**CLASSIFIER, **sections}))


def test_scikit_learn_has_a_network_without_hidden_layers():
    plain = {**CLASSIFIER, "model": "[Flatten, {type: Linear, out_features: 3}]"}

    theirs = ScikitLearn(workload(**plain)).answers()
    assert differences(theirs, Engine(workload(**plain)).answers(), "float64") == []


def test_the_engine_has_the_threads_of_its_spec_or_others(monkeypatch):
    pinned = []
    monkeypatch.setattr(
        "npnn_cli.training.building.pinned_threads", lambda threads, of_ops: pinned.append(threads) or nullcontext()
    )
    for options in ({}, {"threads": 2}):
        Engine(workload(**CLASSIFIER), **options)

    assert pinned == [1, 2]
