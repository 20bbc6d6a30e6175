"""Products of matrices."""

from __future__ import annotations

import math

import numpy as np

from npnn_cli.autograd.dtypes import require_one_dtype
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put
from npnn_cli.examples import example, normal


@primitive(
    example(normal(3, 4), normal(4, 5)),
    example(normal(4), normal(4)),
    example(normal(4), normal(4, 5)),
    example(normal(3, 4), normal(4)),
    example(normal(2, 3, 4), normal(4)),
    example(normal(4), normal(2, 4, 5)),
    example(normal(2, 3, 4), normal(4, 5)),
    example(normal(2, 1, 3, 4), normal(6, 4, 5)),
    example(normal(3, 3), normal(3, 3)),
)
def matmul(x: Array, y: Array, /) -> Answer:
    """Matrix product x @ y over the last two dimensions; the others broadcast.

    A vector is a row at the left and a column at the right.

    For matrices, the gradients are g @ yᵀ and xᵀ @ g.
    See https://pytorch.org/docs/stable/generated/torch.matmul.html.

    Raises:
        ValueError: if the shapes do not fit one another.
        TypeError: if the dtypes differ.
    """
    try:
        ans = x @ y
    except ValueError:
        raise ValueError(
            f"matmul: expected shapes (..., n, k) and (..., k, m) whose leading sizes broadcast, or vectors (k,), "
            f"got {np.shape(x)} and {np.shape(y)}"
        ) from None
    require_one_dtype("matmul", input=x, other=y)

    def gradient_of_x(g: Array) -> Array:
        if y.ndim == 1:
            return g[..., None] * y
        if x.ndim == 1:
            return (g[..., None, :] @ y.swapaxes(-1, -2))[..., 0, :]
        return g @ y.swapaxes(-1, -2)

    def gradient_of_y(g: Array) -> Array:
        if x.ndim == 1:
            return g * x if y.ndim == 1 else x[:, None] * g[..., None, :]
        if y.ndim == 1:
            return (x.swapaxes(-1, -2) @ g[..., None])[..., 0]
        return x.swapaxes(-1, -2) @ g

    return ans, gradient_of_x, gradient_of_y


@primitive(
    example(normal(5, 3), normal(4, 3), normal(4)),
    example(normal(2, 5, 3), normal(4, 3)),
    example(normal(3), normal(4, 3), normal(4)),
)
def linear(x: Array, weight: Array, bias: Array | None = None, /) -> Answer:
    """Affine map x Wᵀ + b of x (..., in_features); weight is (out_features, in_features), bias (out_features,).

    One op instead of a transpose, a product and a sum: with rows x_n, the gradients are g W, Σ g_n ⊗ x_n and Σ g_n.

    Raises:
        ValueError: if the shapes do not fit one another.
        TypeError: if the dtypes differ.
    """
    if weight.ndim != 2 or x.ndim == 0 or (bias is not None and bias.ndim != 1):
        raise ValueError(
            f"linear: expected (..., in_features), a weight (out_features, in_features) and a bias (out_features,), "
            f"got {x.shape}, {weight.shape} and {None if bias is None else bias.shape}"
        )
    require_one_dtype("linear", input=x, weight=weight, bias=bias)
    ans = x @ weight.T
    if bias is not None:
        ans += bias

    def differentiate(g: Array, gradients: Gradients) -> None:
        if 0 in gradients:
            put(gradients, 0, g @ weight)
        if 1 in gradients:
            gradients[1] = product_of_rows(_rows(g), _rows(x), out=gradients[1])
        if 2 in gradients:
            gradients[2] = np.add.reduce(_rows(g), axis=0, out=gradients[2])

    return ans, Joint(differentiate)


def product_of_rows(g: Array, x: Array, out: Array | None) -> Array:
    """Σ_n g_n ⊗ x_n = gᵀ x, laid out in memory as the weights of a Linear layer are: (in_features, out_features)."""
    if out is None:
        return (x.T @ g).T
    np.matmul(x.T, g, out=out.T)
    return out


def _rows(a: Array) -> Array:
    """All vectors along the last dimension, as the rows of one matrix."""
    return a if a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
