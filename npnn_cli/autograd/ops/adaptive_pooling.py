"""Adaptive pooling: the size of the answer is given, and the windows follow from it."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.examples import distinct, example, normal

OutputSize = int | tuple[int | None, int | None] | None


def output_pair(output_size: OutputSize, shape: tuple[int, ...], op: str) -> tuple[int, int]:
    """Height and width of the answer, given as one number or as two; None keeps the input's (N, C, H, W).

    Raises:
        ValueError: if the input is no batch of images, or a size is less than 1.
    """
    if len(shape) != 4 or 0 in shape[1:]:
        raise ValueError(f"{op}: expected images (N, C, H, W) or (C, H, W), got shape {shape}")
    wanted = output_size if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(wanted) != 2 or not all(each is None or isinstance(each, int | np.integer) for each in wanted):
        raise TypeError(f"{op}: output_size must be a whole number or None, or two of them, got {output_size!r}")
    height, width = (size if each is None else each for each, size in zip(wanted, shape[2:], strict=True))
    if height < 1 or width < 1:
        raise ValueError(f"{op}: output_size must be at least 1, got {output_size}")
    return height, width


def adaptive_windows(size: int, count: int) -> list[slice]:
    """The windows of ``count`` results along a direction of this size: the i-th is floor(i s/c) to ceil((i+1) s/c)."""
    return [slice(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _length(window: slice) -> int:
    return int(window.stop - window.start)


@primitive(
    example(normal(2, 3, 7, 5), output_size=(3, 2)),
    example(normal(2, 3, 4, 6), output_size=1),
    example(normal(2, 3, 4, 2), output_size=(None, 3)),
    example(normal(3, 7, 5), output_size=2),
    example(normal(0, 3, 7, 5), output_size=2),
)
def adaptive_avg_pool2d(x: Array, /, output_size: OutputSize) -> Answer:
    """Mean of each of ``output_size`` windows that cover images (N, C, H, W) or (C, H, W).

    See https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html.

    Raises:
        ValueError: if x is no batch of images, or a size is less than 1.
    """
    if x.ndim == 3:
        return of_one_sample(adaptive_avg_pool2d(x[None], output_size))
    height, width = output_pair(output_size, x.shape, "adaptive_avg_pool2d")
    rows, columns = adaptive_windows(x.shape[2], height), adaptive_windows(x.shape[3], width)
    divisor = np.array([[float(_length(i) * _length(j)) for j in columns] for i in rows], x.dtype)
    of_rows = np.stack([x[:, :, window].sum(axis=2) for window in rows], axis=2)
    ans = np.stack([of_rows[..., window].sum(axis=3) for window in columns], axis=3)
    ans /= divisor

    def gradient(g: Array) -> Array:
        share = g / divisor
        of_rows = np.zeros((*g.shape[:3], x.shape[3]), g.dtype)
        for j, window in enumerate(columns):
            of_rows[..., window] += share[..., j, None]
        spread = np.zeros(x.shape, g.dtype)
        for i, window in enumerate(rows):
            spread[:, :, window] += of_rows[:, :, i, None]
        return spread

    return ans, gradient


@primitive(
    example(distinct(2, 3, 7, 5), output_size=(3, 2)),
    example(distinct(2, 3, 4, 6), output_size=1),
    example(distinct(2, 3, 4, 2), output_size=(None, 3)),
    example(distinct(3, 7, 5), output_size=2),
    example(distinct(0, 3, 7, 5), output_size=2),
)
def adaptive_max_pool2d(x: Array, /, output_size: OutputSize) -> Answer:
    """Greatest element of each of ``output_size`` windows that cover images (N, C, H, W) or (C, H, W).

    Of equal elements the first takes the gradient.

    See https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html.

    Raises:
        ValueError: if x is no batch of images, or a size is less than 1.
    """
    if x.ndim == 3:
        return of_one_sample(adaptive_max_pool2d(x[None], output_size))
    height, width = output_pair(output_size, x.shape, "adaptive_max_pool2d")
    rows, columns = adaptive_windows(x.shape[2], height), adaptive_windows(x.shape[3], width)
    ans = np.empty((*x.shape[:2], height, width), x.dtype)
    chosen = np.empty(ans.shape, np.intp)  # position in the window, row by row
    for i, j in np.ndindex(height, width):
        window = x[:, :, rows[i], columns[j]]
        window = window.reshape(*x.shape[:2], _length(rows[i]) * _length(columns[j]))
        chosen[:, :, i, j] = window.argmax(axis=-1)
        ans[:, :, i, j] = np.take_along_axis(window, chosen[:, :, i, j, None], axis=-1)[..., 0]

    def gradient(g: Array) -> Array:
        spread = np.zeros(x.shape, g.dtype)
        sample, channel = np.ogrid[: len(x), : x.shape[1]]
        for i, j in np.ndindex(height, width):
            row, column = np.divmod(chosen[:, :, i, j], _length(columns[j]))
            spread[sample, channel, row + rows[i].start, column + columns[j].start] += g[:, :, i, j]
        return spread

    return ans, gradient
