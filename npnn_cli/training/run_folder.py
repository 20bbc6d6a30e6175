"""The run folder: all that is known of a training, and all that the other commands need.

::

    runs/2026-11-22_14-03-07_mnist_mlp/
      config.yaml          the spec with every option filled in; training it again gives the same run
      metrics.csv          a row per epoch
      loss.png, ...        a picture per metric
      checkpoints/         best.npz and last.npz
      environment.json     versions, machine, command line
      summary.json         how it ended, and how good the result is
      evaluation/          what npnn eval found
"""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from npnn_cli.registry import did_you_mean
from npnn_cli.training.durable_files import write_text_durably


class RunNotFoundError(LookupError):
    """There is no run folder of that name; the message says what there is."""


@dataclass(frozen=True)
class RunFolder:
    """A run folder and the paths inside it."""

    path: Path

    @classmethod
    def create(cls, runs: Path, name: str, now: datetime) -> RunFolder:
        """Make a fresh folder, see :func:`fresh_folder`."""
        path = fresh_folder(runs, name, now)
        (path / "checkpoints").mkdir()
        return cls(path)

    @classmethod
    def find(cls, run: str, runs: Path) -> RunFolder:
        """The run folder at a path, or the one of this name inside the folder of runs.

        Raises:
            RunNotFoundError: if there is none, or the folder holds no run.
        """
        inside = runs / run if Path(run).name == run else Path(run)
        path = next((candidate for candidate in (Path(run), inside) if candidate.is_dir()), None)
        if path is None:
            known = sorted(folder.name for folder in runs.glob("*/") if (folder / "config.yaml").exists())
            listing = f"; the latest is {runs / known[-1]}" if known else f"; there are none in {runs}/"
            hint = did_you_mean(Path(run).name, known) or listing
            raise RunNotFoundError(f"there is no run '{run}'{hint}")
        if not (path / "config.yaml").is_file():
            raise RunNotFoundError(f"{path} is no run folder: it has no config.yaml")
        return cls(path)

    @property
    def config(self) -> Path:
        """The resolved spec."""
        return self.path / "config.yaml"

    @property
    def best(self) -> Path:
        """The weights of the best epoch."""
        return self.path / "checkpoints" / "best.npz"

    @property
    def last(self) -> Path:
        """The weights of the last epoch."""
        return self.path / "checkpoints" / "last.npz"

    @property
    def evaluation(self) -> Path:
        """The folder that ``npnn eval`` writes to."""
        return self.path / "evaluation"

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file into the folder; a number that is not finite, which JSON does not know, as null."""
        text = json.dumps(_without_non_finite(content), indent=2, allow_nan=False)
        write_text_durably(self.path / name, text + "\n")

    def write_config(self, text: str) -> None:
        """Write the resolved spec."""
        write_text_durably(self.config, text)

    def write_metrics(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write ``metrics.csv`` anew, a row per epoch."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        write_text_durably(self.path / "metrics.csv", text.getvalue())


def fresh_folder(runs: Path, name: str, now: datetime) -> Path:
    """Make a folder, named by time and purpose; a number is added if there is one already.

    Raises:
        OSError: if it cannot be made.
    """
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(runs)) from None
    base, number = f"{now:%Y-%m-%d_%H-%M-%S}_{name}", 1
    while True:
        path = runs / (base if number == 1 else f"{base}_{number}")
        try:
            path.mkdir()  # fails if the folder exists, so that two runs can never share one
        except FileExistsError:
            number += 1
        else:
            return path


def environment() -> dict[str, Any]:
    """What a run ran on: versions, machine, BLAS, threads, command line, and the git commit of the working folder."""
    packages = ("npnn-cli", "numpy", "threadpoolctl", "matplotlib", "pydantic", "PyYAML", "rich", "typer")
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        "command_line": sys.argv,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "platform": platform.platform(),
        "processor": _processor(),
        "cpu_count": os.cpu_count(),
        "blas": _blas(),
        "threads": {name: os.environ.get(name) for name in variables},
        "git_commit": _git_commit(),
    }


def _without_non_finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _without_non_finite(value) for name, value in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _blas() -> str:
    """What multiplies matrices, and its kernels for this processor, which decide the last bits of every product."""
    blas: dict[str, Any] = next((info for info in threadpool_info() if info["user_api"] == "blas"), {})
    return " ".join(filter(None, (blas.get(key) for key in ("internal_api", "version", "architecture")))) or "unknown"


def _git_commit() -> str | None:
    try:
        found = subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return found.stdout.strip() or None
