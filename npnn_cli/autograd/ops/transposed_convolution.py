"""Transposed convolution: as a linear map, the transpose of a convolution."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.dtypes import require_one_dtype
from npnn_cli.autograd.ops.arguments import require_whole
from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.convolution import sum_of_channels
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put
from npnn_cli.autograd.ops.row_convolution import RowConvolution
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.examples import example, normal


@primitive(
    example(normal(2, 3, 4, 5), normal(3, 4, 3, 2), normal(4)),
    example(normal(2, 3, 4, 5), normal(3, 4, 2, 2), stride=2),
    example(normal(2, 3, 3, 4), normal(3, 2, 3, 3), normal(2), stride=(2, 3), padding=1, output_padding=(1, 2)),
    example(normal(2, 4, 3, 5), normal(4, 3, 3, 2), normal(6), stride=2, padding=(1, 0), groups=2, dilation=(1, 2)),
    example(normal(2, 3, 3, 4), normal(3, 2, 2, 3), normal(2), output_padding=(0, 2), dilation=(1, 3)),
    example(normal(3, 4, 5), normal(3, 4, 3, 2), normal(4), stride=2),
    example(normal(0, 3, 4, 5), normal(3, 4, 3, 2), normal(4)),
)
def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    /,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    groups: int = 1,
    dilation: int | Pair = 1,
) -> Answer:
    """Lay the filters (C, C_out/groups, kernel height, kernel width) down at each pixel of images; add up.

    The answer to images (N, C, H, W), or one (C, H, W), is (N, C_out, H_out, W_out), or (C_out, H_out, W_out), with
    H_out = (H - 1) stride - 2 padding + dilation (kernel height - 1) + output_padding + 1; bias is (C_out,).
    :func:`conv2d` of the same weight leads from the answer's shape to that of x. This is its derivative with respect to
    the images, so that their parts are exchanged: the derivative of this is conv2d.
    See https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html.

    Raises:
        ValueError: if the shapes do not fit one another, or the output_padding is as large as stride and dilation.
        TypeError: if the dtypes differ.
    """
    if x.ndim == 3:
        return of_one_sample(conv_transpose2d(x[None], weight, bias, stride, padding, output_padding, groups, dilation))
    stride, padding = pair(stride, "conv_transpose2d: stride"), pair(padding, "conv_transpose2d: padding")
    output_padding = pair(output_padding, "conv_transpose2d: output_padding")
    dilation = pair(dilation, "conv_transpose2d: dilation")
    require_whole(groups, "conv_transpose2d: groups")
    shape = _output_shape(x, weight, output_padding, stride, padding, dilation, groups)
    if bias is not None and bias.shape != shape[1:2]:
        raise ValueError(f"conv_transpose2d: expected a bias (C_out={shape[1]},), got shape {bias.shape}")
    require_one_dtype("conv_transpose2d", input=x, weight=weight, bias=bias)
    # An output_padding as large as the stride has room for more pixels than there are.
    laid, missing = x, [more // step for more, step in zip(output_padding, stride, strict=True)]
    if any(missing):
        laid = np.pad(x, ((0, 0), (0, 0), *((0, count) for count in missing)))
    convolution = RowConvolution(shape, weight.shape[2:], stride, padding, padding, dilation, groups)
    ans = convolution.transpose(laid, weight)
    if bias is not None:
        ans += bias[:, None, None]

    def differentiate(g: Array, gradients: Gradients) -> None:
        columns = convolution.columns(g) if 0 in gradients or 1 in gradients else g
        if 0 in gradients:
            put(gradients, 0, convolution.correlate(columns, weight)[:, :, : x.shape[2], : x.shape[3]])
        if 1 in gradients:
            put(gradients, 1, convolution.gradient_of_weight(columns, laid))
        if 2 in gradients:
            put(gradients, 2, sum_of_channels(g))

    return ans, Joint(differentiate)


def _output_shape(
    x: Array, weight: Array, output_padding: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[int, ...]:
    if weight.ndim != 4 or 0 in weight.shape[1:] or groups < 1 or len(weight) % groups or groups > len(weight):
        raise ValueError(
            f"conv_transpose2d: expected filters (C, C_out/groups, kernel height, kernel width) with C divisible by "
            f"groups={groups}, got shape {weight.shape}"
        )
    if x.ndim != 4 or x.shape[1] != len(weight) or 0 in x.shape[2:]:
        raise ValueError(f"conv_transpose2d: expected images (N, in_channels={len(weight)}, H, W), got shape {x.shape}")
    if min(*stride, *dilation) < 1 or min(*padding, *output_padding) < 0:
        raise ValueError(
            f"conv_transpose2d: stride and dilation must be at least 1, padding and output_padding at least 0, "
            f"got {stride}, {dilation}, {padding} and {output_padding}"
        )
    if any(more >= max(step, gap) for more, step, gap in zip(output_padding, stride, dilation, strict=True)):
        raise ValueError(
            f"conv_transpose2d: output_padding {output_padding} must be smaller than stride {stride} "
            f"or dilation {dilation}"
        )
    height, width = (
        (size - 1) * step - 2 * pad + gap * (kernel - 1) + more + 1
        for size, step, pad, gap, kernel, more in zip(
            x.shape[2:], stride, padding, dilation, weight.shape[2:], output_padding, strict=True
        )
    )
    if height < 1 or width < 1:
        raise ValueError(f"conv_transpose2d: images {x.shape[2:]} with padding {padding} would become {height, width}")
    return (len(x), weight.shape[1] * groups, height, width)
