"""The place of a measurement in a README: between two comments that Markdown does not show."""

from __future__ import annotations


class MarkerError(ValueError):
    """A file does not hold the place for a measurement; the message says what to write there."""


def with_measurement(text: str, name: str, content: str) -> str:
    """The text with ``content`` in the place of whatever stands between the comments of this name.

    Args:
        text: Markdown with ``<!-- bench:NAME -->`` and, after it, ``<!-- /bench:NAME -->``.
        name: of the measurement.
        content: Markdown.

    Raises:
        MarkerError: if the two comments are not both there, once and in this order.
    """
    opening, closing = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    before, found, rest = text.partition(opening)
    _, ended, after = rest.partition(closing)
    if not (found and ended) or text.count(opening) + text.count(closing) > 2:
        raise MarkerError(f"the table's place must be marked, once, by the two lines\n{opening}\n{closing}")
    return f"{before}{opening}\n\n{content}\n\n{closing}{after}"  # Markdown wants the blank lines around a table
