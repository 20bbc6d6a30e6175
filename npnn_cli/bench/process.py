"""The other end of a worker: starts a contender's process and talks with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

import npnn_cli
from npnn_cli.bench.contender import Answers, MissingPackageError, NoSuchContenderError
from npnn_cli.bench.layers.cases import LayerCase
from npnn_cli.spec import RunSpec

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PACKAGE_FOLDER = Path(npnn_cli.__file__).parents[1]


class ContenderFailedError(RuntimeError):
    """A contender's process ended before its work was done; the message holds the end of what it complained of."""


@dataclass(frozen=True)
class Entrant:
    """A contender in one of the ways to run it.

    Attributes:
        form: what it is called in the table; of entrants of the same form, the fastest counts.
        module: the module that builds it.
        threads: how many threads its products may use.
        options: for building it.
    """

    form: str
    module: str
    threads: int
    options: Mapping[str, Any] = field(default_factory=dict)


class ContenderProcess:
    """The process of an entrant, from the start of a ``with`` block to its end.

    Args:
        entrant: what runs in it.
        work: the spec that it trains, or the layer that it passes through.
        traced: whether to trace its memory instead of taking times.
    """

    def __init__(self, entrant: Entrant, work: RunSpec | LayerCase, *, traced: bool = False) -> None:
        self.entrant = entrant
        self._first_order = {
            "contender": entrant.module,
            "options": dict(entrant.options),
            "traced": traced,
            **({"layer": str(work)} if isinstance(work, LayerCase) else {"spec": work.to_yaml()}),
        }

    def __enter__(self) -> Self:
        """Start it; it then builds its network while others are started."""
        paths = [*filter(None, [os.environ.get("PYTHONPATH")]), str(PACKAGE_FOLDER)]
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(self.entrant.threads))
        self._complaints = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "npnn_cli.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment | {"PYTHONPATH": os.pathsep.join(paths)},
            encoding="utf-8",
        )
        self._send(self._first_order)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def wait_until_ready(self) -> None:
        """Wait until it has built its network and read its data.

        Raises:
            NoSuchContenderError: if the entrant has no counterpart of the spec's network.
            MissingPackageError: if what it needs is not installed.
            ContenderFailedError: if it ended.
        """
        reply = self._receive()
        if "missing" in reply:
            raise MissingPackageError(reply["missing"])
        if "unavailable" in reply:
            raise NoSuchContenderError(reply["unavailable"])

    def answers(self) -> Answers:
        """Outputs, loss and gradients of the first batch, as the contender computes them."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "answers.npz"
            self._ask("answer", path=str(path))
            with np.load(path, allow_pickle=False) as archive:
                return {name.removeprefix("answers/"): archive[name] for name in archive.files}

    def steps(self, count: int, warm_up: int = 0) -> list[int]:
        """Train; the durations in ns of so many steps, after some that are not counted."""
        durations: list[int] = self._ask("steps", count=count, warm_up=warm_up)
        return durations

    def epoch(self) -> int:
        """Train for an epoch; how long it took, in ns."""
        return int(self._ask("epoch"))

    def peak_memory(self) -> int:
        """The most resident memory that the process has had so far, in bytes."""
        return int(self._ask("peak_memory"))

    def training_memory(self, count: int) -> int:
        """The most memory in bytes that the network and so many steps of it need; for a process that is traced."""
        return int(self._ask("training_memory", count=count))

    def _ask(self, order: str, **arguments: Any) -> Any:
        self._send({"do": order, **arguments})
        return self._receive()["result"]

    def _send(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _failure(self) -> ContenderFailedError:
        code = self._process.wait()
        self._complaints.seek(0)
        complaints = self._complaints.read().decode(errors="replace").strip().splitlines()
        why = complaints[-1] if complaints else f"its process ended with code {code}"
        return ContenderFailedError(f"{self.entrant.form} (threads: {self.entrant.threads}) failed: {why}")
