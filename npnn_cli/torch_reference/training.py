"""A training in PyTorch, step by step, beside npnn's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.nn import Module
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.registry import Entry
from npnn_cli.torch_reference.counterparts import (
    import_torch,
    to_torch,
    torch_function,
    torch_module,
    torch_optimizer,
    torch_scheduler,
)


def differentiate(function: Callable[..., Any], inputs: list[Array], *upstream: Array | None) -> list[Array | None]:
    """The outputs of a function on torch tensors, then the gradient of each input (None for one without).

    Args:
        function: takes torch tensors of the inputs; gives one tensor or a tuple of them.
        inputs: gradients are found for those that are floating.
        upstream: the gradient of the loss with respect to each output; None for the loss itself.
    """
    tensors = [to_torch(array, requires_grad=array.dtype.kind == "f") for array in inputs]
    answer = function(*tensors)
    outputs = answer if isinstance(answer, tuple) else (answer,)
    for output, gradient in zip(outputs, upstream, strict=True):
        comparable = gradient is None or tuple(output.shape) == gradient.shape
        if output.requires_grad and comparable:
            output.backward(None if gradient is None else to_torch(gradient), retain_graph=True)
    return [*(output.detach().numpy() for output in outputs), *map(gradient_of, tensors)]


def gradient_of(tensor: Any) -> Array | None:
    """The gradient that a torch tensor has received, if any."""
    return None if tensor.grad is None else tensor.grad.numpy()


def differentiate_op(
    entry: Entry[Callable[..., Any]], inputs: list[Array], options: dict[str, Any], *upstream: Array
) -> list[Array | None]:
    """The outputs of PyTorch's counterpart of an op or function, then the gradient of each input."""
    function, torch = torch_function(entry), import_torch()
    options = {key: torch.as_tensor(value) if hasattr(value, "dtype") else value for key, value in options.items()}
    return differentiate(lambda *tensors: function(*tensors, **options), inputs, *upstream)


class TorchDescent:
    """The PyTorch counterpart of an optimizer on arrays of weights, for gradients that are given.

    Attributes:
        weights: as they are now, views.
        gradients: to be written into before each step, views.
    """

    def __init__(self, optimizer: Optimizer, starts: Sequence[Array]) -> None:
        tensors = [to_torch(start, requires_grad=True) for start in starts]
        for tensor in tensors:
            tensor.grad = import_torch().zeros_like(tensor)
        self.weights: list[Array] = [tensor.detach().numpy() for tensor in tensors]
        self.gradients: list[Array] = [tensor.grad.numpy() for tensor in tensors]
        self.optimizer = torch_optimizer(optimizer, tensors)

    def step(self) -> None:
        """Change the weights by the gradients."""
        self.optimizer.step()


class TorchTraining:
    """The PyTorch counterpart of a model in training: same weights, loss, optimizer and scheduler.

    Args:
        model: npnn's model, whose weights and mode are copied now.
        loss: npnn's loss.
        optimizer: npnn's optimizer; without one, only gradients can be computed.
        scheduler: npnn's scheduler.
        clip_grad_norm: bound on the norm of the gradients.
        clip_grad_value: bound on their elements.
    """

    def __init__(
        self,
        model: Module,
        loss: Module,
        optimizer: Optimizer | None = None,
        scheduler: LRScheduler | None = None,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
    ) -> None:
        self.torch = import_torch()
        self.model, self.loss = torch_module(model), torch_module(loss)
        self.optimizer = None if optimizer is None else torch_optimizer(optimizer, self.model.parameters())
        # One that goes by epochs is needed too: it may set the learning rate when it is made.
        self.scheduler = None if scheduler is None else torch_scheduler(scheduler, self.optimizer)
        self.steps_every_batch = scheduler is not None and scheduler.interval == "batch"
        self.clip_grad_norm, self.clip_grad_value = clip_grad_norm, clip_grad_value

    def backward(self, inputs: Array, targets: Array, scale: float = 1.0) -> tuple[Array, float]:
        """Compute outputs, loss (times ``scale``) and gradients of a batch; return the outputs and the loss."""
        self.model.zero_grad()
        outputs = self.model(to_torch(inputs))
        loss = self.loss(outputs, to_torch(targets)) * scale
        loss.backward()
        return outputs.detach().numpy(), loss.item()

    def step(self) -> None:
        """Clip the gradients, update the weights, and let a scheduler that goes by batches go on."""
        if self.clip_grad_norm is not None:
            self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_grad_norm)
        if self.clip_grad_value is not None:
            self.torch.nn.utils.clip_grad_value_(self.model.parameters(), self.clip_grad_value)
        if self.optimizer is not None:
            self.optimizer.step()
        if self.scheduler is not None and self.steps_every_batch:
            self.scheduler.step()

    def gradients(self) -> dict[str, Array]:
        """The gradient of every parameter that has one, by name."""
        parameters = self.model.named_parameters()
        return {name: parameter.grad.numpy().copy() for name, parameter in parameters if parameter.grad is not None}

    def weights(self) -> dict[str, Array]:
        """Every parameter by name."""
        return {name: parameter.detach().numpy().copy() for name, parameter in self.model.named_parameters()}
