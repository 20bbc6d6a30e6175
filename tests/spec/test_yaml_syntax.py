from __future__ import annotations

import pytest

from npnn_cli.spec.errors import SpecError
from npnn_cli.spec.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: [1, 2", 2, 4, "this bracket is never closed"),
        ("a: {b: 1\n", 1, 4, "this bracket is never closed"),
        ("a: 'x\nb: 1", 1, 4, "this quote is never closed"),
        ('a: "\n---\n"', 1, 4, "this quote is never closed"),
        ("a: 1\nepochs 3\nb: 2", 2, 1, "expected ':' after this key"),
        ("a: *.csv", 1, 4, "put it in quotes"),
        ("a: & b", 1, 4, "put it in quotes"),
        ("a: !<x", 1, 4, "put it in quotes"),
        ("a: !x!y z", 1, 4, "put it in quotes"),
        ("a: |x|", 1, 4, "put it in quotes"),
        ("%YAML 2.0\n---\na: 1", 1, 1, "instruction to YAML readers"),
        ("%YAML x\n---\na: 1", 1, 1, "instruction to YAML readers"),
        ("a:\n\tb: 1", 2, 1, "a tab cannot stand here: indent with spaces"),
        ("a: @x", 1, 4, "a value cannot begin with @: put it in quotes"),
        ("a: b: c", 1, 5, "this ':' cannot stand here"),
        ("training\nepochs: 3", 2, 7, "check the indentation and the line above"),
        ("a: - b", 1, 4, "a list item '-' cannot stand here"),
        ("a: ? b", 1, 4, "a '?' cannot stand here"),
        ("\na:\n  b: 1\n c: 2", 4, 2, "this does not fit what begins in line 2"),
        ("\na: [\n1}", 3, 2, "expected ',' or ']' here, for the bracket that is opened in line 2"),
        ("a: {b: 1\nc: 2}", 2, 2, "expected ',' or '}' here, for the bracket that is opened in line 1"),
        ("a: ]", 1, 4, "expected a value here, got ']'"),
        ("a: {b: 1,, c: 2}", 1, 10, "expected a value here, got ','"),
        ("{a: 1} x", 1, 8, "nothing may follow the end of the spec"),
        ('a: "C:\\data"', 1, 8, "unknown escape"),
        ('a: "C:\\Users"', 1, 9, "unknown escape"),
        ('a: "\\U00110000"', 1, 7, "this number is too large"),
        ('a: "\\UFFFFFFFF"', 1, 7, "this number is too large"),
    ],
)
def test_syntax_errors_are_explained_where_a_person_would_look(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_yaml(text, "f.yaml")
    [mistake] = caught.value.mistakes
    assert (mistake.line, mistake.column) == (line, column)
    assert words in mistake.message
