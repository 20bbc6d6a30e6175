"""Steps scaled element by element by what the gradients and the steps have been so far: Adagrad and Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.examples import example
from npnn_cli.optim.optimizer import Optimizer, Options, Params, State, moving_average
from npnn_cli.registry import optimizers

__all__ = ["Adadelta", "Adagrad"]


@optimizers.register(
    example(lr=0.1),
    example(lr=0.1, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.1, eps=1e-6),
)
class Adagrad(Optimizer):
    """Step along lr/(1 + (t-1)·lr_decay) · g / (√s + eps), s the sum of g² over all steps t so far.

    The sum starts at ``initial_accumulator_value``.
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning", JMLR 2011.
    See https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html.
    """

    tried = {
        "lr": (0.05,),
        "lr_decay": (0.0, 0.1),
        "weight_decay": (0.0, 0.01),
        "initial_accumulator_value": (0.0, 0.1),
        "eps": (1e-10, 1e-3),
        "maximize": (False, True),
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.require(lr=lr >= 0, lr_decay=lr_decay >= 0, weight_decay=weight_decay >= 0, eps=eps >= 0)
        self.require(initial_accumulator_value=initial_accumulator_value >= 0)

    def initial_state(self, w: Array, **options: Any) -> State:
        """The sum of squares, which begins before the first step."""
        return {"step": 0, "sum": np.full_like(w, options["initial_accumulator_value"])}

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        state["step"] += 1
        state["sum"] += g * g
        lr = options["lr"] / (1 + (state["step"] - 1) * options["lr_decay"])
        w -= lr * g / (np.sqrt(state["sum"]) + options["eps"])


@optimizers.register(
    example(lr=20.0),
    example(lr=10.0, rho=0.8, eps=1e-5, weight_decay=0.01),
)
class Adadelta(Optimizer):
    """Step along √(u + eps) / √(s + eps) · g, s and u the moving averages of g² and of the squares of the steps.

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.
    See https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html.
    """

    tried = {
        "lr": (1.0,),
        "rho": (0.9, 0.7),
        "eps": (1e-6, 1e-3),
        "weight_decay": (0.0, 0.01),
        "maximize": (False, True),
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.require(lr=lr >= 0, rho=0 <= rho <= 1, eps=eps >= 0, weight_decay=weight_decay >= 0)

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        state["step"] = state.get("step", 0) + 1  # not needed here, but PyTorch's state has it
        square_avg = moving_average(state, "square_avg", np.square(g), options["rho"])
        steps_so_far = state.get("acc_delta", np.zeros(()))
        step = np.sqrt(steps_so_far + options["eps"]) / np.sqrt(square_avg + options["eps"]) * g
        moving_average(state, "acc_delta", np.square(step), options["rho"])
        w -= np.multiply(step, options["lr"], out=scratch)
