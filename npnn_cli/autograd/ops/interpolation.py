"""Interpolation, the opposite of pooling."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import numpy as np

from npnn_cli.autograd.ops.arguments import is_whole, require_number, require_truth
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.slabs import Slabs, irregular, sliding, spread, sums
from npnn_cli.examples import example, normal


@primitive(
    example(normal(2, 3, 4, 3), scale_factor=2),
    example(normal(2, 3, 4, 3), scale_factor=(0.6, 1.7)),
    example(normal(2, 3, 4, 5), size=(7, 3)),
    example(normal(2, 3, 4), size=6, mode="nearest"),
    example(normal(2, 3, 4, 3), scale_factor=(0.6, 1.7), recompute_scale_factor=True),
)
def interpolate(
    x: Array,
    /,
    size: int | tuple[int, ...] | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: Literal["nearest"] = "nearest",
    align_corners: None = None,
    recompute_scale_factor: bool | None = None,
) -> Answer:
    """Resize signals (N, C, L) or images (N, C, H, W): each element of the answer is the nearest one of x.

    Element i of n over an x of size s is its element floor(i s/n), or floor(i / scale_factor) if that is given; but of
    small images that by such a factor keep their size, or double it, the element floor(i s/n), as in PyTorch. With
    ``recompute_scale_factor`` it is always that. Corners can be aligned in no mode that there is.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html.

    Raises:
        ValueError: if not just one of size and scale_factor is given, they do not fit, or the mode is another.
        TypeError: if x is neither floating nor uint8, or a size or a factor is no number.
    """
    _check(x, size, scale_factor, mode, align_corners, recompute_scale_factor)
    spatial = x.shape[2:]
    scales = _for_each("scale_factor", scale_factor, spatial)
    sizes = [math.floor(old * scale) for old, scale in zip(spatial, scales, strict=True)]
    sizes = sizes if size is None else _for_each("size", size, spatial)
    if min(sizes) < 1 or 0 in x.shape[1:]:
        raise ValueError(f"interpolate: sizes must be at least 1, got {x.shape} to become (..., {tuple(sizes)})")
    # Where rounding decides, it is PyTorch's: for images of float64 too, single precision up to this height + width.
    small = len(spatial) == 2 and sum(sizes) <= 128
    precision = np.dtype(np.float32) if small else np.promote_types(x.dtype, np.float32)
    windows = []  # of the answer's elements to which the same element of x is nearest
    for old, new, scale in zip(spatial, sizes, scales, strict=True):
        by_size = size is not None or recompute_scale_factor or (small and new in (old, 2 * old))
        places = np.arange(new, dtype=precision) * precision.type(old / new if by_size else 1 / scale)
        nearest = np.minimum(np.floor(places.astype(np.float32)).astype(int), old - 1)
        windows.append(_windows_of_nearest(nearest, old))

    ans = x
    for axis, of_elements in enumerate(windows, start=2):
        ans = spread(ans, axis, of_elements)

    def gradient(g: Array) -> Array:
        for axis, of_elements in reversed(list(enumerate(windows, start=2))):
            g = sums(g, axis, of_elements)
        return g

    return ans, gradient


def _windows_of_nearest(nearest: Array, count: int) -> Slabs:
    """For each of so many elements, the window of places to which it is nearest; ``nearest`` increases."""
    size = len(nearest)
    if size % count == 0 and (nearest == np.arange(size) // (size // count)).all():
        return sliding(size, count, size // count, size // count)
    starts = np.searchsorted(nearest, np.arange(count + 1)).tolist()
    return irregular(size, [range(*ends) for ends in itertools.pairwise(starts)], overlap=False)


def _for_each(name: str, value: Any, spatial: tuple[int, ...]) -> list[Any]:
    values = list(value) if isinstance(value, tuple | list) else [1 if value is None else value] * len(spatial)
    if len(values) != len(spatial):
        raise ValueError(
            f"interpolate: {name} must have {len(spatial)} numbers, one for each of {spatial}, got {value}"
        )
    return values


def _check(x: Array, size: Any, scale_factor: Any, mode: str, align_corners: Any, recompute_scale_factor: Any) -> None:
    if mode != "nearest":
        raise ValueError(f"interpolate: mode must be 'nearest', got {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"interpolate: expected either size or scale_factor, got {size=}, {scale_factor=}")
    if not 3 <= x.ndim <= 5:
        raise ValueError(f"interpolate: expected an input (N, C, ...) of 3 to 5 dimensions, got shape {x.shape}")
    if x.dtype.kind != "f" and x.dtype != np.uint8:
        raise TypeError(f"interpolate: input must be floating or uint8, got {x.dtype}")
    scales = _for_each("scale_factor", scale_factor, x.shape[2:])
    for scale in scales:
        require_number(scale, "interpolate: scale_factor")
    if not all(0 < scale < math.inf for scale in scales):
        raise ValueError(f"interpolate: scale_factor must be numbers above 0, got {scale_factor!r}")
    if not all(map(is_whole, _for_each("size", size, x.shape[2:]))):
        raise TypeError(f"interpolate: size must be whole numbers, got {size!r}")
    if align_corners is not None:
        raise ValueError(f"interpolate: align_corners must be None for mode 'nearest', got {align_corners!r}")
    if recompute_scale_factor is not None:
        require_truth(recompute_scale_factor, "interpolate: recompute_scale_factor")
    if recompute_scale_factor and size is not None:
        raise ValueError(f"interpolate: recompute_scale_factor is for a scale_factor, got {size=}")
