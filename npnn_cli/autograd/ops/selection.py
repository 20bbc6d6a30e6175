"""Choice of some elements of a gradient."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.primitive import Array

_BITS = {dtype.itemsize: dtype for dtype in map(np.dtype, (np.int16, np.int32, np.int64))}


def selected(g: Array, mask: Array) -> Array:
    """The elements of floats g where the boolean mask is true, and 0 elsewhere; the two broadcast.

    Unlike in the product of the two, inf and nan that are not chosen become 0 as well, as in PyTorch. What is masked
    are the bits of the numbers: that takes as long as the product, and np.where, whose branches mispredict, ten times
    as long.
    """
    bits = _BITS.get(g.itemsize)
    if bits is None:  # of a long double
        return np.where(mask, g, 0)
    chosen: Array = np.bitwise_and(g.view(bits), -mask.view(np.int8), dtype=bits)
    return chosen.view(g.dtype)
