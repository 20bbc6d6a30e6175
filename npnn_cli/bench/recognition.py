"""Which specs ask for what every library means by a name, without the variants that only some of them have."""

from __future__ import annotations

from npnn_cli import registry
from npnn_cli.spec import ComponentSpec, RunSpec, with_defaults

ADAM_EVERYWHERE = {"lr", "betas", "eps", "weight_decay"}


def minimizes_cross_entropy(spec: RunSpec) -> bool:
    """Whether the loss is the mean cross-entropy against classes, unweighted and unsmoothed.

    Args:
        spec: with all options filled in.
    """
    return spec.loss == with_defaults(ComponentSpec(type="CrossEntropyLoss"), registry.losses)


def follows_adam(spec: RunSpec) -> bool:
    """Whether the optimizer is Adam as it was published, with weight decay added to the gradient.

    Args:
        spec: with all options filled in.
    """
    published = {name: value for name, value in spec.optimizer.options.items() if name in ADAM_EVERYWHERE}
    return spec.optimizer == with_defaults(ComponentSpec(type="Adam", options=published), registry.optimizers)
