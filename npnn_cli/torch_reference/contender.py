"""PyTorch as a competent user writes it, to be timed; nothing passes through NumPy between steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.nn import Module
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.torch_reference.counterparts import import_torch, torch_module, torch_optimizer
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
        self.inputs, self.targets = _shared(inputs), _shared(targets)

    def differentiate(self, inputs: Array, targets: Array) -> tuple[Array, Array, dict[str, Array]]:
        """The outputs of a batch in evaluation mode, its loss, and the gradients, in training mode."""
        model = self.training.model
        batch = _shared(inputs).contiguous(memory_format=self.memory_format)
        with self.torch.no_grad():
            outputs = model.eval()(batch).numpy()
        model.train()
        loss = self.training.loss(model(batch), _shared(targets))
        loss.backward()
        return outputs, loss.detach().numpy(), self.training.gradients()

    def losses(self, order: Array) -> Iterator[float]:
        """Train on the samples in this order, a whole step with every ``next``."""
        _drop_by_own_draws(self.training.model)
        model, loss_function, training = self.training.model, self.training.loss, self.training
        for chosen in self.torch.from_numpy(order).split(self.batch_size):
            inputs = self.inputs.index_select(0, chosen).contiguous(memory_format=self.memory_format)
            targets = self.targets.index_select(0, chosen)
            self.optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            loss.backward()
            training.step()
            yield loss.item()


class TimedTorchLayer:
    """The PyTorch counterpart of a layer in training, with an input that needs a gradient.

    Args:
        layer: whose weights are copied.
        input: a batch.
        upstream: finds the gradient of the loss with respect to an output.
        channels_last: whether images keep their channels innermost in memory.

    Raises:
        TorchMissingError: if torch is not installed.
    """

    def __init__(
        self, layer: Module, input: Array, upstream: Callable[[Array], Array], *, channels_last: bool = False
    ) -> None:
        torch = import_torch()
        order = {"memory_format": torch.channels_last if channels_last else torch.contiguous_format}
        self.layer = torch_module(layer)
        if channels_last:
            self.layer.to(**order)
        self.input = _shared(input).contiguous(**order).requires_grad_()
        with torch.no_grad():
            output = torch_module(layer)(self.input).numpy()
        self.upstream = _shared(upstream(output)).contiguous(**order)

    def differentiate(self) -> tuple[Array, dict[str, Array]]:
        """The output, and the gradients of the input and of the parameters."""
        output = self.layer(self.input)
        output.backward(self.upstream)
        leaves = {"input": self.input, **dict(self.layer.named_parameters())}
        gradients = {name: leaf.grad.numpy().copy() for name, leaf in leaves.items()}
        self.layer = _drop_by_own_draws(self.layer)
        return output.detach().numpy(), gradients

    def pass_through(self) -> None:
        """Forward and backward."""
        self.input.grad = None
        self.layer.zero_grad()
        self.layer(self.input).backward(self.upstream)


def _shared(array: Array) -> Any:
    """A tensor on the array's memory; of a read-only array, which torch cannot share, on a copy."""
    return import_torch().from_numpy(np.require(array, requirements=["C", "W"]))


def _drop_by_own_draws(module: Any) -> Any:
    """Put PyTorch's own dropout in the place of those that draw npnn's masks, which serve to compare alone."""
    torch = import_torch()
    for kind in (torch.nn.Dropout, torch.nn.Dropout2d):
        if isinstance(module, kind):
            return kind(module.p)
    for name, child in list(module.named_children()):
        setattr(module, name, _drop_by_own_draws(child))
    return module


def _set_rates(theirs: Any, ours: Optimizer) -> None:
    """Copy the rates of the first epoch, which a scheduler that goes by epochs has set; TorchTraining has none such."""
    for group, our_group in zip(theirs.param_groups, ours.param_groups, strict=True):
        group["lr"] = our_group["lr"]


def _fuse(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        group["fused"] = True
