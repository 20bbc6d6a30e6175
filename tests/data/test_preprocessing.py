from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from npnn_cli.data import Standardize


def test_equals_scikit_learn() -> None:
    x = np.random.default_rng(0).normal([5.0, -300.0, 0.0], [2.0, 50.0, 1e-3], (40, 3))
    x[:, 2] = 0.1  # constant
    scaler = StandardScaler().fit(x)
    scaling = Standardize.fit(x)
    np.testing.assert_allclose(scaling.mean, scaler.mean_, rtol=1e-15)
    np.testing.assert_allclose(scaling.std, scaler.scale_, rtol=1e-14)
    assert scaling.std[2] == 1
    same = Standardize(scaler.mean_, scaler.scale_)
    np.testing.assert_array_equal(same(x, np.float64), scaler.transform(x))


@pytest.mark.parametrize("value", [0.1, 7.0, 0.0, -1e9 / 3])
@pytest.mark.parametrize("count", [1, 3, 101])
def test_a_constant_feature_has_std_one(value: float, count: int) -> None:
    assert Standardize.fit(np.full((count, 1), value)).std == [1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("source", [np.uint8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3, 4)], ids=["scalar", "per feature"])
def test_any_numbers_are_scaled_into_the_dtype(
    source: type[np.generic], dtype: type[np.floating], shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (5, 3, 4)).astype(source)
    before = x.copy()
    mean, std = rng.uniform(1, 200, shape), rng.uniform(1, 80, shape)
    scaled = Standardize(mean, std)(x, dtype)
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled, (before.astype(np.float64) - mean) / std, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_a_mean_far_from_zero_costs_float64_data_no_digits() -> None:
    x = 1e9 + np.arange(5.0)[:, np.newaxis]
    np.testing.assert_allclose(Standardize.fit(x)(x, np.float32).ravel(), np.arange(-2, 3) / np.sqrt(2), rtol=1e-6)


def test_one_scaling_will_do_for_many_dtypes() -> None:
    far = Standardize(1e8, 1.0)
    assert far(np.zeros(1, np.uint8), np.float32).tolist() == [-1e8]
    assert far(np.array([1e8 + 1, 1e8 + 3]), np.float32).tolist() == [1, 3]
    near = Standardize(1.0, 3.0)
    x = np.array([2.0], np.float32)
    assert near(x, np.float32).dtype == np.float32
    assert near(x, np.float64).tolist() == [1 / 3]


@pytest.mark.parametrize("source", [np.uint8, np.float32, np.float64])
def test_scaling_to_float32_makes_no_other_array(source: type[np.generic]) -> None:
    x = np.ones((64, 1, 100, 100), source)
    scaling = Standardize(0.5, 2.0)
    tracemalloc.start()
    scaled = scaling(x, np.float32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * scaled.nbytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inverse_restores_in_the_same_dtype(dtype: type[np.floating]) -> None:
    x = np.random.default_rng(2).normal([10.0, -4.0], [3.0, 0.1], (20, 2))
    scaling = Standardize.fit(x)
    scaled = scaling(x, dtype)
    before = scaled.copy()
    restored = scaling.inverse(scaled)
    assert restored.dtype == dtype
    np.testing.assert_allclose(restored, x, rtol=50 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(scaled, before)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (0.0, 0.0, "std must be finite and positive"),
        (0.0, -1.0, "std must be finite and positive"),
        (0.0, np.nan, "std must be finite and positive"),
        ([0.0, 0.0], [1.0, np.inf], "std must be finite and positive"),
        (np.inf, 1.0, "mean must be finite"),
        ([0.0, 0.0], 1.0, r"mean has the shape \(2,\) but std \(\)"),
    ],
)
def test_impossible_statistics_are_refused(mean: float, std: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Standardize(mean, std)


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.empty((0, 3)), "no samples"), (np.array([[1.0], [np.nan]]), "nan"), (np.array([np.inf]), "inf")],
)
def test_fit_refuses_what_has_no_statistics(x: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Standardize.fit(x)
