"""Adaptive pooling: the size of the answer is given, and the windows follow from it."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops.arguments import is_whole
from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.slabs import adaptive, pool_maxima, pool_means
from npnn_cli.autograd.ops.windows import check_images
from npnn_cli.examples import distinct, example, normal

OutputSize = int | tuple[int | None, int | None] | None


def output_pair(op: str, x: Array, output_size: OutputSize) -> tuple[int, int]:
    """Height and width of the answer, given as one number or as two; None keeps that of x.

    Raises:
        ValueError: if x is no batch of images and no image, or a size is less than 1 or too big for any array.
        MemoryError: if there is no memory for the answer.
        TypeError: if x is not floating, or a size is no whole number.
    """
    check_images(op, x)
    require_floating(x, op)
    wanted = output_size if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(wanted) != 2 or not all(each is None or is_whole(each) for each in wanted):
        raise TypeError(f"{op}: output_size must be a whole number or None, or two of them, got {output_size!r}")
    height, width = (size if each is None else each for each, size in zip(wanted, x.shape[-2:], strict=True))
    if height < 1 or width < 1:
        raise ValueError(f"{op}: output_size must be at least 1, got {output_size}")
    np.empty((*x.shape[:-2], height, width), x.dtype)  # refuses what is too big before its windows are counted
    return height, width


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
        ValueError, TypeError: as :func:`output_pair` does.
    """
    height, width = output_pair("adaptive_avg_pool2d", x, output_size)
    if x.ndim == 3:
        return of_one_sample(adaptive_avg_pool2d(x[None], (height, width)))
    rows, columns = adaptive(x.shape[2], height), adaptive(x.shape[3], width)
    return pool_means(x, rows, columns, np.outer(rows.lengths, columns.lengths).astype(x.dtype))


@primitive(
    example(distinct(2, 3, 7, 5), output_size=(3, 2)),
    example(distinct(2, 3, 4, 6), output_size=1),
    example(distinct(2, 3, 4, 2), output_size=(None, 3)),
    example(distinct(3, 7, 5), output_size=2),
    example(distinct(0, 3, 7, 5), output_size=2),
    reference=lambda torch, x, output_size: torch.nn.functional.adaptive_max_pool2d(x, output_size),
)
def adaptive_max_pool2d(x: Array, /, output_size: OutputSize) -> Answer:
    """Greatest element of each of ``output_size`` windows that cover images (N, C, H, W) or (C, H, W).

    Of equal elements the first takes the gradient.

    See https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html.

    Raises:
        ValueError, TypeError: as :func:`output_pair` does.
    """
    height, width = output_pair("adaptive_max_pool2d", x, output_size)
    if x.ndim == 3:
        return of_one_sample(adaptive_max_pool2d(x[None], (height, width)))
    return pool_maxima(x, adaptive(x.shape[2], height), adaptive(x.shape[3], width))
