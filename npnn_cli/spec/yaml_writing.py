"""Plain data to YAML text that reads well and reads back the same."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from npnn_cli.spec.yaml_text import CORE_SCHEMA


def write_yaml(data: Mapping[str, Any], block_lists: Collection[str] = ()) -> str:
    """Write a mapping, one line for each key: ``optimizer: {type: Adam, lr: 0.001}``.

    Args:
        data: text keys; values of dicts, lists, tuples, str, int, float, bool and None.
        block_lists: the keys whose lists get a line for each item, and likewise the lists of mappings inside these.
    """
    root = _node(dict(data))
    root.flow_style = False
    for key, value in root.value:
        if key.value in block_lists:
            value.flow_style = False
            _spread_lists_of_mappings(value)
    return _text(root)


def _spread_lists_of_mappings(node: yaml.Node) -> None:
    """Give a line to each item of every list of mappings inside this node, and to each key beside the list."""
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            if isinstance(value, yaml.SequenceNode) and any(isinstance(item, yaml.MappingNode) for item in value.value):
                node.flow_style = value.flow_style = False
            _spread_lists_of_mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _spread_lists_of_mappings(item)


def write_inline(value: Any) -> str:
    """Write a value in one line: ``[3, abc]``."""
    return _text(_node(value)).removesuffix("...\n").rstrip("\n")


def _node(value: Any) -> Any:
    return _Dumper(io.StringIO(), default_flow_style=True, sort_keys=False).represent_data(value)


def _text(node: yaml.Node) -> str:
    return str(yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=math.inf))


class _Dumper(yaml.SafeDumper):
    """Quotes exactly the texts that our reader would take for something else."""

    yaml_implicit_resolvers = CORE_SCHEMA

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key, too."""
        super().increase_indent(flow, False)

    def represent_float(self, data: float) -> yaml.ScalarNode:
        """Write the shortest digits that give the same float: 1e-05, where PyYAML writes 1.0e-05."""
        text = repr(data) if math.isfinite(data) else {math.inf: ".inf", -math.inf: "-.inf"}.get(data, ".nan")
        return self.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(float, _Dumper.represent_float)
