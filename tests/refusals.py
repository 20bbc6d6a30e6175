"""What a refusal must say: tables of wrong calls, each with the error and the beginning of its message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from npnn_cli import Tensor

Row = tuple[Callable[[], Any], type[Exception], str]

X = Tensor(np.linspace(-1, 1, 24).reshape(2, 3, 4))
ROW = X[0, 0]


def every_row(table: list[Row]) -> pytest.MarkDecorator:
    """Parametrize a test by ``refused``, ``error`` and ``message``."""
    return pytest.mark.parametrize(("refused", "error", "message"), table, ids=[message for _, _, message in table])


def assert_refused(refused: Callable[[], Any], error: type[Exception], message: str) -> None:
    """A call raises this error, and no subclass, with a message that begins so."""
    with pytest.raises(error, match=f"^{message}") as caught:
        refused()

    assert type(caught.value) is error
