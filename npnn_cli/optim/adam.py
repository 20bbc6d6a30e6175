"""Adam: steps along the running mean of the gradients, scaled by their running root mean square."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example
from npnn_cli.optim.optimizer import Optimizer, State, moving_average
from npnn_cli.registry import optimizers

__all__ = ["Adam"]


@optimizers.register(
    example(lr=0.01),
    example(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.01),
)
class Adam(Optimizer):
    """Step along m̂ / (√v̂ + eps), m and v the moving averages of g and g², both corrected for their start at 0.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    See https://pytorch.org/docs/stable/generated/torch.optim.Adam.html.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params)
        self.require(lr=lr >= 0, eps=eps >= 0, weight_decay=weight_decay >= 0)
        self.require(betas=all(0 <= beta < 1 for beta in betas))

    def update(self, w: Array, g: Array, state: State, **options: Any) -> None:
        """Take one step for one parameter."""
        beta1, beta2 = options["betas"]
        if options["weight_decay"]:
            g = g + options["weight_decay"] * w
        t = state["step"] = state.get("step", 0) + 1
        m = moving_average(state, "exp_avg", g, beta1)
        v = moving_average(state, "exp_avg_sq", g * g, beta2)
        # √v̂ = √v / √(1 - β2^t): the correction is moved out of the array, where it would cost another pass.
        correction = math.sqrt(1 - beta2**t)
        step = np.sqrt(v)
        step += options["eps"] * correction
        np.divide(m, step, out=step)
        step *= options["lr"] * correction / (1 - beta1**t)
        w -= step
