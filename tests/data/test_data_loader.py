from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from npnn_cli.data import DataLoader, Standardize

N = 10
INPUTS = np.arange(N * 3, dtype=np.float64).reshape(N, 3)
PIXELS = np.arange(N * 4, dtype=np.uint8).reshape(N, 1, 2, 2)
CLASSES = np.arange(N)
NUMBERS = np.arange(N, dtype=np.float64)[:, np.newaxis] * 10
SCALING = Standardize(3.0, 2.0)


def epoch(loader: DataLoader) -> list[int]:
    """The samples of one epoch in their order, told by their targets."""
    return [int(target) for _, targets in loader for target in targets]


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "sizes"),
    [
        (1, False, [1] * 10),
        (4, False, [4, 4, 2]),
        (4, True, [4, 4]),
        (5, False, [5, 5]),
        (5, True, [5, 5]),
        (64, False, [10]),
    ],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_have_the_size_and_number_that_is_asked_for(
    batch_size: int, drop_last: bool, sizes: list[int], shuffle: bool
) -> None:
    loader = DataLoader(INPUTS, CLASSES, batch_size, shuffle, drop_last)
    assert [len(y) for _, y in loader] == sizes
    assert len(loader) == len(sizes)


@pytest.mark.parametrize("shuffle", [False, True])
def test_inputs_stay_with_their_targets_and_each_comes_once(shuffle: bool) -> None:
    loader = DataLoader(INPUTS, CLASSES, 3, shuffle)
    for X, y in loader:
        np.testing.assert_array_equal(X, INPUTS[y])
    order = epoch(loader)
    assert sorted(order) == list(range(N))
    assert (order == list(range(N))) is not shuffle


def test_shuffling_permutes_samples_and_not_batches() -> None:
    loader = DataLoader(np.arange(100), np.arange(100), 10, shuffle=True)
    assert all(np.ptp(y) > 9 for _, y in loader)


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    loader = DataLoader(INPUTS, CLASSES, 3, shuffle=True, seed=7)
    orders = [epoch(loader) for _ in range(3)]
    assert orders == [np.random.default_rng([7, number]).permutation(N).tolist() for number in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert epoch(DataLoader(INPUTS, CLASSES, 5, shuffle=True, seed=7)) == orders[0]
    assert epoch(DataLoader(INPUTS, CLASSES, 3, shuffle=True, seed=8)) != orders[0]


def test_set_epoch_chooses_the_epoch_that_comes_next() -> None:
    loader = DataLoader(INPUTS, CLASSES, 3, shuffle=True)
    orders = [epoch(loader) for _ in range(4)]
    resumed = DataLoader(INPUTS, CLASSES, 3, shuffle=True)
    resumed.set_epoch(2)
    assert [epoch(resumed), epoch(resumed)] == orders[2:]
    resumed.set_epoch(0)
    assert epoch(resumed) == orders[0]


def test_every_iter_is_an_epoch_even_if_it_is_left_early_or_not_begun() -> None:
    loader = DataLoader(INPUTS, CLASSES, 3, shuffle=True)
    orders = [epoch(loader) for _ in range(4)]
    loader.set_epoch(0)
    first, second = iter(loader), iter(loader)
    next(second)
    assert [int(target) for _, y in first for target in y] == orders[0]
    next(iter(loader))
    assert epoch(loader) == orders[3]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("inputs", "targets", "options", "input_dtype", "target_dtype"),
    [
        (INPUTS, CLASSES, {}, np.float64, np.int64),
        (INPUTS, NUMBERS, {"dtype": np.float32}, np.float32, np.float32),
        (PIXELS, CLASSES, {"dtype": np.float32}, np.uint8, np.int64),
        (PIXELS, CLASSES, {"dtype": np.float64, "input_scaling": SCALING}, np.float64, np.int64),
        (PIXELS, CLASSES, {"input_scaling": SCALING}, np.float32, np.int64),
        (INPUTS, NUMBERS, {"input_scaling": SCALING, "target_scaling": SCALING}, np.float64, np.float64),
        (INPUTS, NUMBERS, {"dtype": "float32", "target_scaling": SCALING}, np.float32, np.float32),
    ],
)
def test_batches_are_scaled_and_cast_as_documented(
    inputs: np.ndarray,
    targets: np.ndarray,
    options: dict[str, Any],
    input_dtype: type[np.generic],
    target_dtype: type[np.generic],
    shuffle: bool,
) -> None:
    loader = DataLoader(inputs, targets, 4, shuffle, **options)
    X, y = (np.concatenate(arrays) for arrays in zip(*loader, strict=True))
    order = np.random.default_rng([0, 0]).permutation(N) if shuffle else np.arange(N)
    for batch, source, scaling, dtype in (
        (X, inputs, options.get("input_scaling"), input_dtype),
        (y, targets, options.get("target_scaling"), target_dtype),
    ):
        expected = source[order].astype(np.float64)
        assert batch.dtype == dtype
        np.testing.assert_allclose(batch, (expected - 3) / 2 if scaling else expected, rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"shuffle": True}, {"dtype": np.float64}, {"input_scaling": SCALING}])
def test_changing_a_batch_never_changes_the_data(options: dict[str, Any]) -> None:
    inputs, targets = INPUTS.copy(), NUMBERS.copy()
    for batch in DataLoader(inputs, targets, 4, **options):
        for array in batch:
            if array.flags.writeable:
                array[:] = -1
            else:
                with pytest.raises(ValueError, match="read-only"):
                    array[:] = -1
    np.testing.assert_array_equal(inputs, INPUTS)
    np.testing.assert_array_equal(targets, NUMBERS)
    inputs[0] = 1  # the reader's own array stays writable


def test_a_batch_keeps_its_values_when_the_next_one_comes() -> None:
    batches = list(DataLoader(INPUTS, CLASSES, 4, shuffle=True, input_scaling=SCALING))
    for X, y in batches:
        np.testing.assert_array_equal(X, (INPUTS[y] - 3) / 2)


def test_lists_and_strided_arrays_are_taken() -> None:
    loader = DataLoader(INPUTS[:, ::-1], CLASSES.tolist(), 4, shuffle=True)
    for X, y in loader:
        np.testing.assert_array_equal(X, INPUTS[y][:, ::-1])


def test_a_batch_of_a_strided_array_costs_the_memory_of_a_batch() -> None:
    strided = np.zeros((50, 10_000)).T
    loader = iter(DataLoader(strided, np.arange(10_000), 10, shuffle=True))
    next(loader)
    tracemalloc.start()
    next(loader)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < strided.nbytes / 10


@pytest.mark.parametrize(
    ("inputs", "targets", "options", "message"),
    [
        (INPUTS, CLASSES[:-1], {}, "10 inputs but 9 targets"),
        (INPUTS[:0], CLASSES[:0], {}, "inputs are empty"),
        (INPUTS, CLASSES, {"batch_size": 0}, "batch_size is 0"),
        (INPUTS, CLASSES, {"batch_size": 11, "drop_last": True}, "drop_last leaves no batch: there are 10 samples"),
        (INPUTS, CLASSES, {"seed": -1}, "seed is -1"),
        (INPUTS, CLASSES, {"target_scaling": SCALING}, "int64 are class indices"),
        (3.0, CLASSES, {}, "inputs must be an array of numbers"),
        (INPUTS, object(), {}, "targets must be an array of numbers"),
        (INPUTS, list("abcdefghij"), {}, "targets must be an array of numbers"),
    ],
)
def test_what_cannot_be_loaded_is_refused(inputs: Any, targets: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(inputs, targets, **options)


def test_a_negative_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match="epoch is -1"):
        DataLoader(INPUTS, CLASSES).set_epoch(-1)


@pytest.mark.parametrize("scaling", [None, SCALING])
def test_reused_batches_hold_the_same_numbers_in_the_same_memory(scaling) -> None:
    inputs, targets = np.arange(10, dtype=np.uint8), np.arange(10.0)
    options = {"batch_size": 4, "shuffle": True, "input_scaling": scaling, "target_scaling": scaling}
    reused, addresses = [], set()
    for X, y in DataLoader(inputs, targets, **options, reuse_batches=True):
        reused.append((X.copy(), y.copy()))
        addresses.add((X.ctypes.data, y.ctypes.data))
    assert len(addresses) == 1
    for ours, expected in zip(reused, DataLoader(inputs, targets, **options), strict=True):
        np.testing.assert_array_equal(ours[0], expected[0])
        np.testing.assert_array_equal(ours[1], expected[1])
