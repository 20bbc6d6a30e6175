from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_specs import blobs, write_spec
from typer.testing import CliRunner, Result

from npnn_cli.commands.app import app

__all__ = ["blobs"]


@pytest.fixture
def npnn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, run in an empty folder; whatever it meets, it must not end in a traceback."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert isinstance(result.exception, SystemExit | None), result.exc_info
        return result

    return run


@pytest.fixture
def train(npnn: Callable[..., Result]) -> Callable[..., Path]:
    """Trains the small regression, with other sections if they are given; gives its run folder."""

    def run(**sections: str | None) -> Path:
        before = set(Path("runs").glob("*"))
        result = npnn("train", write_spec(Path("small.yaml"), **sections))
        assert result.exit_code == 0, result.output
        (folder,) = set(Path("runs").glob("*")) - before
        return folder

    return run
