"""Proofs of every registered optimizer and scheduler: many steps beside a reference."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterator
from typing import Any

import numpy as np

from npnn_cli import registry
from npnn_cli.autograd.finite_differences import numerical_gradient
from npnn_cli.autograd.graph import no_grad
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.nn import Linear, MSELoss, Sequential, Tanh
from npnn_cli.optim import SGD, Optimizer
from npnn_cli.optim.lr_scheduler import ReduceLROnPlateau
from npnn_cli.proofs.check import TOLERANCE, Against, Check, chosen, largest_difference
from npnn_cli.registry import Entry

STEPS: dict[Against, int] = {"torch": 100, "finite-differences": 20}

# Where eps stands in an update rule hides at ordinary gradients and shows at small ones.
GRADIENT_SCALES = (1.0, 1e-4)


class SmallTraining:
    """A small network, one batch, and an optimizer, in float64; the loss can be scaled, and the gradients with it."""

    def __init__(self, optimizer: type[Optimizer], options: dict[str, Any], scale: float) -> None:
        rng = np.random.default_rng(0)
        self.model = Sequential(Linear(3, 4, rng=rng), Tanh(), Linear(4, 2, rng=rng)).to(np.float64)
        self.inputs = rng.standard_normal((6, 3)) * 1.0
        self.targets = rng.standard_normal((6, 2)) * 1.0
        self.loss, self.scale = MSELoss(), scale
        self.optimizer = optimizer(self.model.parameters(), **options)

    def value(self) -> float:
        """The scaled loss."""
        with no_grad():
            return float(self.loss(self.model(self.inputs), self.targets).item() * self.scale)

    def backward(self) -> None:
        """Compute the gradients by automatic differentiation."""
        self.optimizer.zero_grad()
        (self.loss(self.model(self.inputs), self.targets) * self.scale).backward()

    def backward_by_finite_differences(self) -> None:
        """Compute the gradients without automatic differentiation."""
        for parameter in self.model.parameters():
            parameter.grad = numerical_gradient(self.value, parameter.data)


def optimizer_checks(against: Against, only: Container[str] | None = None) -> Iterator[Check]:
    """Check every example of every registered optimizer, and every combination of the options that it has to be tried.

    With ``only``, those of these names.

    Against PyTorch, the weights after every one of 100 steps are compared. Against finite differences, the same
    optimizer is run for 20 steps on gradients found without automatic differentiation: this proves that the gradients
    that it gets are right over a whole training, and leaves its rule to PyTorch.
    """
    for entry in chosen(registry.optimizers, only):
        yield from _example_checks(entry, against)
        if against == "torch" and entry.component.tried:
            yield from _combination_checks(entry)


def _example_checks(entry: Entry[type[Optimizer]], against: Against) -> Iterator[Check]:
    component, compare = f"optimizer {entry.name}", _beside_torch if against == "torch" else _beside_finite_differences
    for scale in GRADIENT_SCALES if against == "torch" else GRADIENT_SCALES[:1]:
        for example in entry.examples:
            ours, theirs = (SmallTraining(entry.component, example.options, scale) for _ in range(2))
            what = f"{component}({_listed(example.options)}){_scaled(scale)}"
            yield Check(what, f"{STEPS[against]} steps", compare(ours, theirs), TOLERANCE[against], component)


def _combination_checks(entry: Entry[type[Optimizer]]) -> Iterator[Check]:
    component, tried = f"optimizer {entry.name}", combinations(entry.component)
    differences = np.array([combination_differences(entry.component, options) for options in tried])
    for scale, of_scale in zip(GRADIENT_SCALES, differences.T, strict=True):
        worst = int(np.argmax(of_scale))  # a nan counts as the greatest
        what = f"{component}({len(tried)} combinations of options; worst {_listed(tried[worst])}){_scaled(scale)}"
        yield Check(what, f"{STEPS['torch']} steps", float(of_scale[worst]), TOLERANCE["torch"], component)


def combinations(optimizer: type[Optimizer]) -> list[dict[str, Any]]:
    """Every combination of the values that an optimizer's options are tried with, but those that it refuses."""
    chosen = [
        dict(zip(optimizer.tried, values, strict=True)) for values in itertools.product(*optimizer.tried.values())
    ]
    return [options for options in chosen if _is_allowed(optimizer, options)]


def _is_allowed(optimizer: type[Optimizer], options: dict[str, Any]) -> bool:
    try:
        optimizer([Tensor([0.0])], **options)
    except ValueError:
        return False
    return True


def combination_differences(optimizer: type[Optimizer], options: dict[str, Any]) -> list[float]:
    """The largest difference to PyTorch of any weight after any step into a noisy bowl, for each gradient scale."""
    from npnn_cli.torch_reference.training import TorchDescent

    rng = np.random.default_rng(0)
    start, curvature, noise = rng.standard_normal(5), rng.uniform(0.5, 2, 5), rng.standard_normal((STEPS["torch"], 5))
    sign = -1 if options.get("maximize") else 1  # up a hill: away from a bowl, rounding errors would grow
    weights = [Tensor(start.copy(), requires_grad=True) for _ in GRADIENT_SCALES]
    ours = optimizer(weights, **options)
    theirs = TorchDescent(ours, [start] * len(weights))
    ways = np.empty((2, len(weights), *noise.shape))
    for step, step_noise in enumerate(noise):
        for which, (scale, w) in enumerate(zip(GRADIENT_SCALES, weights, strict=True)):
            w.grad = sign * scale * (curvature * w.data + step_noise)
            theirs.gradients[which][...] = sign * scale * (curvature * theirs.weights[which] + step_noise)
        ours.step()
        theirs.step()
        ways[:, :, step] = [w.data for w in weights], theirs.weights
    return [largest_difference(*of_scale) for of_scale in ways.swapaxes(0, 1)]


def scheduler_checks(only: Container[str] | None = None) -> Iterator[Check]:
    """Compare the learning rates and momenta of every registered scheduler with PyTorch's over fifty steps.

    With ``only``, of those of these names.
    """
    from npnn_cli.torch_reference.counterparts import torch_optimizer, torch_scheduler

    for entry in chosen(registry.schedulers, only):
        for example in entry.examples:
            training = SmallTraining(SGD, {"lr": 0.1, "momentum": 0.9}, 1.0)
            theirs = torch_optimizer(training.optimizer, [_torch_leaf()])
            scheduler = entry.build(training.optimizer, **example.options)
            their_scheduler = torch_scheduler(scheduler, theirs)
            differences = []
            for step in range(50):
                for option in ("lr", "momentum"):
                    ours_now, theirs_now = training.optimizer.param_groups[0][option], theirs.param_groups[0][option]
                    differences.append(abs(ours_now - theirs_now))
                theirs.step()
                metric = [metric_after(step)] if isinstance(scheduler, ReduceLROnPlateau) else []
                scheduler.step(*metric)
                their_scheduler.step(*metric)
            component = f"scheduler {entry.name}"
            what = f"{component}({_listed(example.options)})"
            yield Check(what, "50 steps", float(np.max(differences)), TOLERANCE["torch"], component)


def metric_after(step: int) -> float:
    """The metric of a training that improves, stands still, is nan for a step, falls back and improves again."""
    values = [1.0, 0.8, 0.79, 0.7, *[0.7] * 8, math.nan, 0.69999, 0.9, 1.2, 1.21, *[1.3] * 6, 0.6, 0.5]
    return values[step % len(values)]


def _listed(options: dict[str, Any]) -> str:
    shown = {name: value.__name__ if callable(value) else repr(value) for name, value in options.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def _scaled(scale: float) -> str:
    return f", gradients x {scale:g}" if scale != 1 else ""


def _torch_leaf() -> Any:
    from npnn_cli.torch_reference.counterparts import to_torch

    return to_torch(np.zeros(1), requires_grad=True)


def _beside_torch(ours: SmallTraining, theirs: SmallTraining) -> float:
    """Train beside PyTorch on the same gradients' scale; return the largest difference of any weight after any step."""
    from npnn_cli.torch_reference.training import TorchTraining

    reference = TorchTraining(theirs.model, theirs.loss, theirs.optimizer)
    differences = []
    for _ in range(STEPS["torch"]):
        ours.backward()
        ours.optimizer.step()
        reference.backward(theirs.inputs, theirs.targets, scale=theirs.scale)
        reference.step()
        differences.append(_largest(ours.model.state_dict(), reference.weights()))
    return float(np.max(differences))


def _beside_finite_differences(ours: SmallTraining, theirs: SmallTraining) -> float:
    for _ in range(STEPS["finite-differences"]):
        ours.backward()
        theirs.backward_by_finite_differences()
        ours.optimizer.step()
        theirs.optimizer.step()
    return _largest(ours.model.state_dict(), theirs.model.state_dict())


def _largest(ours: dict[str, Array], theirs: dict[str, Array]) -> float:
    return float(np.max([largest_difference(array, theirs.get(name)) for name, array in ours.items()]))
