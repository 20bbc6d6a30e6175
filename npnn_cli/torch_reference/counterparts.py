"""PyTorch's counterpart of each component: the one of the same name and options, unless its entry gives another."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable
from typing import Any

from npnn_cli import registry
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.nn import Module, Sequential
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler, SequentialLR
from npnn_cli.registry import Entry


class TorchMissingError(ImportError):
    """PyTorch, which is needed only for comparing with it, is not installed."""


class NoCounterpartError(LookupError):
    """PyTorch has nothing to compare a component with."""


def import_torch() -> Any:
    """The torch module.

    Raises:
        TorchMissingError: if it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise TorchMissingError(
            "comparing with PyTorch needs torch, which is not installed: pip install 'torch==2.13.0'"
        ) from error


def to_torch(array: Array, requires_grad: bool = False) -> Any:
    """A torch tensor of a copy of the array."""
    return import_torch().tensor(array.copy(), requires_grad=requires_grad)


def torch_function(entry: Entry[Callable[..., Any]]) -> Callable[..., Any]:
    """What an op or function is compared with: a function on torch tensors of an example's inputs and options."""
    torch = import_torch()
    if entry.reference is not None:
        return functools.partial(entry.reference, torch)
    return entry.called(_named(entry.name, torch.nn.functional, torch, torch.Tensor))


def torch_module(module: Module) -> Any:
    """The torch module of the same kind and options, with the same parameters, frozen or not, in the same mode."""
    counterpart = _counterpart(module)
    for dtype in {str(parameter.dtype) for parameter in module.parameters()}:
        counterpart.to(getattr(import_torch(), dtype))
    counterpart.load_state_dict({name: to_torch(array) for name, array in module.state_dict().items()}, strict=True)
    parameters = dict(module.named_parameters())
    for name, parameter in counterpart.named_parameters():
        parameter.requires_grad_(parameters[name].requires_grad)
    return counterpart.train(module.training)


def torch_optimizer(optimizer: Optimizer, parameters: Iterable[Any]) -> Any:
    """A torch optimizer of the same kind and options for these torch parameters."""
    torch, entry = import_torch(), registry.optimizers[type(optimizer).__name__]
    if entry.reference is not None:
        return entry.reference(torch, parameters, **optimizer.options)
    return _named(entry.name, torch.optim)(parameters, **optimizer.options)


def torch_scheduler(scheduler: LRScheduler, optimizer: Any) -> Any:
    """A torch scheduler of the same kind and options for this torch optimizer."""
    options = dict(scheduler.options)
    if isinstance(scheduler, SequentialLR):
        options["schedulers"] = [torch_scheduler(part, optimizer) for part in scheduler.schedulers]
    return _named(type(scheduler).__name__, import_torch().optim.lr_scheduler)(optimizer, **options)


def _counterpart(module: Module) -> Any:
    torch, name = import_torch(), type(module).__name__
    if isinstance(module, Sequential):
        return torch.nn.Sequential(*map(_counterpart, module))
    kind = registry.losses if name in registry.losses else registry.layers
    reference = kind[name].reference
    if reference is None:
        options = {option: value for option, value in module.options.items() if option not in module.own_options}
        return _named(name, torch.nn)(**options)
    built = reference(torch, module, **{name: _counterpart(child) for name, child in module.named_children()})
    return built if isinstance(built, torch.nn.Module) else _function_as_module(torch, built)


def _function_as_module(torch: Any, function: Callable[..., Any]) -> Any:
    class FunctionAsModule(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *inputs: Any) -> Any:
            return function(*inputs)

    return FunctionAsModule()


def _named(name: str, *namespaces: Any) -> Any:
    for namespace in namespaces:
        if hasattr(namespace, name):
            return getattr(namespace, name)
    raise NoCounterpartError(f"PyTorch has nothing named {name}: register it with a reference to compare it with")
