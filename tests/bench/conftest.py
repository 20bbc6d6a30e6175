from __future__ import annotations

from pathlib import Path

import pytest
from small_specs import blobs

__all__ = ["blobs"]


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a module that the processes of contenders can import."""
    folder = tmp_path / "planted"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def write(name: str, text: str) -> str:
        (folder / f"{name}.py").write_text(text)
        return name

    return write
