"""The networks written by hand, trained as a spec says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from npnn_cli import registry
from npnn_cli.bench.contender import LOSS, Answers, NoSuchContenderError, SteppingContender, gradient_of
from npnn_cli.bench.handwritten import HandwrittenCNN, HandwrittenMLP, HandwrittenNetwork
from npnn_cli.bench.recognition import follows_adam, minimizes_cross_entropy
from npnn_cli.bench.workload import Workload
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.spec import ComponentSpec, RunSpec, TrainingSpec, with_defaults, without_inferred
from npnn_cli.training.allocator import keep_freed_memory

MLP = [("Flatten", {}), ("Linear", {"out_features": 64}), ("ReLU", {}), ("Linear", {"out_features": 10})]
CNN = [
    ("Conv2d", {"out_channels": 8, "kernel_size": 3, "padding": 1}),
    ("ReLU", {}),
    ("MaxPool2d", {"kernel_size": 2}),
    ("Conv2d", {"out_channels": 16, "kernel_size": 3, "padding": 1}),
    ("ReLU", {}),
    ("MaxPool2d", {"kernel_size": 2}),
    ("Flatten", {}),
    ("Linear", {"out_features": 32}),
    ("ReLU", {}),
    ("Linear", {"out_features": 10}),
]


class AdamOfSpec(HandwrittenNetwork):
    """Adam with all that a spec may ask of it; a network written by hand has only what its defaults need.

    Attributes:
        options: of Adam, as the scheduler changes them from step to step.
        training: says how to clip the gradients.
        scheduler: goes on with every batch if that is its interval. It is the engine's: only a few numbers come of it.
    """

    options: dict[str, Any]
    training: TrainingSpec
    scheduler: LRScheduler | None
    _beta1 = 0.0  # of the step before

    def _adam(self) -> None:
        """Clip the gradients and change the weights. What is kept is m / (1 - β1) and v / (1 - β2)."""
        self._steps += 1
        g, lr, eps, decay = self._gradients, self.options["lr"], self.options["eps"], self.options["weight_decay"]
        beta1, beta2 = self.options["betas"]
        if self.training.clip_grad_norm is not None:
            factor = self.training.clip_grad_norm / (math.sqrt(np.vdot(g, g)) + 1e-6)
            if factor < 1:
                g *= factor
        if self.training.clip_grad_value is not None:
            np.clip(g, -self.training.clip_grad_value, self.training.clip_grad_value, out=g)
        if decay:
            g += decay * self._parameters
        self._m *= beta1 * (1 - self._beta1) / (1 - beta1)  # a scheduler may change beta1
        self._m += g
        self._v *= beta2
        self._v += np.square(g)
        self._beta1 = beta1
        correction = math.sqrt((1 - beta2**self._steps) / (1 - beta2))
        change = np.sqrt(self._v)
        change += eps * correction
        np.divide(self._m, change, out=change)
        change *= lr * correction * (1 - beta1) / (1 - beta1**self._steps)
        self._parameters -= change
        if self.scheduler is not None and self.scheduler.interval == "batch":
            self.scheduler.step()


class MLPOfSpec(AdamOfSpec, HandwrittenMLP):
    """The network of ``configs/mnist_mlp.yaml``."""


class CNNOfSpec(AdamOfSpec, HandwrittenCNN):
    """The network of ``configs/mnist_cnn.yaml``."""


class Floor(SteppingContender):
    """Plain NumPy, written by hand for the one network that the spec has.

    Raises:
        NoSuchContenderError: if nothing was written by hand for this spec.
    """

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        kind = handwritten_for(workload.network.spec)
        if kind is None:
            raise NoSuchContenderError(
                "there is none but for the networks of configs/mnist_mlp.yaml and configs/mnist_cnn.yaml, with Adam"
            )
        keep_freed_memory()
        train, scaling = workload.splits.train, workload.splits.input_scaling
        assert scaling is not None  # MNIST has one
        optimizer, scheduler = workload.network.build_optimizer(workload.steps_per_epoch)
        self.network = kind(
            train.inputs,
            train.targets,
            workload.network.model.state_dict(),
            mean=float(scaling.mean),
            std=float(scaling.std),
            lr=optimizer.param_groups[0]["lr"],
        )
        self.network.options, self.network.scheduler = optimizer.param_groups[0], scheduler
        self.network.training = workload.network.spec.training

    def answers(self) -> Answers:
        """Compute loss and gradients of the first batch: a network written by hand does not show its outputs."""
        loss = self.network.differentiate(self.workload.order(0)[: self.workload.batch_size])
        gradients = {gradient_of(name): gradient.copy() for name, gradient in self.network.gradients.items()}
        return {LOSS: np.asarray(loss), **gradients}

    def losses(self, epoch: int) -> Iterator[float]:
        """Train for one epoch."""
        order, size = self.workload.order(epoch), self.workload.batch_size
        for start in range(0, len(order), size):
            yield self.network.step(order[start : start + size])


def handwritten_for(spec: RunSpec) -> type[AdamOfSpec] | None:
    """The network that was written by hand for this spec, all of whose options are filled in."""
    if (spec.data.type, spec.dtype) != ("MNIST", "float32"):
        return None
    if not (minimizes_cross_entropy(spec) and follows_adam(spec)):
        return None
    model = [_without_consequences(layer) for layer in spec.model]
    return next((kind for layers, kind in ((MLP, MLPOfSpec), (CNN, CNNOfSpec)) if _resolved(layers) == model), None)


def _resolved(layers: list[tuple[str, dict[str, Any]]]) -> list[ComponentSpec]:
    written = (ComponentSpec(type=name, options=options) for name, options in layers)
    return [_without_consequences(with_defaults(layer, registry.layers)) for layer in written]


def _without_consequences(layer: ComponentSpec) -> ComponentSpec:
    """The layer without what follows from the layers before it, and without how its weights are drawn."""
    options = without_inferred(layer, registry.layers).options
    return ComponentSpec(type=layer.type, options={name: value for name, value in options.items() if name != "init"})


build = Floor
