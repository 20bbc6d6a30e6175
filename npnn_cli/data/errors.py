"""The error of data that cannot be used."""

from __future__ import annotations


class DataError(ValueError):
    """A data file is damaged or is not what it claims to be; the message names the file and what to do."""
