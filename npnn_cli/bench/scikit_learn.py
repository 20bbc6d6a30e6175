"""scikit-learn's MLPClassifier, for the networks that it has."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from npnn_cli.bench.contender import PROBABILITIES, Answers, Contender, MissingPackageError, NoSuchContenderError
from npnn_cli.bench.recognition import follows_adam, minimizes_cross_entropy
from npnn_cli.bench.workload import Workload
from npnn_cli.nn import Linear
from npnn_cli.spec import RunSpec

# So many that what partial_fit does only once per call (1 ms) adds no more than 4 % to a step, and no more, because a
# mean over a longer time remembers more of what disturbs the machine.
STEPS_AT_ONCE = 25


class ScikitLearn(Contender):
    """The same network as an MLPClassifier. It has no gradient clipping and no learning-rate schedule.

    Raises:
        MissingPackageError: if scikit-learn is not installed.
        NoSuchContenderError: if the spec's network is none that MLPClassifier can be.
    """

    def __init__(self, workload: Workload) -> None:
        spec = workload.network.spec
        if reason := why_not(spec, classes=len(workload.network.dataset.class_names)):
            raise NoSuchContenderError(f"scikit-learn has no such network: {reason}")
        self.workload = workload
        inputs, self.targets = workload.scaled_samples()
        self.inputs = inputs.reshape(len(inputs), -1)
        self.classifier = _classifier(workload)
        self._start_from(self._layers())
        self._epoch = 0

    def answers(self) -> Answers:
        """Compute the probabilities of the classes: MLPClassifier shows neither logits nor gradients."""
        inputs, _ = self.workload.first_batch()
        return {PROBABILITIES: self.classifier.predict_proba(inputs.reshape(len(inputs), -1))}

    def train_steps(self, count: int) -> list[int]:
        """Take so many steps from the start of a new epoch; return the mean of each portion that is handed over."""
        return [duration // steps for duration, steps in self._train(min(count, self.workload.steps_per_epoch))]

    def train_epoch(self) -> int:
        """Take all steps of a new epoch."""
        return sum(duration for duration, _ in self._train(self.workload.steps_per_epoch))

    def _train(self, count: int) -> Iterator[tuple[int, int]]:
        """Take so many steps from the start of a new epoch: for each portion its duration in ns and its steps."""
        order = self.workload.order(self._epoch)
        self._epoch += 1
        for first in range(0, count, STEPS_AT_ONCE):
            steps = min(STEPS_AT_ONCE, count - first)
            started = time.perf_counter_ns()
            chosen = order[first * self.workload.batch_size : (first + steps) * self.workload.batch_size]
            self.classifier.partial_fit(self.inputs[chosen], self.targets[chosen])
            yield time.perf_counter_ns() - started, steps

    def _layers(self) -> list[Linear]:
        return [layer for _, layer in self.workload.network.model.named_modules() if isinstance(layer, Linear)]

    def _start_from(self, layers: list[Linear]) -> None:
        """Set the initial weights; the classifier makes its arrays, and its Adam, only when it first sees samples."""
        classes = np.arange(len(self.workload.network.dataset.class_names))
        size = self.workload.batch_size
        self.classifier.partial_fit(self.inputs[:size], self.targets[:size], classes=classes)
        for weights, intercepts, layer in zip(self.classifier.coefs_, self.classifier.intercepts_, layers, strict=True):
            weights[...] = layer.weight.data.T
            intercepts[...] = 0 if layer.bias is None else layer.bias.data
        del self.classifier._optimizer  # partial_fit makes a new one where there is none


def why_not(spec: RunSpec, classes: int) -> str | None:
    """Why MLPClassifier cannot be this network, or None if it can.

    Args:
        spec: with all options filled in.
        classes: their number; 0 for a regression.
    """
    layers = [layer for layer in spec.model if layer.type != "Flatten"]
    expected = ["Linear" if position % 2 == 0 else "ReLU" for position in range(len(layers) or 1)]
    if [layer.type for layer in layers] != expected or expected[-1] != "Linear":
        return "its MLPClassifier is Linear layers with ReLU between them"
    if any(not layer.options["bias"] for layer in layers if layer.type == "Linear"):
        return "its layers always have a bias"
    if not minimizes_cross_entropy(spec):
        return "it minimizes the mean cross-entropy, without weights or label smoothing"
    if classes < 3:
        return "for two classes it has a single output"
    if not follows_adam(spec):
        return "its optimizer that can be compared is Adam, without variants"
    return None


def _classifier(workload: Workload) -> Any:
    try:
        neural_network = importlib.import_module("sklearn.neural_network")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "comparing with scikit-learn needs scikit-learn, which is not installed: pip install scikit-learn"
        ) from error
    spec = workload.network.spec
    adam = spec.optimizer.options
    *hidden, _ = (layer.options["out_features"] for layer in spec.model if layer.type == "Linear")
    return neural_network.MLPClassifier(
        hidden_layer_sizes=hidden,
        activation="relu",
        solver="adam",
        alpha=adam["weight_decay"] * workload.batch_size,  # it divides by the samples of the batch
        batch_size=workload.batch_size,
        learning_rate_init=adam["lr"],
        beta_1=adam["betas"][0],
        beta_2=adam["betas"][1],
        epsilon=adam["eps"],
        shuffle=False,
        random_state=0,
    )


build = ScikitLearn
