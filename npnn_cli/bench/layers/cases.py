"""Which layers are timed, and at what size: each as it ordinarily stands in a small network, for a batch of 64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npnn_cli import nn, registry
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.options import takes_rng

BATCH = 64
FEATURES = (BATCH, 256)
SEQUENCE = (BATCH, 32, 64)  # what a layer norm of PyTorch's kind expects: (N, length, features)
SIGNAL = (BATCH, 16, 128)
LARGE_IMAGES = (BATCH, 16, 28, 28)
IMAGES = (BATCH, 32, 14, 14)
SMALL_IMAGES = (BATCH, 64, 7, 7)


@dataclass(frozen=True)
class LayerCase:
    """A layer to be timed on an input.

    Attributes:
        type: the name under which the layer is registered.
        input_shape: of a batch.
        arguments: the first arguments of its constructor.
        options: the others, by name.
    """

    type: str
    input_shape: tuple[int, ...]
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    dtype = "float32"

    def __str__(self) -> str:
        """The layer as Python, ``Conv2d(16, 32, 3, padding=1)``, and its input."""
        return f"{self.layer} on {self.shape}"

    @property
    def layer(self) -> str:
        """The layer as Python."""
        arguments = [*map(repr, self.arguments), *(f"{name}={value!r}" for name, value in self.options.items())]
        return f"{self.type}({', '.join(arguments)})"

    @property
    def shape(self) -> str:
        """The shape of the input in words."""
        return " \N{MULTIPLICATION SIGN} ".join(map(str, self.input_shape))

    @property
    def has_places(self) -> bool:
        """Whether a sample has places, as images, signals and sequences have; else it is a row of features."""
        return len(self.input_shape) > 2

    def build(self) -> nn.Module:
        """The layer in training mode; whoever builds it gets the same weights."""
        component = registry.layers[self.type].component
        rng = {"rng": np.random.default_rng(0)} if takes_rng(component) else {}
        layer: nn.Module = component(*self.arguments, **self.options, **rng)
        return layer.to(self.dtype)

    def input(self) -> Array:
        """A batch of standard normal numbers."""
        return np.random.default_rng(1).standard_normal(self.input_shape, np.float32)

    @staticmethod
    def upstream(output: Array) -> Array:
        """The gradient of the loss with respect to an output: standard normal numbers."""
        return np.random.default_rng(2).standard_normal(output.shape, np.float32)


def _case(type: str, input_shape: tuple[int, ...], *arguments: Any, **options: Any) -> LayerCase:
    return LayerCase(type, input_shape, arguments, options)


_CASES = (
    _case("Linear", (BATCH, 784), 784, 64),
    _case("Linear", FEATURES, 256, 256),
    _case("Conv2d", LARGE_IMAGES, 16, 32, 3, padding=1),
    _case("Conv2d", IMAGES, 32, 64, 3, padding=1),
    _case("Conv2d", LARGE_IMAGES, 16, 32, 3, stride=2, padding=1),
    _case("Conv2d", IMAGES, 32, 64, 3, padding=1, groups=4),
    _case("Conv2d", IMAGES, 32, 32, 3, padding=1, groups=32),
    _case("Conv1d", SIGNAL, 16, 32, 5, padding=2),
    _case("ConvTranspose2d", SMALL_IMAGES, 64, 32, 2, stride=2),
    _case("MaxPool2d", LARGE_IMAGES, 2),
    _case("MaxPool2d", LARGE_IMAGES, 3, stride=2, padding=1),
    _case("AvgPool2d", LARGE_IMAGES, 2),
    _case("AvgPool2d", LARGE_IMAGES, 3, stride=2, padding=1),
    _case("AdaptiveAvgPool2d", SMALL_IMAGES, 1),
    _case("AdaptiveAvgPool2d", IMAGES, 4),
    _case("AdaptiveMaxPool2d", SMALL_IMAGES, 1),
    _case("AdaptiveMaxPool2d", IMAGES, 4),
    _case("Upsample", SMALL_IMAGES, scale_factor=2.0),
    _case("BatchNorm1d", FEATURES, 256),
    _case("BatchNorm2d", IMAGES, 32),
    _case("LayerNorm", FEATURES, 256),
    _case("LayerNorm", SEQUENCE, 64),
    _case("GroupNorm", IMAGES, 8, 32),
    _case("RMSNorm", FEATURES, 256),
    _case("ReLU", FEATURES),
    _case("ReLU", IMAGES),
    _case("GELU", FEATURES),
    _case("GELU", IMAGES),
    _case("GELU", FEATURES, approximate="tanh"),
    _case("GELU", IMAGES, approximate="tanh"),
    _case("SiLU", FEATURES),
    _case("SiLU", IMAGES),
    _case("Tanh", FEATURES),
    _case("Sigmoid", FEATURES),
    _case("Softmax", FEATURES, dim=-1),
    _case("Dropout", FEATURES, 0.5),
    _case("Dropout", IMAGES, 0.5),
    _case("Dropout2d", IMAGES, 0.5),
)

CASES = {str(case): case for case in _CASES}
"""All of them, by what they are in words."""


def cases_of(types: Sequence[str]) -> list[LayerCase]:
    """The cases of layers of these types, or all.

    Raises:
        UnknownNameError: if no layer of a type is timed.
    """
    timed = {case.type for case in _CASES}
    for name in types:
        if name not in timed:
            hint = registry.did_you_mean(name, timed) or f"; timed are {', '.join(sorted(timed))}"
            raise registry.UnknownNameError(f"no layer '{name}' is timed{hint}")
    return [case for case in _CASES if not types or case.type in types]
