"""Files that are either whole or not there, whenever the process or the machine stops."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def write_durably(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of ``path`` only when all has been written and is on the disk.

    Raises:
        OSError: if it cannot be written; ``path`` is then what it was.
    """
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:  # which names the temporary file, or, of a full disk, none
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    _sync_directory(path.parent)


def write_text_durably(path: Path, text: str) -> None:
    """Write a text file in UTF-8."""
    with write_durably(path) as file:
        file.write(text.encode())


def _sync_directory(directory: Path) -> None:
    """Make a new name in a directory survive a power failure, where the system can (Windows cannot)."""
    if os.name == "posix":
        descriptor: Any = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
