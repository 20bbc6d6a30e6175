from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.bench.parity import differences

OURS = {"outputs": np.array([[1.0, -10.0], [0.0, 2.0]]), "loss": np.array(0.5)}


def changed(what: str, value: object) -> dict[str, np.ndarray]:
    return {**OURS, what: np.asarray(value)}


@pytest.mark.parametrize(
    ("dtype", "by", "found"),
    [("float32", 9e-4, []), ("float32", 1.1e-3, ["outputs"]), ("float64", 9e-9, []), ("float64", 1.1e-8, ["outputs"])],
)
def test_differences_are_relative_to_the_largest_element(dtype, by, found):
    theirs = changed("outputs", OURS["outputs"] + [[0, 0], [by, 0]])

    assert [difference.what for difference in differences(theirs, OURS, dtype)] == found


def test_a_difference_says_how_large_it_is():
    (found,) = differences(changed("loss", 0.75), OURS, "float32")

    assert (found.what, found.size, str(found)) == ("loss", 0.5, "loss by 5.0e-01")


@pytest.mark.parametrize("wrong", [np.full((2, 2), np.nan), np.ones((2, 3)), np.ones(2)])
def test_what_is_not_finite_or_of_another_shape_differs(wrong):
    (found,) = differences(changed("outputs", wrong), OURS, "float32")

    assert found.size == float("inf")


def test_nothing_is_the_same_as_nan():
    ours = changed("loss", np.nan)

    assert [difference.what for difference in differences(ours, ours, "float32")] == ["loss"]


def test_zero_is_compared_absolutely():
    ours = {"loss": np.zeros(3)}

    assert differences({"loss": np.full(3, 5e-5)}, ours, "float32") == []
    assert len(differences({"loss": np.full(3, 2e-4)}, ours, "float32")) == 1


@pytest.mark.parametrize("theirs", [{}, {"gradient of nothing": np.ones(1)}])
def test_a_comparison_of_nothing_proves_nothing(theirs):
    with pytest.raises(ValueError, match="must be some of"):
        differences(theirs, OURS, "float32")


def test_a_part_of_the_answers_can_be_compared():
    assert differences({"loss": OURS["loss"]}, OURS, "float32") == []
