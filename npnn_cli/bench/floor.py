"""The networks written by hand, trained as a spec says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npnn_cli import registry
from npnn_cli.bench.contender import LOSS, Answers, NoSuchContenderError, SteppingContender, gradient_of
from npnn_cli.bench.handwritten import HandwrittenCNN, HandwrittenMLP, HandwrittenNetwork
from npnn_cli.bench.recognition import follows_adam, minimizes_cross_entropy
from npnn_cli.bench.workload import Workload
from npnn_cli.spec import ComponentSpec, RunSpec, with_defaults, without_inferred
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
                "there is none but for the networks of configs/mnist_mlp.yaml and configs/mnist_cnn.yaml, "
                "with Adam and the plain mean of the cross-entropy"
            )
        keep_freed_memory()
        train, scaling = workload.splits.train, workload.splits.input_scaling
        assert scaling is not None  # MNIST has one
        training = workload.network.spec.training
        # The engine's scheduler goes on with every batch if that is its interval: only a few numbers come of it.
        optimizer, self.scheduler = workload.network.build_optimizer(workload.steps_per_epoch)
        self.network = kind(
            train.inputs,
            train.targets,
            workload.network.model.state_dict(),
            mean=float(scaling.mean),
            std=float(scaling.std),
            adam=optimizer.param_groups[0],
            clip_grad_norm=training.clip_grad_norm,
            clip_grad_value=training.clip_grad_value,
        )

    def answers(self) -> Answers:
        """Compute loss and gradients of the first batch: a network written by hand does not show its outputs."""
        loss = self.network.differentiate(self.workload.order(0)[: self.workload.batch_size])
        gradients = {gradient_of(name): gradient.copy() for name, gradient in self.network.gradients.items()}
        return {LOSS: np.asarray(loss), **gradients}

    def losses(self, epoch: int) -> Iterator[float]:
        """Train for one epoch."""
        order, size = self.workload.order(epoch), self.workload.batch_size
        for start in range(0, len(order), size):
            loss = self.network.step(order[start : start + size])
            if self.scheduler is not None and self.scheduler.interval == "batch":
                self.scheduler.step()
            yield loss


def handwritten_for(spec: RunSpec) -> type[HandwrittenNetwork] | None:
    """The network that was written by hand for this spec, all of whose options are filled in."""
    if (spec.data.type, spec.dtype) != ("MNIST", "float32"):
        return None
    if not (minimizes_cross_entropy(spec) and follows_adam(spec)):
        return None
    model = [_without_consequences(layer) for layer in spec.model]
    return next(
        (kind for layers, kind in ((MLP, HandwrittenMLP), (CNN, HandwrittenCNN)) if _resolved(layers) == model), None
    )


def _resolved(layers: list[tuple[str, dict[str, Any]]]) -> list[ComponentSpec]:
    written = (ComponentSpec(type=name, options=options) for name, options in layers)
    return [_without_consequences(with_defaults(layer, registry.layers)) for layer in written]


def _without_consequences(layer: ComponentSpec) -> ComponentSpec:
    """The layer without what follows from the layers before it, and without how its weights are drawn."""
    options = without_inferred(layer, registry.layers).options
    return ComponentSpec(type=layer.type, options={name: value for name, value in options.items() if name != "init"})


build = Floor
