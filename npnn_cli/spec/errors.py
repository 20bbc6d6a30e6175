"""Mistakes in a spec: what is wrong, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""The way to a part of a spec: ``("model", 1, "out_features")``."""


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong with a spec.

    Attributes:
        source: the file, as the user named it.
        line: 1-based; 0 where the file as a whole is meant.
        column: 1-based, in characters; 0 where the file as a whole is meant.
        message: what is wrong, what was expected, what to do.
    """

    source: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        position = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.source}{position}  {' '.join(self.message.split())}"  # one line, whatever it quotes


class SpecError(ValueError):
    """A spec that cannot be used; the text has a line for each mistake.

    Attributes:
        mistakes: all of them, in the order in which they stand in the file.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(frozen=True)
class Finding:
    """A mistake that is known by its path and is still to be located in the text.

    Attributes:
        path: the part of the spec that is wrong; if it is not in the text, the nearest part around it is shown.
        message: as in :class:`Mistake`.
        at_key: whether the key is wrong rather than its value.
    """

    path: KeyPath
    message: str
    at_key: bool = False
