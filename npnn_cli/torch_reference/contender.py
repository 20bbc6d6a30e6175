"""A training in PyTorch as a competent user writes it, to be timed: between steps nothing passes through NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.torch_reference.counterparts import import_torch, torch_optimizer
from npnn_cli.torch_reference.training import TorchTraining
from npnn_cli.training.building import Network


def has_fused_form(optimizer: Optimizer) -> bool:
    """Whether PyTorch's optimizer of this kind can update all parameters in one fused loop."""
    return "fused" in torch_optimizer(optimizer, [import_torch().zeros(1, requires_grad=True)]).defaults


class TimedTorchTraining:
    """The PyTorch counterpart of a network in training, with all its samples in memory.

    Args:
        network: whose weights are copied.
        optimizer: npnn's optimizer of the network.
        scheduler: npnn's scheduler, if it has one.
        inputs: all training inputs, scaled.
        targets: all training targets, scaled.
        fused: whether the optimizer updates all parameters in one fused loop.
        channels_last: whether images and convolutions keep their channels innermost in memory.

    Raises:
        TorchMissingError: if torch is not installed.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        scheduler: LRScheduler | None,
        inputs: Array,
        targets: Array,
        *,
        fused: bool = False,
        channels_last: bool = False,
    ) -> None:
        spec = network.spec.training
        training = TorchTraining(
            network.model, network.loss, optimizer, scheduler, spec.clip_grad_norm, spec.clip_grad_value
        )
        self.torch, self.training, self.batch_size = training.torch, training, spec.batch_size
        self.optimizer: Any = training.optimizer
        self.memory_format = self.torch.channels_last if channels_last else self.torch.contiguous_format
        _set_rates(training.optimizer, optimizer)
        if channels_last:
            training.model.to(memory_format=self.memory_format)
        if fused:
            _fuse(training.optimizer)
        self.inputs, self.targets = self._shared(inputs), self._shared(targets)

    def differentiate(self, inputs: Array, targets: Array) -> tuple[Array, Array, dict[str, Array]]:
        """The outputs of a batch in evaluation mode, its loss, and the gradients, in training mode."""
        model = self.training.model
        batch = self._shared(inputs).contiguous(memory_format=self.memory_format)
        with self.torch.no_grad():
            outputs = model.eval()(batch).numpy()
        model.train()
        loss = self.training.loss(model(batch), self._shared(targets))
        loss.backward()
        return outputs, loss.detach().numpy(), self.training.gradients()

    def losses(self, order: Array) -> Iterator[float]:
        """Train on the samples in this order, a whole step with every ``next``."""
        self._drop_by_own_draws()
        model, loss_function, training = self.training.model, self.training.loss, self.training
        for chosen in self.torch.from_numpy(order).split(self.batch_size):
            inputs = self.inputs.index_select(0, chosen).contiguous(memory_format=self.memory_format)
            targets = self.targets.index_select(0, chosen)
            self.optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            loss.backward()
            training.step()
            yield loss.item()

    def _shared(self, array: Array) -> Any:
        """A tensor on the array's memory; of a read-only array, which torch cannot share, on a copy."""
        return self.torch.from_numpy(np.require(array, requirements=["C", "W"]))

    def _drop_by_own_draws(self) -> None:
        """Put PyTorch's own Dropout in the place of the one that draws npnn's masks, which serves to compare alone."""
        for module in list(self.training.model.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, self.torch.nn.Dropout):
                    setattr(module, name, self.torch.nn.Dropout(child.p))


def _set_rates(theirs: Any, ours: Optimizer) -> None:
    """Copy the rates of the first epoch, which a scheduler that goes by epochs has set; TorchTraining has none such."""
    for group, our_group in zip(theirs.param_groups, ours.param_groups, strict=True):
        group["lr"] = our_group["lr"]


def _fuse(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        group["fused"] = True
