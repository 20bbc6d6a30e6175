from __future__ import annotations

import pytest

from npnn_cli.bench.readme import MarkerError, with_measurement

TEXT = "# Title\n\n<!-- bench:a -->\nold | table\n<!-- /bench:a -->\n\nmore\n<!-- bench:ab --><!-- /bench:ab -->\nend\n"


def test_only_what_stands_between_the_markers_is_replaced():
    assert with_measurement(TEXT, "a", "| new |") == TEXT.replace("old | table", "\n| new |\n")
    assert with_measurement(TEXT, "ab", "x") == TEXT.replace("ab --><", "ab -->\n\nx\n\n<")


def test_replacing_again_changes_nothing_more():
    once = with_measurement(TEXT, "a", "new")

    assert with_measurement(once, "a", "new") == once


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "<!-- bench:a -->",
        "<!-- /bench:a -->",
        "<!-- /bench:a -->\n<!-- bench:a -->",
        "<!-- bench:a --><!-- /bench:a --><!-- bench:a --><!-- /bench:a -->",
        "<!-- bench:b --><!-- /bench:b -->",
    ],
)
def test_a_text_without_the_place_is_refused_with_the_lines_that_would_mark_it(text):
    with pytest.raises(MarkerError, match="<!-- bench:a -->\n<!-- /bench:a -->"):
        with_measurement(text, "a", "new")
