"""Pooling: a window slides over each image, and one number stands for what it covers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.examples import distinct, example


@primitive(
    example(distinct(2, 3, 4, 6), kernel_size=2),
    example(distinct(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1)),
    example(distinct(2, 2, 5, 6), kernel_size=3, stride=2, padding=1),
    example(distinct(2, 1, 6, 5), kernel_size=2, stride=3),
    example(distinct(3, 4, 6), kernel_size=2),
    example(distinct(0, 3, 4, 6), kernel_size=2),
)
def max_pool2d(
    x: Array, /, kernel_size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Answer:
    """Greatest element of each window of images (N, C, H, W), or of one image (C, H, W).

    The padding is -inf, and the stride is the kernel size unless given. Of equal elements the first takes the gradient.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html.

    Raises:
        ValueError: if x is no batch of images, the window does not fit them, or the padding is more than half of it.
    """
    if x.ndim == 3:
        return of_one_sample(max_pool2d(x[None], kernel_size, stride, padding))
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"max_pool2d: expected images (N, C, H, W) or (C, H, W), got shape {x.shape}")
    kernel, padding = pair(kernel_size), pair(padding)
    stride = kernel if stride is None else pair(stride)
    if min(*kernel, *stride) < 1:
        raise ValueError(f"max_pool2d: kernel_size and stride must be at least 1, got {kernel} and {stride}")
    if not (0 <= padding[0] <= kernel[0] // 2 and 0 <= padding[1] <= kernel[1] // 2):
        raise ValueError(f"max_pool2d: padding {padding} must be between 0 and half of kernel_size {kernel}")
    (top, left), (height, width) = padding, x.shape[2:]
    if height + 2 * top < kernel[0] or width + 2 * left < kernel[1]:
        raise ValueError(f"max_pool2d: kernel_size {kernel} is larger than the padded images of shape {x.shape}")
    padded = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)), constant_values=-np.inf) if top or left else x

    slabs = [padded[:, :, rows, columns] for rows, columns in _slabs(padded.shape, kernel, stride)]
    ans = slabs[0].copy(order="K")
    for slab in slabs[1:]:
        np.maximum(ans, slab, out=ans)

    windows_overlap = kernel[0] > stride[0] or kernel[1] > stride[1]

    def gradient(g: Array) -> Array:
        spread = np.zeros_like(padded)
        unclaimed = np.ones_like(ans, dtype=bool)
        for slab, (rows, columns) in zip(slabs, _slabs(padded.shape, kernel, stride), strict=True):
            claimed = (slab >= ans) & unclaimed
            unclaimed ^= claimed
            place = spread[:, :, rows, columns]
            if windows_overlap:
                place += g * claimed
            else:
                np.multiply(g, claimed, out=place)
        return spread[:, :, top : top + height, left : left + width]

    return ans, gradient


def _slabs(shape: tuple[int, ...], kernel: Pair, stride: Pair) -> Iterator[tuple[slice, slice]]:
    """For each place in the window: the rows and columns of the images that all windows have in that place."""
    height, width = ((shape[2] - kernel[0]) // stride[0] + 1, (shape[3] - kernel[1]) // stride[1] + 1)
    for i, j in np.ndindex(kernel):
        yield (
            slice(i, i + (height - 1) * stride[0] + 1, stride[0]),
            slice(j, j + (width - 1) * stride[1] + 1, stride[1]),
        )
