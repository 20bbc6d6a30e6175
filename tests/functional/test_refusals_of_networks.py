"""What normalization, dropout, losses and activations refuse."""

from __future__ import annotations

import numpy as np
from refusals import X, assert_refused, every_row

from npnn_cli import Tensor
from npnn_cli import functional as F

LOGITS = Tensor(np.zeros((5, 3)))

TABLE = [
    # Normalization
    (
        lambda: F.batch_norm(X, None, None),
        ValueError,
        "batch_norm: needs running_mean and running_var when not in training",
    ),
    (
        lambda: F.batch_norm(X, np.ones(2), np.ones(3)),
        ValueError,
        r"batch_norm: running_mean must have the shape \(3,\), got \(2,\)",
    ),
    (
        lambda: F.batch_norm(X[:1, :, :1], None, None, training=True),
        ValueError,
        "batch_norm: needs more than one value per channel",
    ),
    (lambda: F.layer_norm(X, (3,)), ValueError, r"layer_norm: .* normalized_shape=\(3,\), got \(2, 3, 4\)"),
    (
        lambda: F.layer_norm(X, (4,), np.ones(3)),
        ValueError,
        r"layer_norm: weight must have the shape \(4,\), got \(3,\)",
    ),
    (lambda: F.layer_norm(np.arange(4), (4,)), TypeError, "layer_norm: input must be floating, got int64"),
    (lambda: F.group_norm(X, 2), ValueError, "group_norm: .* divisible by num_groups=2"),
    (lambda: F.group_norm([[1.0, 2.0]], 2), ValueError, r"group_norm: .* more than one number, got shape \(1, 2\)"),
    (lambda: F.group_norm(X, 3.0), TypeError, "group_norm: num_groups must be a whole number, got 3.0"),
    (
        lambda: F.layer_norm(X, 4),
        TypeError,
        r"layer_norm: normalized_shape must be a tuple of whole numbers such as \(4,\), got 4",
    ),
    (lambda: F.rms_norm(X, (4.0,)), TypeError, r"rms_norm: normalized_shape must be a tuple .*, got \(4.0,\)"),
    (
        lambda: F.batch_norm(X, np.ones(3), np.ones(3), momentum="a"),
        TypeError,
        "batch_norm: momentum must be a number, got 'a'",
    ),
    (lambda: F.layer_norm(X, (4,), eps=True), TypeError, "layer_norm: eps must be a number, got True"),
    (lambda: F.layer_norm(X, (4,), eps="a"), TypeError, "layer_norm: eps must be a number, got 'a'"),
    (lambda: F.group_norm(X, 3, eps=-1), ValueError, "group_norm: eps must not be below 0, got -1"),
    (lambda: F.dropout(X, -0.1), ValueError, "dropout: p is a probability between 0 and 1, got -0.1"),
    (lambda: F.dropout(X, 2, training=False), ValueError, "dropout: p is a probability between 0 and 1, got 2"),
    (lambda: F.dropout(X, True), TypeError, "dropout: p must be a number, got True"),
    (lambda: F.dropout2d(X, "a"), TypeError, "dropout2d: p must be a number, got 'a'"),
    (lambda: F.dropout(X), TypeError, "dropout: rng must be a numpy.random.Generator in training, got None"),
    (
        lambda: F.dropout(Tensor(np.arange(3)), rng=np.random.default_rng(0)),
        TypeError,
        "dropout: input must be floating, got int64",
    ),
    # Losses
    (lambda: F.mse_loss(np.arange(3), np.arange(3)), TypeError, "mse_loss: input must be floating, got int64"),
    (
        lambda: F.mse_loss(X, X[0]),
        ValueError,
        r"mse_loss: input has shape \(2, 3, 4\), target \(3, 4\); they must be equal",
    ),
    (
        lambda: F.mse_loss(X, X, "average"),
        ValueError,
        "mse_loss: reduction must be 'mean', 'sum' or 'none', got 'average'",
    ),
    (
        lambda: F.mse_loss(X, X, weight=[1.0]),
        ValueError,
        r"mse_loss: weight must have the input's shape .*, got \(1,\)",
    ),
    (lambda: F.huber_loss(X, X, delta=0), ValueError, "huber_loss: delta must be above 0, got 0"),
    (lambda: F.smooth_l1_loss(X, X, beta=-1), ValueError, "smooth_l1_loss: beta must not be below 0, got -1"),
    (
        lambda: F.cross_entropy(LOGITS, [0, 1, 2, 3, 0]),
        IndexError,
        r"cross_entropy: targets must lie between 0 and 2 .*, got 3",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0, 1, 2, -1, 0]),
        IndexError,
        "cross_entropy: targets must lie between 0 and 2 .*, got -1",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0.5] * 5),
        TypeError,
        "cross_entropy: targets must be whole numbers .*, got float64",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0, 1]),
        ValueError,
        r"cross_entropy: expected logits .*, got \(5, 3\) and \(2,\)",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0] * 5, [1.0, 2.0]),
        ValueError,
        r"cross_entropy: weight must have shape \(3,\), .*, got \(2,\)",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0] * 5, label_smoothing=2),
        ValueError,
        "cross_entropy: label_smoothing must lie between 0 and 1, got 2",
    ),
    (
        lambda: F.cross_entropy(LOGITS, LOGITS, ignore_index=0),
        ValueError,
        "cross_entropy: probabilities .* have no ignore_index, got 0",
    ),
    (lambda: F.cross_entropy(X.sum(), 0), ValueError, r"cross_entropy: expected an input of shape .*, got shape \(\)"),
    (lambda: F.nll_loss(LOGITS, [0, 1, 2, 3, 0]), IndexError, "nll_loss: targets must lie between 0 and 2 .*, got 3"),
    (
        lambda: F.binary_cross_entropy(X, X),
        ValueError,
        "binary_cross_entropy: input must lie between 0 and 1, got -1.0",
    ),
    (
        lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=[1.0, 2.0]),
        ValueError,
        r".*: pos_weight must broadcast .*, got \(2,\)",
    ),
    (
        lambda: F.kl_div(X, X, "total"),
        ValueError,
        "kl_div: reduction must be 'batchmean', 'mean', 'sum' or 'none', got 'total'",
    ),
    (
        lambda: F.binary_cross_entropy([0.5], [3.0]),
        ValueError,
        "binary_cross_entropy: target must lie between 0 and 1, got 3.0",
    ),
    # Activations
    (lambda: F.gelu(X, "erf"), ValueError, "gelu: approximate must be 'none' or 'tanh', got 'erf'"),
    (lambda: F.elu(np.arange(3)), TypeError, "elu: input must be floating, got int64"),
    (lambda: F.softmax(X, 3), IndexError, "softmax: dim must lie between -3 and 2"),
    (lambda: F.softmax(X), TypeError, r"softmax\(\) missing 1 required positional argument: 'dim'"),
    (lambda: X.prelu(np.ones(2)), ValueError, r"prelu: expected a weight of shape \(1,\) or \(3,\) .*, got \(2,\)"),
    (lambda: F.relu(X > 0), TypeError, "relu: input must be numbers, got bool"),
    (lambda: F.hardtanh(np.ones(3, np.uint8)), ValueError, "hardtanh: min_val must not be below 0 .* uint8, got -1.0"),
    (lambda: F.selu(Tensor([1, 2], dtype=int)), TypeError, "selu: input must be floating, got int64$"),
]


@every_row(TABLE)
def test_a_refusal_says_what_came_and_what_is_expected(refused, error, message):
    assert_refused(refused, error, message)
