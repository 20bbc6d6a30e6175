"""What the examples of embedding, one_hot, gather and index_select cannot show: padding, wrong indices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor
from npnn_cli import functional as F

TABLE = np.random.default_rng(0).standard_normal((5, 3))
X = np.random.default_rng(1).standard_normal((2, 3, 4))


@pytest.mark.parametrize("padding_idx", [0, 3, -1, -5])
def test_the_row_for_padding_is_read_but_receives_no_gradient(padding_idx):
    index = np.array([[0, 3, 4], [3, 0, 2]])
    upstream = np.random.default_rng(2).standard_normal((2, 3, 3))
    ours, theirs = Tensor(TABLE, requires_grad=True), torch.tensor(TABLE, requires_grad=True)

    answer = F.embedding(index, ours, padding_idx)
    expected = torch.nn.functional.embedding(torch.tensor(index), theirs, padding_idx)
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    np.testing.assert_array_equal(answer.data, expected.detach().numpy())
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-15)
    assert not ours.grad[padding_idx].any()


def test_rows_whose_gradient_is_scaled_may_be_infinite():
    table = np.where(TABLE > 0, np.inf, TABLE)
    weight = Tensor(table, requires_grad=True)
    answer = F.embedding([1, 1, 4], weight, scale_grad_by_freq=True)
    answer.sum().backward()

    np.testing.assert_array_equal(answer.data, table[[1, 1, 4]])
    np.testing.assert_array_equal(weight.grad[:, 0], [0, 1, 0, 0, 1])


def test_infinite_rows_are_shortened_to_nan_without_a_warning():
    ours, theirs = Tensor(np.array([[np.inf, 3.0]])), torch.tensor([[np.inf, 3.0]])

    expected = torch.nn.functional.embedding(torch.tensor([0]), theirs, max_norm=1.0)
    np.testing.assert_array_equal(F.embedding([0], ours, max_norm=1.0).data, expected.numpy())


@pytest.mark.parametrize(
    "index", [[1, 4], np.array([1, 4], np.uint8), Tensor(np.array([1, 4]))], ids=lambda i: str(type(i))
)
def test_indices_are_a_list_an_array_or_a_tensor(index):
    np.testing.assert_array_equal(F.embedding(index, Tensor(TABLE)).data, TABLE[[1, 4]])
    np.testing.assert_array_equal(F.index_select(Tensor(TABLE), 0, index).data, TABLE[[1, 4]])
    np.testing.assert_array_equal(Tensor(TABLE[:, 0]).gather(0, index).data, TABLE[[1, 4], 0])
    np.testing.assert_array_equal(F.one_hot(index, 5).data, np.eye(5)[[1, 4]])


def test_one_hot_rows_are_whole_numbers_and_as_long_as_the_largest_index_asks_for():
    rows = F.one_hot(np.array([[2], [0]]))

    assert rows.dtype == np.int64
    assert rows.data.tolist() == [[[0, 0, 1]], [[1, 0, 0]]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.embedding([0.5], Tensor(TABLE)), TypeError, "embedding: indices must be whole numbers, got float64"),
        (lambda: F.embedding([True], Tensor(TABLE)), TypeError, "embedding: indices must be whole numbers, got bool"),
        (
            lambda: F.embedding([0, 5], Tensor(TABLE)),
            IndexError,
            "embedding: input must lie between 0 and 4 for 5 rows, got 5",
        ),
        (
            lambda: F.embedding([2, -1], Tensor(TABLE)),
            IndexError,
            "embedding: input must lie between 0 and 4 for 5 rows, got -1",
        ),
        (lambda: F.embedding([0], Tensor(X)), ValueError, r"embedding: weight must be .*, got shape \(2, 3, 4\)"),
        (
            lambda: F.embedding([0], Tensor(TABLE), 5),
            ValueError,
            "embedding: padding_idx must be one of the 5 rows, got 5",
        ),
        (lambda: F.embedding([0], Tensor(TABLE), -6), ValueError, "embedding: padding_idx must be .*, got -6"),
        (
            lambda: F.embedding([0], Tensor(TABLE), scale_grad_by_freq="x"),
            TypeError,
            "embedding: scale_grad_by_freq must be True or False, got 'x'",
        ),
        (
            lambda: F.embedding([0], Tensor(TABLE), sparse=0),
            TypeError,
            "embedding: sparse must be True or False, got 0",
        ),
        (
            lambda: F.embedding([0], Tensor(TABLE), max_norm=True),
            TypeError,
            "embedding: max_norm must be a number, got True",
        ),
        (lambda: F.embedding([0], Tensor(TABLE), max_norm=np.nan), ValueError, "embedding: max_norm must not be nan"),
        (lambda: F.embedding([0], Tensor(TABLE), norm_type=np.nan), ValueError, "embedding: norm_type must not be nan"),
        (lambda: F.one_hot([0.5]), TypeError, "one_hot: indices must be whole numbers, got float64"),
        (lambda: F.one_hot([1, 3], 3), IndexError, "one_hot: indices must lie between 0 and 2, got 3"),
        (lambda: F.one_hot([2, -1], 3), IndexError, "one_hot: indices must lie between 0 and 2, got -1"),
        (lambda: F.one_hot(np.zeros(0, int)), ValueError, "one_hot: num_classes must be given where there is no index"),
        (lambda: F.one_hot([0], 0), ValueError, "one_hot: num_classes must be at least 1, or -1 to infer it, got 0"),
        (
            lambda: F.gather(X, 1, [[0]]),
            ValueError,
            r"gather: index must have as many .* shape \(1, 1\) for .* \(2, 3, 4\)",
        ),
        (
            lambda: F.gather(X, 1, np.zeros((3, 1, 1), int)),
            ValueError,
            r"no larger sizes but along dim=1, got .*\(3, 1, 1\)",
        ),
        (lambda: F.gather(TABLE, 1, [[3]]), IndexError, "gather: indices must lie between 0 and 2, got 3"),
        (lambda: F.gather(TABLE, 1, [[2, -1]]), IndexError, "gather: indices must lie between 0 and 2, got -1"),
        (lambda: F.gather(TABLE, 1, [[0.0]]), TypeError, "gather: indices must be whole numbers, got float64"),
        (
            lambda: F.gather(TABLE, 2, [[0]]),
            IndexError,
            r"gather: dim must lie between -2 and 1 for the shape \(5, 3\), got 2",
        ),
        (lambda: F.index_select(X, 0, [[0]]), ValueError, r"index_select: expected a vector .*, got shape \(1, 1\)"),
        (lambda: F.index_select(X, 0, [2]), IndexError, "index_select: indices must lie between 0 and 1, got 2"),
        (lambda: F.index_select(X, 0, [1, -1]), IndexError, "index_select: indices must lie between 0 and 1, got -1"),
        (lambda: F.index_select(X, 0, [0.0]), TypeError, "index_select: indices must be whole numbers, got float64"),
        (lambda: F.index_select(X, 3, [0]), IndexError, "index_select: dim must lie between -3 and 2"),
    ],
)
def test_wrong_indices_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
