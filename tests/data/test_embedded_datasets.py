"""What is particular to each embedded data set; what is common to all is in test_dataset_contract.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from npnn_cli.data import MNIST, DataSplits, Diabetes
from npnn_cli.data.mnist import PIXEL_MEAN, PIXEL_STD


@pytest.fixture(scope="module")
def mnist() -> DataSplits:
    return MNIST(validation=0.1).load(rng=np.random.default_rng(0))


def test_mnist_is_the_published_set(mnist: DataSplits) -> None:
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [54_000, 6_000, 10_000]
    assert mnist.test.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    digits = np.bincount(mnist.train.targets) + np.bincount(mnist.validation.targets)
    assert digits.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    ink = mnist.test.inputs[0, 0] > 127  # a 7: a bar on top of a stroke down to the left
    assert ink[8].sum() > 8
    assert 1 <= ink[20].sum() < 6


def test_mnist_pixels_stay_bytes_until_they_are_scaled(mnist: DataSplits) -> None:
    for part in (mnist.train, mnist.validation, mnist.test):
        assert part.inputs.dtype == np.uint8
        assert part.inputs.max() == 255


def test_mnist_is_scaled_by_the_statistics_of_its_60000_training_images(mnist: DataSplits) -> None:
    counts = sum(np.bincount(part.inputs.ravel(), minlength=256) for part in (mnist.train, mnist.validation))
    pixels = np.arange(256)
    mean = np.average(pixels, weights=counts)
    std = math.sqrt(np.average((pixels - mean) ** 2, weights=counts))
    assert pytest.approx(mean, rel=1e-9) == PIXEL_MEAN
    assert pytest.approx(std, rel=1e-9) == PIXEL_STD
    assert (mnist.input_scaling.mean, mnist.input_scaling.std) == (PIXEL_MEAN, PIXEL_STD)
    assert (round(mean / 255, 4), round(std / 255, 4)) == (0.1307, 0.3081)
    assert mnist.target_scaling is None


def test_diabetes_is_the_table_that_scikit_learn_has() -> None:
    table = load_diabetes(scaled=False)
    splits = Diabetes().load(rng=np.random.default_rng(0))
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [288, 66, 88]
    rows = np.concatenate([np.hstack([part.inputs, part.targets]) for part in parts])
    expected = np.column_stack([table.data, table.target])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)])


def test_diabetes_scalings_know_the_training_part_alone() -> None:
    splits = Diabetes().load(rng=np.random.default_rng(0))
    assert splits.target_scaling is not None
    for scaling, train in (
        (splits.input_scaling, splits.train.inputs),
        (splits.target_scaling, splits.train.targets),
    ):
        scaled = scaling(train, np.float64)
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-12)
