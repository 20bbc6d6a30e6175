"""What the examples of Embedding cannot show: padding, wrong indices, vectors from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn
from npnn_cli import functional as F
from npnn_cli.optim import SGD
from npnn_cli.torch_reference.counterparts import torch_module

INDICES = np.array([[1, 3, 0], [3, 3, 4]])


@pytest.mark.parametrize("padding_idx", [3, -2])
def test_padding_is_zero_and_stays_so_as_in_pytorch(padding_idx):
    layer = nn.Embedding(5, 2, padding_idx, rng=np.random.default_rng(0)).to(np.float64)
    theirs = torch_module(layer)
    upstream = np.random.default_rng(1).standard_normal((2, 3, 2))
    assert layer.weight.data[3].tolist() == [0, 0]
    assert np.count_nonzero(layer.weight.data) == 8

    layer(INDICES).backward(upstream)
    theirs(torch.tensor(INDICES)).backward(torch.tensor(upstream))
    SGD(layer.parameters(), lr=1.0).step()

    np.testing.assert_allclose(layer.weight.grad, theirs.weight.grad.numpy(), atol=1e-15)
    assert layer.weight.data[3].tolist() == [0, 0]


@pytest.mark.parametrize(
    "options",
    [
        {"scale_grad_by_freq": True},
        {"scale_grad_by_freq": True, "padding_idx": 0},
        {"max_norm": 0.7},
        {"max_norm": 1, "norm_type": 1.0, "padding_idx": 1},
        {"max_norm": 0.5, "norm_type": float("inf"), "scale_grad_by_freq": True},
        {"max_norm": 1.5, "norm_type": 3},
        {"max_norm": 1.5, "norm_type": 0},
        {"max_norm": 0.0},
    ],
    ids=str,
)
def test_outputs_gradients_and_the_weight_that_is_left_are_pytorchs(options):
    before = np.random.default_rng(0).integers(-9, 9, (5, 2)) / 4  # exact in float32, the layer's dtype at first
    upstream = np.random.default_rng(1).random((2, 3, 2))
    ours = nn.Embedding.from_pretrained(before, freeze=False, **options).to(np.float64)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(before), freeze=False, **options)

    answer, expected = ours(INDICES), theirs(torch.tensor(INDICES))
    answer.backward(upstream)
    expected.backward(torch.tensor(upstream))

    assert np.array_equal(ours.weight.data, before) == ("max_norm" not in options)
    for one, other in [(answer, expected), (ours.weight, theirs.weight)]:
        np.testing.assert_allclose(one.data, other.detach().numpy(), rtol=0, atol=1e-15)
    np.testing.assert_allclose(ours.weight.grad, theirs.weight.grad.numpy(), rtol=0, atol=1e-15)


def test_several_lookups_that_make_vectors_shorter_can_be_differentiated():
    before, upstream = np.arange(1.0, 9).reshape(4, 2), np.array([1.0, -2.0])
    ours, theirs = Tensor(before.copy(), requires_grad=True), torch.tensor(before, requires_grad=True)

    answers = [F.embedding(np.array(i), ours, max_norm=1.0) for i in range(3)]
    expected = [torch.nn.functional.embedding(torch.tensor(i), theirs, max_norm=1.0) for i in range(3)]
    sum(answers).backward(upstream)
    sum(expected).backward(torch.tensor(upstream))

    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=0, atol=1e-15)
    assert np.array_equal(ours.grad, theirs.grad.numpy())


def test_vectors_that_are_made_shorter_count_as_changed():
    layer = nn.Embedding(5, 2, max_norm=0.1)
    before = layer.weight.square().sum()
    layer(INDICES)

    with pytest.raises(RuntimeError, match="changed in place"):
        before.backward()
    with pytest.raises(ValueError, match=r"embedding: max_norm changes the weight in place, .* read-only"):
        F.embedding(INDICES, layer.weight * 9, max_norm=0.1)


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        (np.array([0, 5]), IndexError, "embedding: input must lie between 0 and 4 for 5 rows, got 5"),
        (np.array([-1]), IndexError, "got -1"),
        (np.array([0.0]), TypeError, "embedding: indices must be whole numbers, got float64"),
        ([0, 1], TypeError, "got float32"),  # a list becomes a tensor of the default dtype
    ],
)
def test_indices_that_name_no_vector_are_refused(indices, error, message):
    with pytest.raises(error, match=message):
        nn.Embedding(5, 2)(indices)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Embedding(0, 2), "num_embeddings=0"),
        (lambda: nn.Embedding(5, 0), "embedding_dim=0"),
        (lambda: nn.Embedding(5, 2, 5), "padding_idx must be one of the 5 numbers, got 5"),
        (lambda: nn.Embedding(5, 2, -6), "got -6"),
        (
            lambda: F.embedding(INDICES, Tensor(np.ones((5, 2))), sparse=True),
            "embedding: sparse must be False, for gradients are dense, got True",
        ),
        (lambda: nn.Embedding.from_pretrained(np.ones(3)), r"expected embeddings .* got \(3,\)"),
    ],
)
def test_options_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_vectors_from_elsewhere_are_copied_and_frozen_unless_asked_otherwise():
    vectors = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(vectors)
    vectors[0] = 9

    assert layer(np.array([0, 2])).data.tolist() == [[0, 1], [4, 5]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(Tensor(vectors), freeze=False).weight.requires_grad
