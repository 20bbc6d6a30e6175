"""How good a model is on samples: its outputs, its loss, and its metrics in the target's own units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npnn_cli.autograd.graph import no_grad
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.data import DataSplits, Split
from npnn_cli.nn import Module
from npnn_cli.training.building import Network
from npnn_cli.training.metrics import accuracy, mean_absolute_error, r2

# Large enough for fast products, small enough for the memory of a convolution.
BATCH_SIZE = 500


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's outputs for a split.

    Attributes:
        targets: class indices (N,), or numbers (N, 1) in the target's own units.
        outputs: logits (N, C), or predictions (N, 1) in the target's own units.
        loss: as the training minimizes it, hence of scaled targets.
    """

    targets: Array
    outputs: Array
    loss: float

    def metrics(self) -> dict[str, float]:
        """The loss, and what :data:`npnn_cli.training.metrics.METRICS` lists for the task."""
        if self.targets.dtype.kind in "iu":
            return {"loss": self.loss, "accuracy": accuracy(self.targets, self.outputs.argmax(axis=1))}
        mae = mean_absolute_error(self.targets, self.outputs)
        return {"loss": self.loss, "mae": mae, "r2": r2(self.targets, self.outputs)}


def evaluate(network: Network, splits: DataSplits, split: Split) -> Evaluation:
    """Run the model over a split, in evaluation mode and without recording a graph."""
    loader = network.loader(splits, split, batch_size=BATCH_SIZE)
    with no_grad(), np.errstate(all="ignore"):  # what overflows is seen in the loss
        batches = [(predict(network.model, inputs), targets) for inputs, targets in loader]
        outputs, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        loss = network.loss(Tensor(outputs), targets).item()
        if network.loss.reduction == "sum":
            loss /= len(split)
        if splits.target_scaling is not None:
            outputs = splits.target_scaling.inverse(outputs)
    return Evaluation(split.targets, outputs, loss)


def predict(model: Module, inputs: Array) -> Array:
    """The outputs of a model for one batch, in evaluation mode; the mode is put back."""
    mode = model.training
    with no_grad():
        outputs = model.eval()(Tensor(inputs)).data
    model.train(mode)
    return outputs
