from __future__ import annotations

import pytest


@pytest.fixture
def figure():
    from matplotlib.figure import Figure

    return Figure(layout="constrained")
