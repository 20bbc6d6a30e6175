from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npnn_cli.data import DataError
from npnn_cli.data.csv_table import read_csv


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,-2.5\n3e2,4\n",
        b"\xef\xbb\xbfa,b\r\n1,-2.5\r\n3e2,4",
        b'"a", b\n1, -2.5\n\n"300",4\n\n',
    ],
    ids=["plain", "windows", "quotes, spaces, blank lines"],
)
def test_columns_are_read_in_order(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    columns = read_csv(file)
    assert list(columns) == ["a", "b"]
    np.testing.assert_array_equal(columns["a"], [1.0, 300.0])
    np.testing.assert_array_equal(columns["b"], [-2.5, 4.0])
    assert all(column.dtype == np.float64 and column.flags.c_contiguous for column in columns.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1: the first line must name the columns"),
        (b"a,b\n", ": has no rows"),
        (b"a,,b\n1,2,3\n", ":1: column 2 has no name"),
        (b"a,b,a\n1,2,3\n", ":1: column 3 has the name 'a'"),
        (b"a,b\n1,2\n3,x\n", ":3: column 'b': expected a finite number, found 'x'"),
        (b"a,b\n1,2\n\n,4\n", ":4: column 'a': expected a finite number, found ''"),
        (b"a,b\nnan,2\n", ":2: column 'a': expected a finite number, found 'nan'"),
        (b"a,b\n1,-inf\n", ":2: column 'b': expected a finite number, found '-inf'"),
        (b"a,b\n1,2\n3\n", ":3: has 1 cells, but the header names 2 columns"),
        (b"a,b\n1,2,3\n", ":2: has 3 cells"),
        (b'a,b\n1,"2\n', ":2: is not valid CSV"),
        (b"a,b\n1,2\n\xff,3\n", ":3: is not UTF-8"),
    ],
)
def test_an_error_names_file_line_and_column(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_csv(file)
    assert str(caught.value).startswith(f"{file}{message}")
