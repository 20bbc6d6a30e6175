"""Pooling: a window slides over each image, and one number stands for what it covers."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.dtypes import refuse_booleans
from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.autograd.ops.slabs import pool_maxima
from npnn_cli.autograd.ops.windows import windows_of
from npnn_cli.examples import distinct, example


@primitive(
    example(distinct(2, 3, 4, 6), kernel_size=2),
    example(distinct(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1)),
    example(distinct(2, 2, 5, 6), kernel_size=3, stride=2, padding=1),
    example(distinct(2, 1, 6, 5), kernel_size=2, stride=3),
    example(distinct(2, 2, 7, 8), kernel_size=(3, 2), stride=1, dilation=(2, 3)),
    example(distinct(2, 2, 5, 8), kernel_size=2, stride=3, padding=1, ceil_mode=True),
    example(distinct(3, 4, 6), kernel_size=2),
    example(distinct(0, 3, 4, 6), kernel_size=2),
    reference=lambda torch, x, **options: torch.nn.functional.max_pool2d(x, **options),  # the function has indices, too
)
def max_pool2d(
    x: Array,
    /,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
) -> Answer:
    """Greatest element of each window of images (N, C, H, W), or of one image (C, H, W).

    The padding is -inf, or of whole numbers the least, and the stride is the kernel size unless given. ``dilation`` is
    the distance between the elements in a window; in ``ceil_mode``, a last window may stick out. Of equal elements the
    first takes the gradient. A window with nan hands none on, where PyTorch gives it to the last nan; and a gradient
    that is not finite is nan for the elements that are not chosen, where PyTorch has 0: both would take another pass.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html.

    Raises:
        ValueError: if x is no batch of images, the window does not fit them, or the padding is more than half of it.
        TypeError: if x holds no numbers, or an option is none.
    """
    refuse_booleans(x, "max_pool2d")
    kernel = pair(kernel_size, "max_pool2d: kernel_size")
    stride = kernel if stride is None else pair(stride, "max_pool2d: stride")
    padding, dilation = pair(padding, "max_pool2d: padding"), pair(dilation, "max_pool2d: dilation")
    rows, columns = windows_of("max_pool2d", x, kernel, stride, padding, dilation, ceil_mode)
    if x.ndim == 3:
        return of_one_sample(max_pool2d(x[None], kernel, stride, padding, dilation, ceil_mode))
    inside = (..., rows.inside, columns.inside)
    padded = x
    if (rows.extent, columns.extent) != x.shape[2:]:
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        padded = np.full_like(x, least, shape=(*x.shape[:2], rows.extent, columns.extent))
        padded[inside] = x

    ans, gradient = pool_maxima(padded, rows.padded_slabs, columns.padded_slabs)
    return ans, lambda g: np.asarray(gradient(g)[inside])
