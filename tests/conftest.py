from __future__ import annotations

import pytest

from npnn_cli import registry


@pytest.fixture
def throwaway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test registers is forgotten after it."""
    for kind in vars(registry).values():
        if isinstance(kind, registry.Kind):
            monkeypatch.setattr(kind, "_entries", dict(kind._entries))
            monkeypatch.setattr(kind, "_aliases", dict(kind._aliases))
