"""Convolution as a product of matrices.

Every output pixel is the product of the filters with the window of the input beneath them. Laid side by side, the
windows are the columns of a matrix (im2col), and the whole convolution is one product: filters @ columns.
How the columns are laid out so that most of them need no copy: :mod:`npnn_cli.autograd.ops.row_convolution`.
See https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put, refuse_mixed
from npnn_cli.autograd.ops.row_convolution import RowConvolution, batch_innermost
from npnn_cli.autograd.ops.sizes import Pair, pair
from npnn_cli.autograd.ops.sums import sum_of
from npnn_cli.examples import example, normal

Padding = int | Pair | Literal["same", "valid"]


@primitive(
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 2), normal(4)),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 3), padding=1),
    example(normal(2, 3, 7, 6), normal(4, 3, 3, 2), normal(4), stride=(2, 3), padding=(1, 0)),
    example(normal(1, 1, 4, 5), normal(2, 1, 1, 1), stride=2),
    example(normal(2, 3, 7, 8), normal(4, 3, 3, 2), normal(4), stride=(2, 1), padding=1, dilation=(2, 3)),
    example(normal(2, 4, 5, 6), normal(6, 2, 3, 2), normal(6), groups=2),
    example(normal(2, 3, 6, 5), normal(3, 1, 2, 3), stride=2, padding=(1, 0), groups=3),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 1), padding="same"),
    example(normal(2, 4, 5, 6), normal(4, 2, 2, 3), padding="same", dilation=(2, 1), groups=2),
    example(normal(2, 3, 5, 6), normal(4, 3, 3, 2), padding="valid", stride=2),
    example(normal(3, 5, 6), normal(4, 3, 3, 2), normal(4), padding=1),
    example(normal(0, 3, 5, 6), normal(4, 3, 3, 2), normal(4)),
)
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    /,
    stride: int | Pair = 1,
    padding: Padding = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Answer:
    """Cross-correlate images (N, C, H, W) with filters (C_out, C/groups, kernel height and width), add bias (C_out,).

    One image (C, H, W) needs no N. The answer is (N, C_out, H_out, W_out) with
    H_out = (H + 2 padding - reach) // stride + 1, where a filter reaches over dilation · (kernel height - 1) + 1 rows.
    ``dilation`` is the distance between the pixels under a filter. With ``groups``, each of as many equal parts of the
    filters sees only its part of the channels. The padding "valid" is none; "same" keeps H and W.

    The gradient of the filters is the product of g with the same columns. That of the columns is filtersᵀ @ g, and an
    element of the images gets the sum over all columns in which it stands.

    Raises:
        ValueError: if the shapes do not fit one another.
    """
    if x.ndim == 3:
        return of_one_sample(conv2d(x[None], weight, bias, stride, padding, dilation, groups))
    stride, dilation = pair(stride), pair(dilation)
    reach = reach_of(weight.shape[-2:], dilation)
    before, after = sides(padding, reach, stride)
    _check(x, weight, bias, groups, reach, before, after)
    if min(*stride, *dilation) < 1 or min(before) < 0:
        raise ValueError(
            f"conv2d: stride and dilation must be at least 1 and padding at least 0, "
            f"got {stride}, {dilation} and {before}"
        )
    refuse_mixed("conv2d", x, weight)
    convolution = RowConvolution(x.shape, weight.shape[2:], stride, before, after, dilation, groups)
    columns = convolution.columns(x)
    ans = convolution.correlate(columns, weight)
    if bias is not None:
        ans += bias[:, None, None]

    def differentiate(g: Array, gradients: Gradients) -> None:
        if 0 in gradients:
            put(gradients, 0, convolution.transpose(g, weight))
        if 1 in gradients:
            put(gradients, 1, convolution.gradient_of_weight(columns, g))
        if 2 in gradients:
            put(gradients, 2, sum_of_channels(g))

    return ans, Joint(differentiate)


def sum_of_channels(g: Array) -> Array:
    """The sum of each channel of images (N, C, H, W)."""
    rows = batch_innermost(g).reshape(g.shape[1], -1)
    return sum_of(rows, [1]).reshape(-1)


def reach_of(kernel: Sequence[int], dilation: Pair) -> Pair:
    """How many rows and columns a dilated filter covers."""
    return dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1


def _check(x: Array, weight: Array, bias: Array | None, groups: int, reach: Pair, before: Pair, after: Pair) -> None:
    if weight.ndim != 4 or 0 in weight.shape[1:] or groups < 1 or len(weight) % groups or groups > len(weight):
        raise ValueError(
            f"conv2d: expected filters (C_out, C/groups, kernel height, kernel width) with C_out divisible by "
            f"groups={groups}, got shape {weight.shape}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"conv2d: expected a bias (C_out,) for filters {weight.shape}, got shape {bias.shape}")
    if x.ndim != 4 or x.shape[1] != weight.shape[1] * groups or 0 in x.shape[2:]:
        raise ValueError(
            f"conv2d: expected images (N, in_channels={weight.shape[1] * groups}, H, W), got shape {x.shape}"
        )
    if any(size + a + b < r for size, a, b, r in zip(x.shape[2:], before, after, reach, strict=True)):
        raise ValueError(
            f"conv2d: the images {x.shape[2:]} with padding {before} are smaller than the kernel, which covers {reach}"
        )


def sides(padding: Padding | tuple[int], reach: Pair, stride: Pair) -> tuple[Pair, Pair]:
    """How much to pad before (top, left) and after (bottom, right) the images.

    Raises:
        ValueError: if the padding is "same" and the stride not 1, or it is another word.
    """
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"conv2d: padding 'same' needs stride 1, got {stride}")
        return ((reach[0] - 1) // 2, (reach[1] - 1) // 2), (reach[0] // 2, reach[1] // 2)
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"conv2d: padding must be numbers, 'same' or 'valid', got '{padding}'")
    both = (0, 0) if padding == "valid" else pair(padding)
    return both, both
