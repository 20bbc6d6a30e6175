from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npnn_cli.spec.yaml_text import read_yaml
from npnn_cli.spec.yaml_writing import write_inline, write_yaml

text = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufffe\uffff"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | text
    | st.sampled_from(
        ["1e3", "1e-3", "017", "0o7", "yes", "true", "~", ".inf", "a: b", "- a", "a\n b", "\t", "<<", "*a"]
    )
)
keys = text.filter(lambda key: key not in ("", "<<"))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@settings(max_examples=80, derandomize=True, database=None, deadline=None)
@given(st.dictionaries(keys, values, max_size=6))
def test_what_is_written_reads_back_the_same(data: dict[str, object]) -> None:
    document = read_yaml(write_yaml(data, block_lists=[key for key in data if len(key) % 2]), "f.yaml")
    assert document.mistakes == ()
    assert repr(document.data) == repr(data)  # repr: 1 and 1.0 and True are equal


def test_one_line_for_each_key_and_each_item_of_a_block_list() -> None:
    shared = [1, 2]
    data = {"lr": 1e-5, "none": None, "layers": ["ReLU", {"type": "Linear", "sizes": (3, 4)}], "a": shared, "b": shared}
    assert write_yaml(data, block_lists=["layers"]) == (
        "lr: 1e-05\nnone: null\nlayers:\n  - ReLU\n  - {type: Linear, sizes: [3, 4]}\na: [1, 2]\nb: [1, 2]\n"
    )


def test_lists_of_mappings_inside_a_block_list_get_lines_too() -> None:
    inner = {"type": "Sequential", "layers": ["ReLU", {"type": "Linear", "sizes": [3, 4]}]}
    data = {"model": [{"type": "Residual", "layers": [inner], "other": {"a": 1}}, {"type": "Names", "names": ["a"]}]}
    assert write_yaml(data, block_lists=["model"]) == (
        "model:\n"
        "  - type: Residual\n"
        "    layers:\n"
        "      - type: Sequential\n"
        "        layers:\n"
        "          - ReLU\n"
        "          - {type: Linear, sizes: [3, 4]}\n"
        "    other: {a: 1}\n"
        "  - {type: Names, names: [a]}\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.001, "0.001"),
        (1.0, "1.0"),
        (1e16, "1e+16"),
        (float("inf"), ".inf"),
        (float("-inf"), "-.inf"),
        (float("nan"), ".nan"),
        ("1e3", "'1e3'"),
        ("yes", "yes"),
        ("true", "'true'"),
        ([1] * 100, f"[{', '.join(['1'] * 100)}]"),
    ],
)
def test_inline_values(value: object, written: str) -> None:
    assert write_inline(value) == written
