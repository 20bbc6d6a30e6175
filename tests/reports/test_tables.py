"""Tables as a pipe and as a terminal would receive them."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from npnn_cli.reports.tables import (
    check_table,
    classification_table,
    component_table,
    confusion_table,
    layer_table,
    regression_table,
)
from npnn_cli.training.layers import LayerSummary
from npnn_cli.training.metrics import RegressionReport, classification_report

TARGETS = np.array([0] * 1200 + [1] * 800 + [2] * 10)
SCORES = np.eye(3)[np.where(np.arange(2010) % 7 == 0, 1, TARGETS)]
THREE_CLASSES = classification_report(TARGETS, SCORES)
NAMES = ["setosa", "[red]versicolor[/]", ":smile:"]  # names that Rich would read as markup and emoji

TABLES = {
    "layers": layer_table(
        [
            LayerSummary("0", 0, "Conv2d(1, 8, kernel_size=[red])", (8, 28, 28), 80, 0),
            LayerSummary("1", 0, "Sequential()", (1000,), 0, 0),
            LayerSummary("1.0", 1, "Linear(784, 1000)", (1000,), 785_000, 0),
        ]
    ),
    "no layers": layer_table([]),
    "classification": classification_table(THREE_CLASSES, NAMES),
    "confusion": confusion_table(THREE_CLASSES.confusion_matrix, NAMES),
    "regression": regression_table(RegressionReport(mse=3191.0249, mae=45.5, r2=-0.125), "[bold]price"),
    "components": component_table([("op [b]sum", 12, 3.1e-11, 1e-6, True), ("layer GELU", 2, np.inf, 1e-9, False)]),
    "checks": check_table(
        [
            ("Linear weight", "(4, 3)", 3.1e-11, 1e-6, True),
            ("[b]loss", "()", 2e-2, 1e-9, False),
            ("x", "(2,)", np.nan, 1e-9, False),
        ]
    ),
}


def printed(table, width=100, **options):
    """The lines that a console writes, by default one that is no terminal."""
    stream = io.StringIO()
    Console(file=stream, width=width, **options).print(table)
    return stream.getvalue().splitlines()


def cells(line):
    return line.split()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_piped_table_is_plain_and_aligned(table):
    lines = printed(table)
    assert len({len(line) for line in lines}) == 1
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    for line in lines:
        assert line.isprintable()


@pytest.mark.parametrize("name", ["layers", "classification", "confusion", "regression"])
def test_numbers_are_aligned_right(name):
    lines = printed(TABLES[name])
    assert all(not line.endswith(" ") for line in lines), "the last column holds numbers"


@pytest.mark.parametrize(
    ("table", "literal"),
    [
        ("layers", "kernel_size=[red])"),
        ("classification", "[red]versicolor[/]"),
        ("classification", ":smile:"),
        ("confusion", "[red]versicolor[/]"),
        ("regression", "[bold]price"),
        ("checks", "[b]loss"),
        ("components", "op [b]sum"),
    ],
)
def test_names_are_printed_as_they_are(table, literal):
    assert literal in "\n".join(printed(TABLES[table]))


def test_layers_end_in_a_total():
    lines = printed(TABLES["layers"])
    assert cells(lines[2]) == ["0", "Conv2d(1,", "8,", "kernel_size=[red])", "(8,", "28,", "28)", "80"]
    assert cells(lines[4]) == ["1.0", "Linear(784,", "1000)", "(1000,)", "785,000"]
    assert cells(lines[-1]) == ["total", "785,080"]


def test_layers_inside_others_are_indented_and_what_is_frozen_is_told():
    rows = [LayerSummary("1", 0, "Sequential()", (9,), 0, 0), LayerSummary("1.0", 1, "Linear(3, 9)", (9,), 1036, 1027)]
    lines = printed(layer_table(rows))
    outer, inner = lines[2].index("Sequential"), lines[3].index("Linear")
    assert inner == outer + 2
    assert cells(lines[-2]) == ["total", "1,036"]
    assert cells(lines[-1]) == ["of", "these", "frozen", "1,027"]


def test_classification_shows_every_class_and_the_averages():
    rows = {line[:18].strip(): cells(line[18:]) for line in printed(TABLES["classification"])}
    report = THREE_CLASSES
    assert rows["setosa"] == [
        f"{report.precision[0]:.4f}",
        f"{report.recall[0]:.4f}",
        f"{report.f1[0]:.4f}",
        "1,200",
    ]
    for name, average in (("macro average", report.macro), ("weighted average", report.weighted)):
        assert rows[name] == [f"{average.precision:.4f}", f"{average.recall:.4f}", f"{average.f1:.4f}", "2,010"]
    assert rows["accuracy"] == [f"{report.accuracy:.4f}", "2,010"]
    assert "area under ROC" not in rows


@pytest.mark.parametrize(("targets", "shown"), [([0, 1], "1.0000"), ([1, 1], "nan")])
def test_area_under_roc_is_shown_for_two_classes(targets, shown):
    table = classification_table(classification_report(np.array(targets), np.eye(2)), ["a", "b"])
    assert cells(printed(table)[-1]) == ["area", "under", "ROC", shown, "2"]


def test_confusion_has_true_classes_in_rows():
    lines = printed(confusion_table(np.array([[10, 2], [0, 1234]]), ["cat", "dog"]))
    assert cells(lines[0]) == ["true", "\\", "predicted", "cat", "dog"]
    assert [cells(line) for line in lines[2:]] == [["cat", "10", "2"], ["dog", "0", "1,234"]]


def test_the_confusion_of_ten_classes_fits_on_a_narrow_terminal():
    counts = np.full((10, 10), 23) + np.diag([1000, 1100, *[900] * 8])
    lines = printed(confusion_table(counts, [f"{digit}" for digit in range(10)]), width=60)
    assert [cells(line)[0] for line in lines[-10:]] == [f"{digit}" for digit in range(10)]
    assert [cells(line)[1:] for line in lines[-10:]] == [[f"{count:,}" for count in row] for row in counts]


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c", "d"]])
def test_names_that_do_not_fit_are_refused(names):
    with pytest.raises(ValueError, match="zip"):
        classification_table(THREE_CLASSES, names)
    with pytest.raises(ValueError, match="zip"):
        confusion_table(THREE_CLASSES.confusion_matrix, names)


def test_right_predictions_are_bold_on_a_terminal():
    table = confusion_table(np.array([[10, 2], [3, 40]]), ["cat", "dog"])
    rows = printed(table, force_terminal=True, color_system="standard", _environ={})[2:]
    assert [re.findall(r"\x1b\[1m *(\d+)", row) for row in rows] == [["10"], ["40"]]


def test_regression_names_its_metrics():
    rows = [cells(line)[-1] for line in printed(TABLES["regression"])]
    assert rows[2:] == ["3191.02", "45.5", "-0.1250"]


def test_checks_tell_what_differs():
    lines = printed(TABLES["checks"])
    assert cells(lines[2]) == ["Linear", "weight", "(4,", "3)", "3.1e-11", "(1e-06)", "ok"]
    assert cells(lines[3]) == ["[b]loss", "()", "2.0e-02", "(1e-09)", "DIFFERS"]
    assert cells(lines[4])[-3:] == ["nan", "(1e-09)", "DIFFERS"]


def test_components_tell_how_many_cases_they_have_and_the_worst():
    lines = printed(TABLES["components"])
    assert cells(lines[2]) == ["op", "[b]sum", "12", "3.1e-11", "(1e-06)", "ok"]
    assert cells(lines[3]) == ["layer", "GELU", "2", "inf", "(1e-09)", "DIFFERS"]


def test_failed_check_alone_is_red_on_a_terminal():
    lines = printed(TABLES["checks"], force_terminal=True, color_system="standard", _environ={})
    red = "\x1b[1;31m"
    assert [red in line for line in lines[2:]] == [False, True, True]
