"""Where each part of a spec stands in its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from npnn_cli.spec.errors import Finding, KeyPath, Mistake

Position = tuple[int, int]
"""Line and column, both 1-based."""


@dataclass(frozen=True)
class SourceMap:
    """The positions of all keys and values of one text.

    Positions are no part of what a spec says: all maps are equal, so that specs are compared by their content alone.
    """

    source: str = field(default="spec", compare=False)
    values: Mapping[KeyPath, Position] = field(default_factory=dict, compare=False)
    keys: Mapping[KeyPath, Position] = field(default_factory=dict, compare=False)

    def locate(self, finding: Finding) -> Mistake:
        """Give a finding the position of its key or value, or of the nearest part of the text around it."""
        if finding.at_key and finding.path in self.keys:
            line, column = self.keys[finding.path]
        else:
            line, column = self._nearest(finding.path)
        return Mistake(self.source, line, column, finding.message)

    def _nearest(self, path: KeyPath) -> Position:
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))
