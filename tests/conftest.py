from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from npnn_cli import registry
from npnn_cli.commands.app import app
from npnn_cli.spec.components import import_components

CONFIGS = Path(__file__).parents[1] / "configs"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the file that takes longest: at the end, one process would work on it alone."""
    items.sort(key=lambda item: item.path.name != "test_configs.py")


@pytest.fixture
def throwaway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test registers is forgotten after it, but not what is imported in the meantime: it is there before."""
    import_components()
    for kind in vars(registry).values():
        if isinstance(kind, registry.Kind):
            monkeypatch.setattr(kind, "_entries", dict(kind._entries))
            monkeypatch.setattr(kind, "_aliases", dict(kind._aliases))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Trains a spec of configs/ by the command, once for all tests that ask; gives its run folder."""

    @cache
    def train(name: str) -> Path:
        runs = tmp_path_factory.mktemp("trained")
        result = CliRunner().invoke(app, ["train", str(CONFIGS / f"{name}.yaml"), "--runs", str(runs)])
        assert result.exit_code == 0, result.output
        (run,) = runs.iterdir()
        return run

    return train
