from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.data import MNIST, Diabetes, Split
from npnn_cli.data.splitting import draw_parts, held_out_count


@pytest.mark.parametrize(("size", "count"), [(1, 1), (30, 30), (99, 99), (0.01, 1), (0.25, 25), (0.99, 99)])
def test_an_int_counts_and_a_float_is_a_fraction(size: int | float, count: int) -> None:
    assert held_out_count("validation", size, 100) == count


@pytest.mark.parametrize("size", [0, -1, 100, 0.0, 1.0, -0.5, 1.5, 0.001, 0.999, float("nan"), float("inf"), True])
def test_a_size_out_of_range_says_what_is_possible(size: int | float) -> None:
    with pytest.raises(ValueError, match=r"^validation is .* 1 to 99 of 100 samples: .* such as 10, or a fraction"):
        held_out_count("validation", size, 100)


def test_parts_are_random_disjoint_complete_and_ordered() -> None:
    parts = draw_parts(100, [20, 30], np.random.default_rng(0))
    assert [len(part) for part in parts] == [20, 30, 50]
    assert sorted(np.concatenate(parts)) == list(range(100))
    assert all((np.diff(part) > 0).all() for part in parts)
    others = draw_parts(100, [20, 30], np.random.default_rng(1))
    assert not any(np.array_equal(part, other) for part, other in zip(parts, others, strict=True))


@pytest.mark.parametrize(
    ("dataset", "options", "message"),
    [
        (MNIST, {"validation": 60_000}, "validation is 60000.* 1 to 59999 of 60000"),
        (MNIST, {"validation": 1.0}, r"validation is 1\.0"),
        (Diabetes, {"validation": 442}, "validation is 442"),
        (Diabetes, {"test": 0}, "test is 0"),
        (Diabetes, {"validation": 0.5, "test": 221}, r"validation \(221\) and test \(221\) together leave none"),
    ],
)
def test_a_dataset_refuses_such_sizes_before_it_reads_data(
    dataset: type[MNIST] | type[Diabetes], options: dict[str, int | float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(**options)


def test_a_split_has_as_many_inputs_as_targets() -> None:
    assert len(Split(np.zeros((3, 2)), np.zeros(3))) == 3
    with pytest.raises(ValueError, match="3 inputs but 4 targets"):
        Split(np.zeros((3, 2)), np.zeros(4))
