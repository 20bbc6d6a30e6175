"""Padding layers: what surrounds signals (N, C, L) and images (N, C, H, W).

``padding`` is one number for all sides, or one for each: left, right and, of images, top and bottom. What is negative
is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from npnn_cli import functional as F
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.module import Module
from npnn_cli.registry import layers

__all__ = ["CircularPad1d", "CircularPad2d", "ConstantPad1d", "ConstantPad2d", "ReflectionPad1d", "ReflectionPad2d"]
__all__ += ["ReplicationPad1d", "ReplicationPad2d", "ZeroPad1d", "ZeroPad2d"]

_SIGNALS = (example(normal(2, 3, 5), padding=2), example(normal(2, 3, 5), padding=(3, 0)))
_IMAGES = (example(normal(2, 3, 4, 5), padding=2), example(normal(2, 3, 4, 5), padding=(1, 0, 3, 2)))


class _Padding(Module):
    """Surround the last dimensions: one of signals, two of images."""

    mode: ClassVar[Literal["constant", "reflect", "replicate", "circular"]] = "constant"
    value: float | None = None
    padding: Sequence[int]

    def _pad(self, padding: int | Sequence[int], sides: int) -> None:
        self.padding = padding if isinstance(padding, Sequence) else (padding,) * sides

    def forward(self, input: Tensor) -> Tensor:
        """Pad a batch.

        Raises:
            ValueError: if the input has too few dimensions, or is too small.
        """
        if input.ndim <= len(self.padding) // 2:
            shape = "(N, C, H, W)" if len(self.padding) == 4 else "(N, C, L)"
            raise ValueError(f"{type(self).__name__}: expected an input {shape}, got shape {input.shape}")
        return F.pad(input, self.padding, self.mode, self.value)


class _Padding1d(_Padding):
    def __init__(self, padding: int | tuple[int, int]) -> None:
        self._pad(padding, sides=2)


class _Padding2d(_Padding):
    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        self._pad(padding, sides=4)


@layers.register(*_SIGNALS, example(normal(2, 3, 5), padding=(-1, 2)))
class ZeroPad1d(_Padding1d):
    """Surround signals with zeros."""


@layers.register(*_IMAGES, example(normal(2, 3, 4, 5), padding=(-1, 2, 1, -2)))
class ZeroPad2d(_Padding2d):
    """Surround images with zeros."""


@layers.register(example(normal(2, 3, 5), padding=2, value=1.5), example(normal(2, 3, 5), padding=(-1, 2), value=-2.0))
class ConstantPad1d(_Padding):
    """Surround signals with a number."""

    def __init__(self, padding: int | tuple[int, int], value: float) -> None:
        self._pad(padding, sides=2)
        self.value = value


@layers.register(
    example(normal(2, 3, 4, 5), padding=2, value=1.5), example(normal(2, 3, 4, 5), padding=(-1, 0, 3, 2), value=-2.0)
)
class ConstantPad2d(_Padding):
    """Surround images with a number."""

    def __init__(self, padding: int | tuple[int, int, int, int], value: float) -> None:
        self._pad(padding, sides=4)
        self.value = value


@layers.register(*_SIGNALS)
class ReflectionPad1d(_Padding1d):
    """Surround signals with their own mirror images; the outermost elements are not repeated."""

    mode = "reflect"


@layers.register(*_IMAGES)
class ReflectionPad2d(_Padding2d):
    """Surround images with their own mirror images; the outermost rows and columns are not repeated."""

    mode = "reflect"


@layers.register(*_SIGNALS)
class ReplicationPad1d(_Padding1d):
    """Surround signals with copies of their first and last element."""

    mode = "replicate"


@layers.register(*_IMAGES)
class ReplicationPad2d(_Padding2d):
    """Surround images with copies of their outermost rows and columns."""

    mode = "replicate"


@layers.register(*_SIGNALS)
class CircularPad1d(_Padding1d):
    """Surround signals with what stands at their other end."""

    mode = "circular"


@layers.register(*_IMAGES)
class CircularPad2d(_Padding2d):
    """Surround images with what stands at their other side."""

    mode = "circular"
