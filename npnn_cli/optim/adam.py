"""Adam and its relatives: steps along the running mean of the gradients, scaled by their running root mean square."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.examples import example
from npnn_cli.optim.optimizer import Optimizer, Options, Params, State, kept, moving_average
from npnn_cli.registry import optimizers

__all__ = ["Adam", "AdamW", "NAdam", "RAdam"]


class _AdamLike(Optimizer):
    """An optimizer that keeps m and v, the moving averages of g and g²."""

    def require_betas(self, betas: tuple[float, float], **at_least_zero: float) -> None:
        """Raise a ValueError that names each option that is out of its range."""
        self.require(betas=all(0 <= beta < 1 for beta in betas))
        self.require(**{name: value >= 0 for name, value in at_least_zero.items()})

    def averages(
        self, g: Array, state: State, betas: tuple[float, float], scratch: Array
    ) -> tuple[float, Array, Array]:
        """The number t of this step, and m and v after it. The scratch, which may be ``g``, is spoiled."""
        beta1, beta2 = betas
        t = state["step"] = state.get("step", 0) + 1
        # m = β1·m + (1-β1)·g, scaled to and fro: another array would have to pass through the cache.
        m = kept(state, "exp_avg", g)
        m *= beta1 / (1 - beta1)
        m += g
        m *= 1 - beta1
        v = moving_average(state, "exp_avg_sq", np.square(g, out=scratch), beta2)
        return t, m, v


@optimizers.register(
    example(lr=0.01),
    example(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.01),
    example(lr=0.01, amsgrad=True, decoupled_weight_decay=True, weight_decay=0.01),
)
class Adam(_AdamLike):
    """Step along m̂ / (√v̂ + eps), m and v the moving averages of g and g², both corrected for their start at 0.

    ``amsgrad`` takes the largest v so far (Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018).
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    See https://pytorch.org/docs/stable/generated/torch.optim.Adam.html.
    """

    tried = {
        "lr": (0.01,),
        "betas": ((0.9, 0.999), (0.7, 0.9)),
        "eps": (1e-8, 1e-3),
        "weight_decay": (0.0, 0.1),
        "amsgrad": (False, True),
        "maximize": (False, True),
        "decoupled_weight_decay": (False, True),
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params)
        self.require_betas(betas, lr=lr, eps=eps, weight_decay=weight_decay)

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        beta1, beta2 = options["betas"]
        t, m, v = self.averages(g, state, (beta1, beta2), scratch)
        if options["amsgrad"]:
            largest = kept(state, "max_exp_avg_sq", v)
            v = np.maximum(largest, v, out=largest)
        # √v̂ = √v / √(1 - β2^t): the correction is moved out of the array, where it would cost another pass.
        correction = math.sqrt(1 - beta2**t)
        step = np.sqrt(v, out=scratch)
        step += options["eps"] * correction
        np.divide(m, step, out=step)
        step *= options["lr"] * correction / (1 - beta1**t)
        w -= step


@optimizers.register(example(lr=0.01), example(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1, amsgrad=True))
class AdamW(Adam):
    """Adam with decoupled weight decay, which is 0.01 unless told otherwise: w first shrinks by the factor 1 - lr·λ.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
    See https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html.
    """

    tried = {name: values for name, values in Adam.tried.items() if name != "decoupled_weight_decay"}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more parameters; their weight decay is decoupled, too."""
        super().add_param_group({**param_group, "decoupled_weight_decay": True})


def _torch_nadam(torch: Any, params: Any, **options: Any) -> Any:
    """PyTorch's, made to keep the product of all μ in the precision of the parameters, not in float32 as it would."""
    optimizer = torch.optim.NAdam(params, **options)
    for p in (p for group in optimizer.param_groups for p in group["params"]):
        optimizer.state[p] = {"step": torch.tensor(0.0), "mu_product": torch.ones((), dtype=p.dtype)}
        optimizer.state[p] |= {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
    return optimizer


@optimizers.register(
    example(lr=0.01),
    example(lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1, momentum_decay=0.01, decoupled_weight_decay=True),
    example(lr=0.01, weight_decay=0.1),
    reference=_torch_nadam,
)
class NAdam(_AdamLike):
    """Adam with Nesterov momentum: the step looks ahead, to m as the next step will weight it.

    With μ_t = β1·(1 - 0.96^(t·momentum_decay)/2) and Π the product of all μ so far, the step is along
    (μ_{t+1}·m / (1 - Π·μ_{t+1}) + (1 - μ_t)·g / (1 - Π)) / (√v̂ + eps).
    Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    See https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html.
    """

    tried = {
        "lr": (0.01,),
        "betas": ((0.9, 0.999), (0.7, 0.9)),
        "eps": (1e-8, 1e-3),
        "weight_decay": (0.0, 0.1),
        "momentum_decay": (0.004, 0.1),
        "decoupled_weight_decay": (False, True),
        "maximize": (False, True),
    }
    counters = frozenset({"step", "mu_product"})

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.require_betas(betas, lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        beta1, beta2 = options["betas"]
        t, m, v = self.averages(g, state, (beta1, beta2), np.empty_like(g))  # g is needed once more
        mu, next_mu = (beta1 * (1 - 0.5 * 0.96 ** (step * options["momentum_decay"])) for step in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        ahead = next_mu / (1 - product * next_mu) * m + (1 - mu) / (1 - product) * g
        w -= options["lr"] * ahead / (np.sqrt(v / (1 - beta2**t)) + options["eps"])


@optimizers.register(
    example(lr=0.01),
    example(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1, decoupled_weight_decay=True),
)
class RAdam(_AdamLike):
    """Rectified Adam: the step is along m̂ alone until v rests on enough gradients, then along r·m̂ / (√v̂ + eps).

    With L = 2/(1-β2) - 1, the number of gradients that v can rest on, and n = L - 2t·β2^t/(1-β2^t), that of those
    that it does, the first steps are those with n <= 5, and after them r = √((n-4)(n-2)L / ((L-4)(L-2)n)).
    As in PyTorch, eps is added to √v before the correction.
    Liu et al., "On the variance of the adaptive learning rate and beyond", 2020, algorithm 2.
    See https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html.
    """

    tried = {
        "lr": (0.01,),
        "betas": ((0.9, 0.999), (0.7, 0.9)),
        "eps": (1e-8, 1e-3),
        "weight_decay": (0.0, 0.1),
        "decoupled_weight_decay": (False, True),
        "maximize": (False, True),
    }

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.require_betas(betas, lr=lr, eps=eps, weight_decay=weight_decay)

    def update(self, w: Array, g: Array, state: State, options: Options, scratch: Array) -> None:
        """Take one step."""
        beta1, beta2 = options["betas"]
        t, m, v = self.averages(g, state, (beta1, beta2), scratch)
        step = m / (1 - beta1**t)
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / (1 - beta2**t)
        if length > 5:
            rectified = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            step *= math.sqrt(rectified * (1 - beta2**t)) / (np.sqrt(v) + options["eps"])
        w -= np.multiply(step, options["lr"], out=scratch)
