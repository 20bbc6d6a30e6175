"""Where the windows of a pooling lie, and what has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npnn_cli.autograd.ops.arguments import require_truth
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.ops.slabs import Slabs, sliding


@dataclass(frozen=True)
class Windows:
    """The windows along one direction of images of this size.

    ``dilation`` is the distance between the elements in a window. In ``ceil_mode``, one more window may stick out.
    """

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def reach(self) -> int:
        """How far a window reaches."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def count(self) -> int:
        """How many windows there are."""
        steps, rest = divmod(self.size + 2 * self.padding - self.reach, self.stride)
        # The one that sticks out must not begin beyond the image.
        more = self.ceil_mode and rest > 0 and (steps + 1) * self.stride < self.size + self.padding
        return steps + 1 + more

    @property
    def extent(self) -> int:
        """Size with all padding that windows reach."""
        return max(self.padding + self.size, (self.count - 1) * self.stride + self.reach)

    @property
    def inside(self) -> slice:
        """Where the image lies in its padding."""
        return slice(self.padding, self.padding + self.size)

    @property
    def slabs(self) -> Slabs:
        """The elements that windows have in the same place, for each place, without the padding."""
        return sliding(self.size, self.count, self.kernel, self.stride, self.dilation, self.padding)

    @property
    def padded_slabs(self) -> Slabs:
        """The same of an image with its padding."""
        return sliding(self.extent, self.count, self.kernel, self.stride, self.dilation)

    def sizes(self, include_padding: bool) -> Array:
        """How many elements each window covers, without dilation."""
        starts = np.arange(self.count) * self.stride - self.padding
        ends = np.minimum(starts + self.kernel, self.size + self.padding)
        return ends - starts if include_padding else np.minimum(ends, self.size) - np.maximum(starts, 0)


def windows_of(
    op: str,
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> list[Windows]:
    """The windows along each direction of signals or images, an array or a tensor; the other options say how many.

    Raises:
        ValueError: if x is neither, an option is out of range, or a window does not fit.
        TypeError: if ``ceil_mode`` is no truth value.
    """
    check_images(op, x, len(kernel))
    require_truth(ceil_mode, f"{op}: ceil_mode")
    for name, numbers in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(numbers) < 1:
            raise ValueError(f"{op}: {name} must be at least 1, got {_told(numbers)}")
    if any(not 0 <= pad <= size // 2 for pad, size in zip(padding, kernel, strict=True)):
        raise ValueError(
            f"{op}: padding {_told(padding)} must be between 0 and half of kernel_size {_told(kernel)}, rounded down"
        )
    sizes = x.shape[-len(kernel) :]
    windows = [
        Windows(*of_direction, ceil_mode) for of_direction in zip(sizes, kernel, stride, padding, dilation, strict=True)
    ]
    if any(along.count < 1 for along in windows):
        apart = f" with dilation {_told(dilation)}" if max(dilation) > 1 else ""
        raise ValueError(
            f"{op}: kernel_size {_told(kernel)}{apart} is larger than the input of shape {x.shape} "
            f"with padding {_told(padding)}"
        )
    return windows


def check_images(op: str, x: Any, directions: int = 2) -> None:
    """Refuse what are no images, or with one direction no signals: an array or a tensor.

    Raises:
        ValueError: saying so.
    """
    what, sizes = ("signals", "L") if directions == 1 else ("images", "H, W")
    if x.ndim not in (directions + 1, directions + 2) or 0 in x.shape[-directions - 1 :]:
        raise ValueError(f"{op}: expected {what} (N, C, {sizes}) or (C, {sizes}), got shape {x.shape}")


def _told(numbers: Sequence[int]) -> str:
    """Of signals one number, of images two."""
    return str(numbers[0] if len(numbers) == 1 else tuple(numbers))
