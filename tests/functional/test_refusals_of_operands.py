"""What arithmetic, products, reductions, shapes and indices refuse."""

from __future__ import annotations

import numpy as np
from refusals import ROW, X, assert_refused, every_row

from npnn_cli import Tensor
from npnn_cli import functional as F

BYTES = Tensor(np.array([1, 2], np.uint8))

TABLE = [
    # No tensor at all
    *(
        (
            lambda function=function: function(None),
            TypeError,
            f"{function.__name__}: expected tensors, arrays or numbers, got input None",
        )
        for function in (F.exp, F.tanh, F.sigmoid, F.erf, F.gelu, F.sum, F.mean, F.norm, F.flatten)
    ),
    (lambda: X + None, TypeError, r"add: expected tensors, .*, got input float64 \(2, 3, 4\), other None"),
    (lambda: F.linear(X, None), TypeError, r"linear: expected tensors, .*, weight None"),
    (lambda: F.prelu(X, None), TypeError, r"prelu: expected tensors, .*, weight None"),
    (lambda: F.cross_entropy(None, None), TypeError, "cross_entropy: expected tensors, got input None, target None"),
    (lambda: F.dropout(None), TypeError, "dropout: a Tensor holds numbers, got None"),
    # Numbers that the dtype cannot hold
    (
        lambda: BYTES * -1,
        ValueError,
        r"mul: Python integer -1 out of bounds for uint8, got input uint8 \(2,\), other -1",
    ),
    (lambda: BYTES.clamp(max=256), ValueError, "clamp: Python integer 256 out of bounds for uint8"),
    (lambda: F.pad(BYTES, (1, 1), value=-1), ValueError, "pad: Python integer -1 out of bounds for uint8"),
    (lambda: X * 10**400, ValueError, "mul: int too large to convert to float"),
    # Sizes that do not broadcast
    (
        lambda: X + X[0, 0, :3],
        ValueError,
        r"add: sizes must be equal or 1, counted .*, got input .* \(2, 3, 4\), other .* \(3,\)",
    ),
    (
        lambda: np.ones(3) * X,
        ValueError,
        r"mul: sizes must be equal .*, got input float64 \(3,\), other float64 \(2, 3, 4\)",
    ),
    (lambda: F.maximum(X, np.ones((3, 3))), ValueError, "maximum: sizes must be equal or 1"),
    (
        lambda: F.where(X[0] > 0, X, 0.0) + F.where(X > 0, X[:, :2], X),
        ValueError,
        r"where: sizes .* condition bool \(2, 3, 4\)",
    ),
    (lambda: X.clamp(np.zeros(3)), ValueError, r"clamp: sizes must be equal or 1, .*, min float64 \(3,\)"),
    (lambda: X.expand(2, 4, 4), ValueError, r"expand: .* shape \(2, 3, 4\) does not broadcast to the size \(2, 4, 4\)"),
    (lambda: X.expand(1.5), TypeError, r"expand: expected whole numbers, got input float64 \(2, 3, 4\), size \(1.5,\)"),
    (lambda: X.reshape(None), TypeError, "reshape: expected numbers that can be compared, got input .* shape"),
    (lambda: X.expand(-1, 2, 3, 4), ValueError, r"expand: .* does not broadcast to the size \(-1, 2, 3, 4\)"),
    # Operands that are none
    (lambda: X * "2", TypeError, "mul: expected tensors, arrays or numbers, got input float64 .*, other '2'"),
    (lambda: -(X > 0), TypeError, r"neg: .* is not supported.*, got input bool \(2, 3, 4\)"),
    # Products
    (lambda: X @ X, ValueError, r"matmul: expected shapes .*, got \(2, 3, 4\) and \(2, 3, 4\)"),
    (
        lambda: F.matmul(X, np.ones((3, 4, 5))),
        ValueError,
        r"matmul: .* whose leading sizes broadcast.*, got .* and \(3, 4, 5\)",
    ),
    (lambda: X.matmul(2.0), ValueError, r"matmul: expected shapes .*, got \(2, 3, 4\) and \(\)"),
    (
        lambda: F.linear(X, np.ones((5, 3))),
        ValueError,
        r"linear: sizes .* summed must be equal, got .* weight float64 \(5, 3\)",
    ),
    (
        lambda: F.linear(X, np.ones(4)),
        ValueError,
        r"linear: expected .* a weight \(out_features, in_features\) .*, got .* \(4,\)",
    ),
    (
        lambda: F.bmm(X, X),
        ValueError,
        r"bmm: expected the shapes \(b, n, m\) and \(b, m, p\), got \(2, 3, 4\) and \(2, 3, 4\)",
    ),
    (lambda: F.outer(ROW, X), ValueError, r"outer: expected two vectors, got the shapes \(4,\) and \(2, 3, 4\)"),
    (lambda: F.einsum("ij,jk", X, X), ValueError, "einsum: 'ij' in 'ij,jk' does not fit an operand of 3 dimensions"),
    (
        lambda: F.einsum("ij,jk", X[0], X[0]),
        ValueError,
        r"einsum: under each letter of 'ij,jk->ik' .*, got the shapes \(3, 4\), \(3, 4\)",
    ),
    (lambda: F.einsum("ijk", X, X), ValueError, "einsum: equation 'ijk' is for 1 operands, got 2"),
    (lambda: F.einsum("ii", X[0]), ValueError, r"einsum: 'i' in 'ii' stands for different sizes of the shape \(3, 4\)"),
    (lambda: F.einsum("ij->ijj", X[0]), ValueError, "einsum: 'j' must stand once right of the arrow"),
    (lambda: F.einsum("ij->ik", X[0]), ValueError, "einsum: 'k' must stand once right of the arrow, and left of it"),
    (lambda: F.einsum("i1", X[0]), ValueError, "einsum: equation must be letters, .*, got 'i1'"),
    (lambda: F.einsum(X, X), TypeError, "einsum: equation must be a text such as 'ij,jk->ik', got Tensor"),
    (
        lambda: X @ Tensor(np.ones((4, 2)), dtype=np.float32),
        TypeError,
        "matmul: expected numbers of one dtype, got input float64, other float32$",
    ),
    (
        lambda: F.linear(X, np.ones((5, 4)), np.ones(5, int)),
        TypeError,
        "linear: expected numbers of one dtype, got input float64, weight float64, bias int64$",
    ),
    (
        lambda: F.einsum("ij,kj", X[0], X[0] > 0),
        TypeError,
        "einsum: expected numbers of one dtype, got operand 1 float64, operand 2 bool$",
    ),
    # Reductions
    (lambda: X.sum(3), IndexError, r"sum: dim must lie between -3 and 2 for the shape \(2, 3, 4\), got 3"),
    (lambda: X.mean((0, 0)), ValueError, r"mean: dim names a dimension twice, got \(0, 0\)"),
    (lambda: X.max(3), IndexError, "max: dim must lie between -3 and 2"),
    (lambda: F.min(X, dim="0"), TypeError, "min: dim must be one whole number, got '0'"),
    (lambda: X.sum(dim=0, axis=0), TypeError, "sum: the same argument under two names, got dim, axis"),
    (lambda: Tensor(np.arange(3)).mean(), TypeError, "mean: input must be floating, got int64"),
    (lambda: F.std(np.arange(3)), TypeError, "std: input must be floating, got int64"),
    (lambda: F.norm(X[:0], -1.0), ValueError, r"norm: there is no element to choose from, the shape is \(0, 3, 4\)"),
    # Shapes
    (
        lambda: X.reshape(5, 5),
        ValueError,
        r"reshape: the 24 elements of shape \(2, 3, 4\) do not fit the shape \(5, 5\)",
    ),
    (lambda: X.view(-1, 5), ValueError, r"reshape: the 24 elements .* do not fit the shape \(-1, 5\)"),
    (lambda: F.reshape(X, 24), TypeError, "reshape: shape must be a tuple of whole numbers, got 24"),
    (
        lambda: X.permute(0, 1),
        ValueError,
        r"permute: dims must name each dimension of the shape \(2, 3, 4\) once, got \(0, 1\)",
    ),
    (lambda: X.permute(0, 1, 1), ValueError, r"permute: dims names a dimension twice, got \(0, 1, 1\)"),
    (lambda: X.permute(0, 1, 3), IndexError, "permute: dims must lie between -3 and 2"),
    (
        lambda: X.transpose(0, 3),
        IndexError,
        r"transpose: dim1 must lie between -3 and 2 for the shape \(2, 3, 4\), got 3",
    ),
    (lambda: X.squeeze(3), IndexError, "squeeze: dim must lie between -3 and 2"),
    (lambda: X.unsqueeze(4), IndexError, r"unsqueeze: dim must lie between -4 and 3 for the shape \(2, 3, 4\), got 4"),
    (
        lambda: F.cat([X, X[0]]),
        ValueError,
        r"cat: sizes must be equal along all dimensions but 0, got .* \(2, 3, 4\), \(3, 4\)",
    ),
    (lambda: F.cat([]), ValueError, "cat: expected at least one tensor, and none without dimensions, got none"),
    (
        lambda: F.cat([X, X.sum()]),
        ValueError,
        r"cat: expected .* none without dimensions, got the shapes \(2, 3, 4\), \(\)",
    ),
    (lambda: F.cat(X), TypeError, "cat: expected a list or a tuple of tensors, got Tensor"),
    (lambda: F.cat([X, X], 3), IndexError, "cat: dim must lie between -3 and 2"),
    (lambda: F.stack([X, X[0]]), ValueError, r"stack: .* all of one shape, got the shapes \[\(2, 3, 4\), \(3, 4\)\]"),
    (lambda: F.stack([ROW, ROW], 2), IndexError, r"stack: dim must lie between -2 and 1 for the shape \(4,\), got 2"),
    (lambda: X.split(0), ValueError, r"split: split_size must be at least 1 for the shape \(2, 3, 4\), got 0"),
    (
        lambda: X.split([1, 1], 1),
        ValueError,
        r"split: sections must add up to 3, the size of dimension 1, got \(1, 1\)",
    ),
    (lambda: X.chunk(0), ValueError, "chunk: chunks must be at least 1, got 0"),
    (lambda: X.sum().chunk(2), ValueError, "chunk: expected a tensor with at least one dimension, got a single number"),
    (lambda: X.flip(0, 3), IndexError, "flip: dims must lie between -3 and 2"),
    (lambda: X.roll((1, 2), 0), ValueError, r"roll: shifts must be as many as dims, got \(1, 2\) for \(0,\)"),
    (lambda: F.pad(X, (1, 2, 3)), ValueError, "pad: pad must be two numbers for each dimension"),
    (lambda: F.pad(X, (True, False)), TypeError, r"pad: pad must be whole numbers .*, got \(True, False\)"),
    (lambda: F.pad(ROW, (-3, -2)), ValueError, r"pad: cannot cut \(-3, -2\) off the shape \(4,\)"),
    (
        lambda: F.pad(X, (4, 0), "reflect"),
        ValueError,
        "pad: mode 'reflect' cannot add 4 and 0 to a dimension of size 4",
    ),
    (lambda: F.pad(X, (0, 0), "mirror"), ValueError, "pad: mode must be 'constant', .*, got 'mirror'"),
    (lambda: F.pad(X, (-3, 2), "circular"), ValueError, "pad: mode 'circular' cannot add -3 and 2 to .* of size 4"),
    (lambda: X.reshape(6.0), TypeError, r"reshape: expected whole numbers, .*, shape \(6.0,\)"),
    (lambda: Tensor(np.ones(0)).reshape(4, -2), ValueError, "reshape: the 0 elements .* do not fit the shape"),
    (lambda: F.pad(X, (1, 0), "circular", 2.0), ValueError, "pad: mode 'circular' takes no value, got 2.0"),
    # Indexing
    (lambda: X[2], IndexError, r"getitem: index 2 is out of bounds .* size 2, got input float64 \(2, 3, 4\), index 2"),
    (lambda: X[:, [0, 3]], IndexError, r"getitem: index 3 is out of bounds for axis 1 with size 3, .* index \(slice"),
    (lambda: X[0, 0, 0, 0], IndexError, "getitem: too many indices for array"),
    (lambda: X[0.5], IndexError, "getitem: only integers, .* are valid indices, .* index 0.5"),
    (
        lambda: X[Tensor([0.0, 1.0])],
        IndexError,
        r"getitem: arrays used as indices must be of integer .* index float32 \(2,\)",
    ),
    (lambda: X[X[0] > 0], IndexError, "getitem: boolean index did not match"),
    (lambda: X[..., 0, ...], IndexError, "getitem: an index can only have a single ellipsis"),
    (lambda: F.one_hot([-1]), IndexError, "one_hot: indices must lie between 0 and 0, got -1"),
]


@every_row(TABLE)
def test_a_refusal_says_what_came_and_what_is_expected(refused, error, message):
    assert_refused(refused, error, message)
