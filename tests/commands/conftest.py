from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_specs import blobs, write_spec
from typer.testing import CliRunner, Result

from npnn_cli import registry
from npnn_cli.autograd import lift
from npnn_cli.autograd.ops.primitive import primitive
from npnn_cli.commands.app import app
from npnn_cli.examples import example, normal
from npnn_cli.nn import Module
from npnn_cli.registry import layers, losses, optimizers, schedulers

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


@pytest.fixture
def small_catalogue(throwaway):
    """So few components that all are proved at once; what a test registers comes on top, and is forgotten after it."""
    kept = {"Linear", "Tanh", "MSELoss", "SGD", "Adam"}  # what the proofs and the specs below are made of
    for kind in (registry.ops, registry.functions, layers, losses, optimizers, schedulers):
        for name in set(kind) - kept:
            del kind._entries[name]


@pytest.fixture
def wrong_layer(small_catalogue):
    """A CELU whose derivative is wrong by a hundred-thousandth, its op registered like any other."""

    @primitive(example(normal(3, 4)))
    def celu(x, /):
        return np.where(x > 0, x, np.expm1(x)), lambda g: g * (1 + 1e-5) * np.exp(np.minimum(x, 0))

    @layers.register(example(normal(3, 4)))
    class CELU(Module):
        def forward(self, input):
            return lift(celu)(input)
