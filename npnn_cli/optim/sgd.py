"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.examples import example
from npnn_cli.optim.optimizer import Optimizer, Options, Params, State
from npnn_cli.registry import optimizers

__all__ = ["SGD", "Momentum"]


@optimizers.register(
    example(lr=0.1),
    example(lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    example(lr=0.1, momentum=0.9, nesterov=True),
)
class SGD(Optimizer):
    """Gradient descent w = w - lr·g, with momentum on request.

    With momentum μ, the step is along buf = μ·buf + (1-dampening)·g (which starts as the first g), or along g + μ·buf
    with ``nesterov``.
    See https://pytorch.org/docs/stable/generated/torch.optim.SGD.html.
    """

    tried = {
        "lr": (0.05,),
        "momentum": (0.0, 0.9),
        "dampening": (0.0, 0.1),
        "weight_decay": (0.0, 0.01),
        "nesterov": (False, True),
        "maximize": (False, True),
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.require(lr=lr >= 0, momentum=momentum >= 0, weight_decay=weight_decay >= 0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(f"{type(self).__name__}: nesterov needs momentum above 0 and dampening 0")

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        if momentum := options["momentum"]:
            if "momentum_buffer" in state:
                buffer = state["momentum_buffer"]
                buffer *= momentum
                buffer += g * (1 - options["dampening"]) if options["dampening"] else g
            else:
                buffer = state["momentum_buffer"] = g.copy()
            g = g + momentum * buffer if options["nesterov"] else buffer
        w -= np.multiply(g, options["lr"], out=scratch)


def _torch_sgd(torch: Any, params: Any, **options: Any) -> Any:
    return torch.optim.SGD(params, **options)


@optimizers.register(example(lr=0.1), example(lr=0.1, momentum=0.8, nesterov=True), reference=_torch_sgd)
class Momentum(SGD):
    """SGD whose momentum is 0.9 unless told otherwise.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0.9,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, momentum, dampening, weight_decay, nesterov, maximize)
