"""The machine that a measurement was made on: without it, no figure means anything."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

from npnn_cli.training.run_folder import environment

RIVALS = {"torch": "PyTorch", "scikit-learn": "scikit-learn"}


def machine() -> dict[str, Any]:
    """Processor, cores, versions, the BLAS of NumPy, and how busy the machine was (the load average, if known)."""
    return environment() | {
        "rivals": {name: version for name in RIVALS if (version := _version(name))},
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def in_words(machine: dict[str, Any]) -> str:
    """The machine in a line."""
    versions = [f"Python {machine['python']}", f"NumPy {machine['packages']['numpy']} ({machine['blas']})"]
    versions += [f"{RIVALS[name]} {version}" for name, version in machine["rivals"].items()]
    return f"{machine['processor']}, {machine['cpu_count']} cores; {', '.join(versions)}"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
