"""Where the windows of a pooling lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
