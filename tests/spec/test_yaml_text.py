from __future__ import annotations

import math

import pytest

from npnn_cli.spec.errors import SpecError
from npnn_cli.spec.yaml_text import MAX_DEPTH, MAX_SIZE, decode, read_yaml


def mistakes(text: str) -> list[tuple[int, int, str]]:
    """Line, column and message of all mistakes that reading finds by itself."""
    try:
        document = read_yaml(text, "f.yaml")
    except SpecError as error:
        return [(m.line, m.column, m.message) for m in error.mistakes]
    return [(m.line, m.column, m.message) for m in document.mistakes]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("017", 17),
        ("-017", -17),
        ("+1", 1),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0", 0),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("-0x1F", "-0x1F"),
        ("1e", "1e"),
        ("e3", "e3"),
        (".", "."),
        ("tRue", "tRue"),
        ("=", "="),
        ("'1e-3'", "1e-3"),
        ('"true"', "true"),
        ("''", ""),
        ('"a\\tb\\u00e9"', "a\tbé"),
        ("[1, a, [2.5]]", [1, "a", [2.5]]),
        ("{b: {c: null}}", {"b": {"c": None}}),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_scalars_are_read_by_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    read = read_yaml(f"a: {text}", "f.yaml").data["a"]
    assert read == value
    assert type(read) is type(value)


def test_nan_is_read() -> None:
    assert math.isnan(read_yaml("a: .nan", "f.yaml").data["a"])


def test_every_key_and_value_has_its_position() -> None:
    text = "# comment\nname: é x\nmodel:\n  - Flatten\n  - {type: Linear, sizes: [3, 4]}\nlast:\n"
    source_map = read_yaml(text, "f.yaml").source_map
    assert dict(source_map.values) == {
        (): (2, 1),
        ("name",): (2, 7),
        ("model",): (4, 3),
        ("model", 0): (4, 5),
        ("model", 1): (5, 5),
        ("model", 1, "type"): (5, 12),
        ("model", 1, "sizes"): (5, 27),
        ("model", 1, "sizes", 0): (5, 28),
        ("model", 1, "sizes", 1): (5, 31),
        ("last",): (6, 6),
    }
    assert dict(source_map.keys) == {
        ("name",): (2, 1),
        ("model",): (3, 1),
        ("model", 1, "type"): (5, 6),
        ("model", 1, "sizes"): (5, 20),
        ("last",): (6, 1),
    }


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(line_break: str) -> None:
    assert read_yaml(f"a: 1{line_break}{line_break}b: 2", "f.yaml").source_map.keys["b",] == (3, 1)


def test_a_byte_order_mark_is_no_column() -> None:
    assert read_yaml("\ufeffa: 1", "f.yaml").source_map.values["a",] == (1, 4)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "duplicate key 'a': it stands at 1:1 already"),
        ("a: {b: 1, 'b': 2}", 1, 11, "duplicate key 'b': it stands at 1:5 already"),
        ("a: *x", 1, 4, "aliases (*name) are not supported: write the value out"),
        ("*x : 1", 1, 1, "aliases (*name) are not supported: write the value out"),
        ("a: &x 1", 1, 4, "anchors (&name) are not supported: leave it out"),
        ("&x {a: 1}", 1, 1, "anchors (&name) are not supported: leave it out"),
        ("a: !custom 1", 1, 4, "tags (!name) are not supported: leave it out"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "tags (!name) are not supported: leave it out"),
        ("a: !!int 3", 1, 4, "tags (!name) are not supported: leave it out"),
        ("a: ! 3", 1, 4, "tags (!name) are not supported: leave it out"),
        ("!!map {a: 1}", 1, 1, "tags (!name) are not supported: leave it out"),
        ("a:\n  <<: {b: 1}", 2, 3, "merge keys (<<) are not supported: write the values out"),
        ("1: a", 1, 1, "expected a name before the ':', got 1"),
        ("true: a", 1, 1, "expected a name before the ':', got true"),
        ("null: a", 1, 1, "expected a name before the ':', got null"),
        ("?\n: a", 1, 2, "expected a name before the ':'"),
        ("[a, b]: c", 1, 1, "expected a name before the ':'"),
        ("a: 1e999", 1, 4, "this number is too large: it needs more than 64 bits"),
        ("a: 9223372036854775808", 1, 4, "this number is too large: it needs more than 64 bits"),
        ("a: " + "9" * 5000, 1, 4, "this number is too large: it needs more than 64 bits"),
        ('a: "\\0"', 1, 4, "the character U+0000 is not allowed in a spec"),
        ('a: "\\ud800"', 1, 4, "the character U+D800 is not allowed in a spec"),
        ('"\\e": 1', 1, 1, "the character U+001B is not allowed in a spec"),
        ("a: 1\nb: x\x07", 2, 5, "the character U+0007 is not allowed in a spec"),
        ("a: 1\r\rb: \x07", 3, 4, "the character U+0007 is not allowed in a spec"),
        ("a: 1 # \x00", 1, 8, "the character U+0000 is not allowed in a spec"),
        ("a: x\u2028b: y", 1, 5, "the character U+2028 is not allowed in a spec"),
        ("", 1, 1, "is empty: expected keys such as 'data', 'model' and 'training'"),
        ("# only a comment\n", 1, 1, "is empty: expected keys such as 'data', 'model' and 'training'"),
        ("\n- a", 2, 1, "expected keys such as 'data:', 'model:' and 'training:' at the top level"),
        ("just text", 1, 1, "expected keys such as 'data:', 'model:' and 'training:' at the top level"),
        ("---\n", 2, 1, "expected keys such as 'data:', 'model:' and 'training:' at the top level"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document begins here: a file holds one spec"),
        ("a: " + "[" * 5000, 1, 3 + MAX_DEPTH, f"this is nested deeper than {MAX_DEPTH} levels"),
        ("- " * 5000, 1, 1 + 2 * MAX_DEPTH, f"this is nested deeper than {MAX_DEPTH} levels"),
        ("{a: " * 5000, 1, 2 + 4 * (MAX_DEPTH - 1), f"this is nested deeper than {MAX_DEPTH} levels"),
        ("#" * (MAX_SIZE + 1), 0, 0, "is larger than a megabyte: this cannot be a spec"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_traps_are_mistakes(text: str, line: int, column: int, message: str) -> None:
    assert mistakes(text) == [(line, column, message)]


def test_reading_goes_on_after_a_mistake_and_keeps_what_is_sound() -> None:
    document = read_yaml("a: 1\na: 2\nb: [3, *x, &x , &x ]\n4: 5\nc: 6", "f.yaml")
    assert document.data == {"a": 1, "b": [3, None, None, None], "c": 6}
    assert [(m.line, m.column) for m in document.mistakes] == [(2, 1), (3, 8), (3, 12), (3, 17), (4, 1)]
    assert document.is_readable(("b", 0))
    assert not document.is_readable(("b", 1))
    assert not document.is_readable(("b", 1, "deeper"))


def test_an_alias_cannot_grow_the_data() -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 10)]
    document = read_yaml("\n".join(["l0: &l0 [lol]", *levels]), "f.yaml")
    assert set(document.data.values()) == {None}


def test_as_deep_as_allowed_is_read() -> None:
    depth = MAX_DEPTH - 1
    assert mistakes("a: " + "[" * depth + "]" * depth) == []


@pytest.mark.parametrize(
    ("content", "line", "column", "byte"),
    [
        (b"a: 1\nb: \xe9t\xe9", 2, 4, "0xE9"),
        ("\ufeffa: 1".encode("utf-16"), 1, 1, "0xFF"),
        ("é: ".encode() + b"\xff", 1, 4, "0xFF"),
    ],
)
def test_bytes_that_are_not_utf_8_are_located(content: bytes, line: int, column: int, byte: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode(content, "f.yaml")
    assert str(caught.value) == f"f.yaml:{line}:{column}  the byte {byte} is not UTF-8: save the file as UTF-8 text"


def test_too_many_bytes_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(SpecError, match="larger than a megabyte"):
        decode("é".encode() * (MAX_SIZE // 2) + b"\xc3", "f.yaml")
