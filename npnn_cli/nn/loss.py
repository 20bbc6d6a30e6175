"""Losses: how far a batch of outputs is from its targets, as one number to minimize.

The functions of the same purpose in :mod:`npnn_cli.functional` say what each computes, and which shapes it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from npnn_cli import functional as F
from npnn_cli.autograd.ops.losses import mean_cross_entropy
from npnn_cli.autograd.ops.primitive import Array, Primitive
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import classes, constant, example, nonzero, normal, uniform
from npnn_cli.functional import Reduction
from npnn_cli.nn.module import Buffer, Module
from npnn_cli.registry import losses

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MAELoss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
]


class Loss(Module):
    """Base of all losses: called with the outputs and the targets of a batch."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        self.reduction: Any = reduction

    def __init_subclass__(cls) -> None:
        """A class that computes otherwise than those that it extends has no op, unless it says which."""
        super().__init_subclass__()
        computing = {"forward", "__call__", "op_on"}
        nearest = next(kind for kind in cls.__mro__ if not computing.isdisjoint(vars(kind)))
        if "op_on" not in vars(nearest):
            cls.op_on = Loss.op_on  # type: ignore[method-assign]

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def op_on(self, target: Array) -> Primitive | None:
        """An op of outputs and these targets that by itself computes what :meth:`forward` does; None if there is none.

        It has one derivative, that with respect to the outputs, and refuses outputs and targets that do not fit.
        """
        return None


@losses.register(example(normal(5, 3), normal(5, 3)), example(normal(5, 3), normal(5, 3), reduction="sum"))
class MSELoss(Loss):
    """Mean squared error."""

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets of the same shape."""
        return F.mse_loss(input, target, self.reduction)


@losses.register(
    example(nonzero(5, 3), constant(0.0, 5, 3)),
    example(nonzero(5, 3), constant(0.0, 5, 3), reduction="sum"),
    alias="MAELoss",
)
class L1Loss(Loss):
    """Mean absolute error."""

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets of the same shape."""
        return F.l1_loss(input, target, self.reduction)


MAELoss = L1Loss


@losses.register(example(normal(5, 3), normal(5, 3)), example(normal(5, 3), normal(5, 3), reduction="sum", beta=0.5))
class SmoothL1Loss(Loss):
    """Absolute error |d| - beta/2, whose kink is rounded off: d²/(2·beta) where |d| is below ``beta``.

    Girshick, "Fast R-CNN", ICCV 2015, equation 3.
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if beta < 0:
            raise ValueError(f"SmoothL1Loss: beta must not be below 0, got {beta}")
        self.beta = beta

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets of the same shape."""
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


@losses.register(example(normal(5, 3), normal(5, 3)), example(normal(5, 3), normal(5, 3), reduction="sum", delta=0.5))
class HuberLoss(Loss):
    """Half the squared error, but growing only linearly beyond ``delta``.

    Huber, "Robust estimation of a location parameter", 1964.
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if delta <= 0:
            raise ValueError(f"HuberLoss: delta must be above 0, got {delta}")
        self.delta = delta

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of outputs against targets of the same shape."""
        return F.huber_loss(input, target, self.reduction, self.delta)


def _torch_weighted(torch: Any, loss: Loss) -> Any:
    """PyTorch's loss of the same name; its weights are tensors, of the same dtype as here."""
    weights = {name: getattr(torch, str(buffer.dtype)) for name, buffer in loss.named_buffers()}
    options = {
        name: torch.tensor(value, dtype=weights[name]) if name in weights else value
        for name, value in loss.options.items()
    }
    return getattr(torch.nn, type(loss).__name__)(**options)


@losses.register(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3), classes(3, 5), reduction="sum", label_smoothing=0.1),
    example(normal(5, 3, 2), classes(3, 5, 2), weight=[0.5, 2.0, 1.0], ignore_index=1),
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3), label_smoothing=0.2),
    reference=_torch_weighted,
)
class CrossEntropyLoss(Loss):
    """Cross-entropy of logits against class indices or probabilities, see :func:`npnn_cli.functional.cross_entropy`."""

    def __init__(
        self,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"CrossEntropyLoss: label_smoothing must lie between 0 and 1, got {label_smoothing}")
        self.weight = None if weight is None else Buffer(weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of logits (N, C, ...) against class indices (N, ...) or probabilities (N, C, ...)."""
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)

    def op_on(self, target: Array) -> Primitive | None:
        """The mean over class indices, one per sample, is an op if all classes count alike."""
        is_plain_mean = self.reduction == "mean" and self.weight is None and self.label_smoothing == 0
        are_indices = target.ndim == 1 and target.dtype.kind in "iu"
        return mean_cross_entropy if is_plain_mean and are_indices and self.ignore_index < 0 else None


@losses.register(
    example(normal(5, 3), classes(3, 5)),
    example(normal(5, 3, 2), classes(3, 5, 2), weight=[0.5, 2.0, 1.0], ignore_index=1, reduction="sum"),
    reference=_torch_weighted,
)
class NLLLoss(Loss):
    """Negative log-likelihood: what a LogSoftmax makes of the logits, at the class that was right."""

    def __init__(
        self, weight: Sequence[float] | None = None, ignore_index: int = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of log-probabilities (N, C, ...) against class indices (N, ...)."""
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


@losses.register(
    example(uniform(0.05, 0.95, 5, 3), uniform(0.0, 1.0, 5, 3)),
    example(uniform(0.05, 0.95, 5, 3), uniform(0.0, 1.0, 5, 3), weight=[0.5, 2.0, 1.0], reduction="sum"),
    reference=_torch_weighted,
)
class BCELoss(Loss):
    """Binary cross-entropy of probabilities, such as a Sigmoid gives."""

    def __init__(self, weight: Sequence[float] | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of probabilities against targets, between 0 and 1, of the same shape."""
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


@losses.register(
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3)),
    example(normal(5, 3), uniform(0.0, 1.0, 5, 3), weight=[0.5, 2.0, 1.0], pos_weight=[3.0, 0.2, 1.0], reduction="sum"),
    reference=_torch_weighted,
)
class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits: that of their sigmoid, without its overflow."""

    def __init__(
        self,
        weight: Sequence[float] | None = None,
        reduction: Reduction = "mean",
        pos_weight: Sequence[float] | None = None,
    ) -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of logits against targets, between 0 and 1, of the same shape."""
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


def _torch_kl_div(torch: Any, loss: KLDivLoss) -> Any:
    """PyTorch's; its own mean comes with a warning that it is not what the mathematical definition asks for."""
    if loss.reduction == "mean":
        each = torch.nn.KLDivLoss(reduction="none", log_target=loss.log_target)
        return lambda x, target: each(x, target).mean()
    return torch.nn.KLDivLoss(**loss.options)


@losses.register(
    example(normal(5, 3), uniform(0.1, 1.0, 5, 3)),
    example(normal(5, 3), normal(5, 3), reduction="batchmean", log_target=True),
    reference=_torch_kl_div,
)
class KLDivLoss(Loss):
    """Kullback-Leibler divergence of log-probabilities from probabilities; ``batchmean`` is that of distributions."""

    def __init__(
        self, reduction: Literal["batchmean", "mean", "sum", "none"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__(cast(Reduction, reduction))
        self.log_target = log_target

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Compute the loss of log-probabilities against probabilities (or their logs) of the same shape."""
        return F.kl_div(input, target, self.reduction, self.log_target)
