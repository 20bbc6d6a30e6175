"""YAML text to plain data in which every key and value has its position.

PyYAML does the parsing; what it would do with the parsed text is replaced, because its defaults are traps: ``1e-3`` is
text to it, ``no`` is false, ``12:30`` is 750, of two equal keys the last wins, and aliases can blow up memory. Scalars
are read by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), and whatever a spec does not
need (aliases, tags, merge keys, several documents) is a mistake.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from npnn_cli.spec.errors import Finding, KeyPath, Mistake, SpecError
from npnn_cli.spec.source_map import Position, SourceMap
from npnn_cli.spec.yaml_syntax import explain

MAX_SIZE = 1_000_000
MAX_DEPTH = 50

# Beside control characters and surrogates also the rare line breaks, which PyYAML counts and editors do not.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NULL, _BOOL, _INT, _FLOAT, _STR = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))

CORE_SCHEMA: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {
    None: [  # whatever the first character is
        (_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z")),
        (_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
        (_INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")),
        (_FLOAT, re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")),
        (_FLOAT, re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")),
    ]
}

_REFUSED = {
    "alias": "aliases (*name) are not supported: write the value out",
    "anchor": "anchors (&name) are not supported: leave it out",
    "tag": "tags (!name) are not supported: leave it out",
}


@dataclass(frozen=True)
class YamlDocument:
    """What a YAML text says.

    Attributes:
        data: dicts with text keys, lists, str, int, float, bool and None.
        source_map: where each of them stands.
        mistakes: what had to be left out; the data goes on without it, so that more mistakes can be found.
        unreadable: the paths of values that were left out; None stands in their place.
    """

    data: dict[str, Any]
    source_map: SourceMap
    mistakes: tuple[Mistake, ...]
    unreadable: frozenset[KeyPath]

    def is_readable(self, path: KeyPath) -> bool:
        """Whether the value at ``path`` is what the text says, not a stand-in for something unreadable."""
        return not any(path[:length] in self.unreadable for length in range(len(path) + 1))


def decode(content: bytes, source: str) -> str:
    """Decode the bytes of a YAML file.

    Raises:
        SpecError: if they are too many or not UTF-8; the position is the first wrong byte's.
    """
    _check_size(content, source)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _position_at_end_of(content[: error.start].decode("utf-8"))
        message = f"the byte 0x{content[error.start]:02X} is not UTF-8: save the file as UTF-8 text"
        raise SpecError([Mistake(source, line, column, message)]) from None


def read_yaml(text: str, source: str) -> YamlDocument:
    """Read a text that holds one YAML mapping.

    Raises:
        SpecError: if the text is not YAML or not a mapping, is larger than a megabyte or nested deeper than 50 levels.
    """
    _check_size(text, source)
    if forbidden := _FORBIDDEN.search(text):
        position = _position_at_end_of(text[: forbidden.start()])
        raise SpecError([Mistake(source, *position, _forbidden_character(forbidden))])
    root = _compose(text, source)
    if root is None:
        raise SpecError([Mistake(source, 1, 1, "is empty: expected keys such as 'data', 'model' and 'training'")])
    reading = _Reading(source)
    data = reading.plain(root, ())
    if not isinstance(data, dict):
        message = "expected keys such as 'data:', 'model:' and 'training:' at the top level"
        raise SpecError(reading.mistakes or [Mistake(source, *_position(root), message)])
    return YamlDocument(data, reading.source_map, tuple(reading.mistakes), frozenset(reading.unreadable))


def _check_size(content: str | bytes, source: str) -> None:
    if len(content) > MAX_SIZE:
        raise SpecError([Mistake(source, 0, 0, "is larger than a megabyte: this cannot be a spec")])


def _compose(text: str, source: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise SpecError([explain(error, source)]) from None
    except (ValueError, OverflowError):
        # PyYAML hands the number of an escape such as "\UFFFFFFFF" to chr() unchecked.
        mark = loader.get_mark()
        raise SpecError([Mistake(source, mark.line + 1, mark.column + 1, "this number is too large")]) from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Composes nodes by the core schema; aliases, anchors and tags become nodes tagged as such, for a later report."""

    yaml_implicit_resolvers = CORE_SCHEMA

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        parser: Any = self  # PyYAML's stubs leave the events untyped
        event = parser.peek_event()
        if parser.check_event(yaml.AliasEvent):
            parser.get_event()
            return yaml.ScalarNode("alias", "", event.start_mark)
        refused = "anchor" if event.anchor is not None else "tag" if event.tag is not None else None
        event.anchor = None  # two of the same name would end the reading
        if self._depth == MAX_DEPTH:
            problem = f"this is nested deeper than {MAX_DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if refused and node:
            node.tag = refused
        return node


class _Reading:
    """Turns nodes into plain data, noting positions and mistakes on the way."""

    def __init__(self, source: str) -> None:
        self.mistakes: list[Mistake] = []
        self.unreadable: list[KeyPath] = []
        self._values: dict[KeyPath, Position] = {}
        self._keys: dict[KeyPath, Position] = {}
        self.source_map = SourceMap(source, self._values, self._keys)

    def plain(self, node: yaml.Node, path: KeyPath) -> Any:
        """The data of a node; None for what cannot be read."""
        self._values[path] = _position(node)
        if node.tag in _REFUSED:
            return self._unreadable(path, _REFUSED[node.tag])
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]
        if forbidden := _FORBIDDEN.search(node.value):
            return self._unreadable(path, _forbidden_character(forbidden))
        try:
            return _scalar(node)
        except OverflowError:
            return self._unreadable(path, "this number is too large: it needs more than 64 bits")

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key_path = (*path, key_node.value) if isinstance(key_node.value, str) else path
            if wrong := self._wrong_key(key_node, key_path):
                self.mistakes.append(Mistake(self.source_map.source, *_position(key_node), wrong))
            else:
                self._keys[key_path] = _position(key_node)
                data[key_node.value] = self.plain(value_node, key_path)
        return data

    def _wrong_key(self, node: yaml.Node, path: KeyPath) -> str | None:
        if node.tag in _REFUSED:
            return _REFUSED[node.tag]
        if not isinstance(node, yaml.ScalarNode) or node.value == "":
            return "expected a name before the ':'"
        if forbidden := _FORBIDDEN.search(node.value):
            return _forbidden_character(forbidden)
        if node.value == "<<":
            return "merge keys (<<) are not supported: write the values out"
        if node.tag != _STR:
            return f"expected a name before the ':', got {node.value}"
        if path in self._keys:
            line, column = self._keys[path]
            return f"duplicate key '{node.value}': it stands at {line}:{column} already"
        return None

    def _unreadable(self, path: KeyPath, message: str) -> None:
        self.unreadable.append(path)
        self.mistakes.append(self.source_map.locate(Finding(path, message)))


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    """Read a scalar by the core schema; OverflowError for a number of more than 64 bits."""
    text: str = node.value
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return text.lower() == "true"
    if node.tag == _INT:
        return _integer(text)
    if node.tag == _FLOAT:
        number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if math.isinf(number) and "inf" not in text.lower():
            raise OverflowError
        return number
    return text


def _integer(text: str) -> int:
    if len(text.lstrip("+-0")) > 64:  # int() refuses thousands of digits with an error of its own
        raise OverflowError
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    number = int(text, base)
    if not -(2**63) <= number < 2**63:
        raise OverflowError
    return number


def _forbidden_character(match: re.Match[str]) -> str:
    return f"the character U+{ord(match.group()):04X} is not allowed in a spec"


def _position(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _position_at_end_of(text: str) -> Position:
    lines = re.split("\r\n|\r|\n", text)
    return len(lines), len(lines[-1]) + 1
