"""RMSprop: steps scaled by a running root mean square of the gradients."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.examples import example
from npnn_cli.optim.optimizer import Optimizer, Options, Params, State, kept, moving_average
from npnn_cli.registry import optimizers

__all__ = ["RMSprop"]


@optimizers.register(
    example(lr=0.01),
    example(lr=0.01, alpha=0.9, momentum=0.9, weight_decay=0.01),
    example(lr=0.01, centered=True),
)
class RMSprop(Optimizer):
    """Step along g / (√s + eps), s the moving average of g²; ``centered`` takes the square of g's average from s.

    Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    See https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html.
    """

    tried = {
        "lr": (0.02,),
        "alpha": (0.99, 0.9),
        "eps": (1e-8, 1e-3),
        "weight_decay": (0.0, 0.01),
        "momentum": (0.0, 0.9),
        "centered": (False, True),
        "maximize": (False, True),
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.require(lr=lr >= 0, alpha=0 <= alpha < 1, eps=eps >= 0, weight_decay=weight_decay >= 0)
        self.require(momentum=momentum >= 0)

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        state["step"] = state.get("step", 0) + 1  # not needed here, but PyTorch's state has it
        square_avg = moving_average(state, "square_avg", np.square(g), options["alpha"])
        if options["centered"]:
            grad_avg = moving_average(state, "grad_avg", g.copy(), options["alpha"])
            square_avg = square_avg - grad_avg * grad_avg
        step = g / (np.sqrt(square_avg) + options["eps"])
        if options["momentum"]:
            buffer = kept(state, "momentum_buffer", w)
            buffer *= options["momentum"]
            buffer += step
            step = buffer
        w -= np.multiply(step, options["lr"], out=scratch)
