"""Average pooling: a window slides over each image, and the mean of what it covers stands for it."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.dtypes import require_floating
from npnn_cli.autograd.ops.arguments import require_truth, require_whole
from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, primitive
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.autograd.ops.slabs import pool_means
from npnn_cli.autograd.ops.windows import windows_of
from npnn_cli.examples import example, normal


@primitive(
    example(normal(2, 3, 4, 6), kernel_size=2),
    example(normal(2, 3, 7, 5), kernel_size=(3, 2), stride=(2, 1), padding=(1, 0)),
    example(normal(2, 2, 5, 6), kernel_size=3, stride=2, padding=1, count_include_pad=False),
    example(normal(2, 2, 5, 8), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    example(normal(2, 2, 5, 8), kernel_size=(2, 3), stride=3, padding=1, ceil_mode=True, count_include_pad=False),
    example(normal(2, 2, 4, 6), kernel_size=(3, 2), divisor_override=5),
    example(normal(3, 4, 6), kernel_size=2),
    example(normal(0, 3, 4, 6), kernel_size=2),
)
def avg_pool2d(
    x: Array,
    /,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Answer:
    """Mean of each window of images (N, C, H, W) or (C, H, W).

    The padding is 0, and the stride is the kernel size unless given.
    The answer is (N, C, H_out, W_out) with H_out = (H + 2 padding - kernel height) / stride + 1, rounded down, or up in
    ``ceil_mode``. A window is divided by the elements in it, those of the padding counted unless
    ``count_include_pad`` is False, or by ``divisor_override``.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html.

    Raises:
        ValueError: if x is no batch of images, the window does not fit them, or the padding is more than half of it.
        TypeError: if x is not floating, or an option is no whole number.
    """
    require_floating(x, "avg_pool2d")
    kernel, padding = pair(kernel_size, "avg_pool2d: kernel_size"), pair(padding, "avg_pool2d: padding")
    stride = kernel if stride is None else pair(stride, "avg_pool2d: stride")
    rows, columns = windows_of("avg_pool2d", x, kernel, stride, padding, (1, 1), ceil_mode)
    require_truth(count_include_pad, "avg_pool2d: count_include_pad")
    if divisor_override is not None:
        require_whole(divisor_override, "avg_pool2d: divisor_override")
        if divisor_override == 0:
            raise ValueError("avg_pool2d: divisor_override must not be 0")
    if x.ndim == 3:
        options = (ceil_mode, count_include_pad, divisor_override)
        return of_one_sample(avg_pool2d(x[None], kernel, stride, padding, *options))
    divisor = np.asarray(divisor_override, x.dtype)
    if divisor_override is None:
        counts = np.outer(rows.sizes(count_include_pad), columns.sizes(count_include_pad))
        divisor = np.asarray(counts if (counts != counts[0, 0]).any() else counts[0, 0], x.dtype)
    return pool_means(x, rows.slabs, columns.slabs, divisor)
