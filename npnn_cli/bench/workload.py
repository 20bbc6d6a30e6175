"""What every contender has to do: the same network from the same weights, on the same batches in the same order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npnn_cli import registry
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.data import DataLoader, DataSplits
from npnn_cli.spec import RunSpec, without_inferred
from npnn_cli.training.building import Network, build_network

# A schedule of the spec's own length could run out while its steps are still being timed.
ENDLESS = 1_000_000


@dataclass(frozen=True, eq=False)
class Workload:
    """A spec made ready for any contender; whoever builds it from the same spec gets the same numbers.

    Attributes:
        network: with its initial weights.
        splits: its data.
    """

    network: Network
    splits: DataSplits

    @classmethod
    def of(cls, spec: RunSpec) -> Workload:
        """Build the network and read the data.

        Raises:
            SpecError: if the spec cannot be built.
            DataError: if the data cannot be read.
        """
        network = build_network(spec)
        return cls(network, network.load_data())

    @property
    def batch_size(self) -> int:
        """Samples per step; the last step of an epoch may have fewer."""
        return self.network.spec.training.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """The number of steps in an epoch."""
        return -(-len(self.splits.train) // self.batch_size)

    def order(self, epoch: int) -> Array:
        """The training samples in the order in which the engine's loader goes through them in this epoch (from 0)."""
        positions = np.arange(len(self.splits.train))
        loader = DataLoader(positions, positions, len(positions), shuffle=True, seed=self.network.spec.seed)
        loader.set_epoch(epoch)
        order, _ = next(iter(loader))
        return order

    def first_batch(self) -> tuple[Array, Array]:
        """The inputs and targets of the first step, scaled."""
        inputs, targets = next(iter(self.network.training_loader(self.splits)))
        return inputs.copy(), targets.copy()

    def scaled_samples(self) -> tuple[Array, Array]:
        """All training inputs and targets, scaled, in the spec's dtype, for contenders that have no loader."""
        everything = self.network.loader(self.splits, self.splits.train, batch_size=len(self.splits.train))
        return next(iter(everything))


def timed_spec(spec: RunSpec, batch_size: int | None = None) -> RunSpec:
    """The spec as it is timed: with this batch size, its threads resolved, and a schedule that does not run out."""
    training = spec.training.model_copy(update={"batch_size": batch_size or spec.training.batch_size})
    resolved = build_network(spec.model_copy(update={"training": training})).spec.training
    training = training.model_copy(update={"epochs": ENDLESS, "threads": resolved.threads})
    # The scheduler is left without what follows from the training's length.
    scheduler = spec.scheduler and without_inferred(spec.scheduler, registry.schedulers)
    return spec.model_copy(update={"training": training, "scheduler": scheduler})
