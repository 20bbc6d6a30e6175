"""Where the windows of a pooling lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from npnn_cli.autograd.ops.primitive import Array


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

    def places(self) -> Iterator[slice]:
        """For each place in a window: the elements that all windows have in that place."""
        for place in range(0, self.reach, self.dilation):
            yield slice(place, place + (self.count - 1) * self.stride + 1, self.stride)

    def sizes(self, include_padding: bool) -> Array:
        """How many elements each window covers, without dilation."""
        starts = np.arange(self.count) * self.stride - self.padding
        ends = np.minimum(starts + self.kernel, self.size + self.padding)
        return ends - starts if include_padding else np.minimum(ends, self.size) - np.maximum(starts, 0)
