"""Where the greatest element of each window of a max-pooling stands."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.ops.slabs import Slabs


def places_of_maxima(images: Array, rows: Slabs, columns: Slabs) -> Array:
    """The place of the greatest element of each window of images (..., H, W), counted along the rows of its image.

    It is that of the first of equals, but of the last nan if there are any, as in PyTorch.
    """
    height, width = images.shape[-2:]
    of_rows, places = _maxima(images, np.broadcast_to(np.arange(width), images.shape), columns)
    places += np.arange(height)[:, None] * width
    _, places = _maxima(of_rows.swapaxes(-1, -2), places.swapaxes(-1, -2), rows)
    return places.swapaxes(-1, -2)


def _maxima(x: Array, places: Array, slabs: Slabs) -> tuple[Array, Array]:
    """The greatest element of each window along the last axis, and its place."""
    shape = (*x.shape[:-1], slabs.count)
    greatest, found = np.empty(shape, x.dtype), np.full(shape, -1)
    for windows, elements in slabs.groups:
        so_far, at = greatest[..., windows], found[..., windows]
        for element in elements:
            value = x[..., element]
            better = (at < 0) | (value > so_far) | (value != value)  # a nan is better than all
            np.copyto(so_far, value, where=better)
            np.copyto(at, places[..., element], where=better)
    return greatest, found
