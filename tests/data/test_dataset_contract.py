"""What every registered data set promises, each tried with the examples that it was registered with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pytest

import npnn_cli.data as data
from npnn_cli.data.dataset import Dataset, DataSplits, Split, Task
from npnn_cli.options import option_parameters
from npnn_cli.registry import datasets

CASES = [
    pytest.param((entry.component, use.options), id=f"{name}-{use.options}")
    for name, entry in datasets.items()
    for use in entry.examples
]


@dataclass(frozen=True)
class Loaded:
    dataset: Dataset
    options: dict[str, Any]
    splits: DataSplits
    again: DataSplits
    other_seed: DataSplits


@pytest.fixture(scope="module", params=CASES)
def loaded(request: pytest.FixtureRequest) -> Loaded:
    component, options = request.param
    dataset = component(**options)
    first, again, other_seed = (dataset.load(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    return Loaded(dataset, options, first, again, other_seed)


def parts(splits: DataSplits) -> tuple[Split, Split, Split]:
    return splits.train, splits.validation, splits.test


def samples(*some: Split) -> Counter[bytes]:
    """How often every sample, input and target together, is in the parts."""
    return Counter(x.tobytes() + y.tobytes() for part in some for x, y in zip(part.inputs, part.targets, strict=True))


def test_there_are_data_sets_of_both_tasks_and_the_package_names_them_all() -> None:
    assert {entry.component.task for entry in datasets.values()} == set(get_args(Task))
    assert set(datasets) <= set(data.__all__)


def test_inputs_are_as_declared(loaded: Loaded) -> None:
    for part in parts(loaded.splits):
        assert len(part) > 0
        assert part.inputs.shape == (len(part), *loaded.dataset.input_shape)
        assert part.inputs.dtype == loaded.splits.train.inputs.dtype
        assert part.inputs.dtype in (np.uint8, np.float64)


def test_targets_are_as_declared(loaded: Loaded) -> None:
    dataset = loaded.dataset
    for part in parts(loaded.splits):
        if dataset.task == "classification":
            assert part.targets.shape == (len(part),)
            assert part.targets.dtype == np.int64
            assert 0 <= part.targets.min() <= part.targets.max() < len(dataset.class_names)
        else:
            assert part.targets.shape == (len(part), 1)
            assert part.targets.dtype == np.float64
            assert np.isfinite(part.targets).all()


def test_names_suit_the_task(loaded: Loaded) -> None:
    dataset = loaded.dataset
    if dataset.task == "classification":
        assert len(set(dataset.class_names)) == len(dataset.class_names) > 1
        assert set(loaded.splits.train.targets) == set(range(len(dataset.class_names)))
    else:
        assert dataset.class_names == ()
        assert dataset.target_name


def test_options_are_remembered(loaded: Loaded) -> None:
    assert loaded.options.items() <= loaded.dataset.options.items()
    assert set(loaded.dataset.options) == set(option_parameters(type(loaded.dataset)))


def test_the_same_seed_gives_the_same_splits(loaded: Loaded) -> None:
    for part, again in zip(parts(loaded.splits), parts(loaded.again), strict=True):
        np.testing.assert_array_equal(part.inputs, again.inputs)
        np.testing.assert_array_equal(part.targets, again.targets)


def test_another_seed_gives_other_splits_of_the_same_sizes(loaded: Loaded) -> None:
    sizes, other_sizes = ([len(part) for part in parts(splits)] for splits in (loaded.splits, loaded.other_seed))
    assert sizes == other_sizes
    assert samples(loaded.splits.validation) != samples(loaded.other_seed.validation)
    assert samples(loaded.splits.train) != samples(loaded.other_seed.train)


def test_splits_are_disjoint_and_complete(loaded: Loaded) -> None:
    # A sample that were in two splits, or in none, would be another one with another seed.
    assert samples(*parts(loaded.splits)) == samples(*parts(loaded.other_seed))


def test_scaling_centres_the_training_inputs_and_is_undone(loaded: Loaded) -> None:
    scalings = [(loaded.splits.input_scaling, loaded.splits.train.inputs)]
    if loaded.dataset.task == "regression":
        assert loaded.splits.target_scaling is not None
        scalings.append((loaded.splits.target_scaling, loaded.splits.train.targets))
    else:
        assert loaded.splits.target_scaling is None
    for scaling, values in scalings:
        scaled = scaling(values[:10_000], np.float64)
        assert abs(scaled.mean()) < 0.05
        assert abs(scaled.std() - 1) < 0.05
        np.testing.assert_allclose(scaling.inverse(scaled), values[:10_000], rtol=1e-12, atol=1e-12)
