"""Rows of epochs: the same width, whatever happens in a run."""

from __future__ import annotations

import math

import pytest

from npnn_cli.reports.epoch_table import EpochTable

COLUMNS = ["epoch", "train_loss", "val_loss", "val_accuracy", "learning_rate", "seconds"]
RECORD = {
    "epoch": 7,
    "train_loss": 0.54321,
    "val_loss": 0.6,
    "val_accuracy": 0.98765,
    "learning_rate": 1e-3,
    "seconds": 1.234,
}


@pytest.mark.parametrize("best", [False, True])
@pytest.mark.parametrize(
    "value",
    [0.0, 0.5, 999.99999, 1000.0, 123456.0, 1e-5, -1.5, -999.99, -1.2345e-200, 1e308, math.nan, math.inf, -math.inf],
)
def test_every_line_is_as_wide_as_the_header(value, best):
    table = EpochTable([*COLUMNS, "mae"], total_epochs=100)
    for epoch in (1, 99, 100):
        row = table.row({**RECORD, "epoch": epoch, "val_accuracy": value, "mae": value}, best=best)
        assert len(row) == len(table.header())


@pytest.mark.parametrize("total_epochs", [1, 20, 5000])
def test_columns_end_below_their_names(total_epochs):
    table = EpochTable(COLUMNS, total_epochs)
    header, row = table.header(), table.row({**RECORD, "epoch": 1})
    for name, value in (("train loss", "0.5432"), ("val accuracy", "0.9877"), ("learning rate", "0.001")):
        assert header.index(name) + len(name) == row.index(value) + len(value)


def test_row_shows_every_column():
    table = EpochTable(COLUMNS, total_epochs=20)
    assert table.row(RECORD).split() == ["7/20", "0.5432", "0.6000", "0.9877", "0.001", "1.23"]
    assert table.header().replace("  ", "\n").split("\n")[-1].strip() == "seconds"


def test_star_marks_a_new_best():
    table = EpochTable(COLUMNS, total_epochs=20)
    assert table.row(RECORD, best=True).split()[0] == "7/20*"
    assert table.row(RECORD, best=True).replace("*", " ") == table.row(RECORD)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.0000"), (0.0123456, "0.0123"), (0.0098765, "9.88e-03"), (12345.0, "1.23e+04"), (math.nan, "nan")],
)
def test_small_and_large_numbers_keep_their_digits(value, shown):
    assert EpochTable(["train_loss"], 5).row({"epoch": 1, "train_loss": value}).split()[-1] == shown


def test_missing_value_is_a_dash_and_further_keys_are_ignored():
    row = EpochTable(["train_loss", "val_loss"], 5).row({"epoch": 2, "train_loss": 1.0, "other": 3.0})
    assert row.split() == ["2/5", "1.0000", "-"]


def test_epoch_comes_first_whether_named_or_not():
    assert EpochTable(["epoch", "val_loss"], 5).header() == EpochTable(["val_loss"], 5).header()


def test_on_a_narrow_terminal_the_last_columns_are_left_out():
    whole = EpochTable(COLUMNS, total_epochs=20)
    widths = [len(EpochTable(COLUMNS[:count], total_epochs=20).header()) for count in range(2, 7)]
    assert EpochTable(COLUMNS, 20, width=len(whole.header())).header() == whole.header()
    for count, width in enumerate(widths[:-1], start=2):
        narrow = EpochTable(COLUMNS, 20, width=width)
        assert narrow.header() == EpochTable(COLUMNS[:count], 20).header()
        assert len(narrow.row(RECORD, best=True)) == width
    assert EpochTable(COLUMNS, 20, width=1).row(RECORD).split() == ["7/20", "0.5432"]
