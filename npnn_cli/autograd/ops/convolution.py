"""Convolution as a product of matrices.

Every output pixel is the product of the filters with the window of the input beneath them. Laid side by side, the
windows are the columns of a matrix (im2col), and the whole convolution is one product: filters @ columns.
How the columns are laid out so that most of them need no copy: :mod:`npnn_cli.autograd.ops.row_convolution`.
See https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html.
"""

from __future__ import annotations

from typing import Any, Literal

from npnn_cli.autograd.dtypes import require_one_dtype
from npnn_cli.autograd.ops.arguments import require_whole
from npnn_cli.autograd.ops.batches import of_one_sample
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put
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
        TypeError: if the dtypes differ.
    """
    stride, dilation = pair(stride, "conv2d: stride"), pair(dilation, "conv2d: dilation")
    padding = padding if isinstance(padding, str) else pair(padding, "conv2d: padding")
    check_convolution("conv2d", x, weight, bias, stride, padding, dilation, groups)
    if x.ndim == 3:
        return of_one_sample(conv2d(x[None], weight, bias, stride, padding, dilation, groups))
    before, after = padding_of_sides(padding, weight.shape[2:], dilation)
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


def check_convolution(
    op: str,
    x: Any,
    weight: Any,
    bias: Any,
    stride: tuple[int, ...],
    padding: tuple[int, ...] | str,
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    """Refuse what cannot be convolved, in one direction or in two: there is a ``stride`` for each.

    Args:
        op: the name of the convolution.
        x: signals (N, C, L) or (C, L), or images (N, C, H, W) or (C, H, W): an array or a tensor.
        weight: filters (C_out, C/groups, kernel size in each direction).
        bias: (C_out,), or None.
        stride: from one window to the next.
        padding: at either side, or "same" or "valid".
        dilation: from one element under a filter to the next.
        groups: parts into which the channels fall.

    Raises:
        ValueError: if shapes or options do not fit one another, or are out of range.
        TypeError: if ``groups`` is no whole number, or the dtypes differ.
    """
    rank = len(stride)
    what, sizes, kernel = (("signals", "L", "kernel"), ("images", "H, W", "kernel height, kernel width"))[rank - 1]
    require_whole(groups, f"{op}: groups")
    shape, filters = x.shape, weight.shape
    if len(filters) != rank + 2 or 0 in filters[1:] or groups < 1 or filters[0] % groups or groups > filters[0]:
        raise ValueError(
            f"{op}: expected filters (C_out, C/groups, {kernel}) with C_out divisible by {groups=}, got shape {filters}"
        )
    if bias is not None and getattr(bias, "shape", None) != filters[:1]:
        found = f"shape {bias.shape}" if hasattr(bias, "shape") else repr(bias)
        raise ValueError(f"{op}: expected a bias (C_out,) for filters {filters}, got {found}")
    channels = filters[1] * groups
    if len(shape) not in (rank + 1, rank + 2) or shape[-rank - 1] != channels or 0 in shape[-rank:]:
        raise ValueError(f"{op}: expected {what} (N, in_channels={channels}, {sizes}), got shape {shape}")
    if min(*stride, *dilation) < 1 or (not isinstance(padding, str) and min(padding) < 0):
        raise ValueError(
            f"{op}: stride and dilation must be at least 1 and padding at least 0, "
            f"got {stride}, {dilation} and {padding}"
        )
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise ValueError(f"{op}: padding must be numbers, 'same' or 'valid', got {padding!r}")
    if padding == "same" and max(stride) > 1:
        raise ValueError(f"{op}: padding 'same' needs stride 1, got {stride}")
    before, after = padding_of_sides(padding, filters[2:], dilation)
    reach = _reach(filters[2:], dilation)
    if any(size + a + b < r for size, a, b, r in zip(shape[-rank:], before, after, reach, strict=True)):
        raise ValueError(
            f"{op}: the {what} {shape[-rank:]} with padding {before} are smaller than the kernel, which covers {reach}"
        )
    require_one_dtype(op, input=x, weight=weight, bias=bias)


def _reach(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """How many elements a dilated filter covers in each direction."""
    return tuple(gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True))


def padding_of_sides(
    padding: tuple[int, ...] | str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How much to pad in each direction before (left, top) and after (right, bottom)."""
    if padding == "same":
        reach = _reach(kernel, dilation)
        return tuple((covered - 1) // 2 for covered in reach), tuple(covered // 2 for covered in reach)
    both = (0,) * len(kernel) if isinstance(padding, str) else padding
    return both, both
