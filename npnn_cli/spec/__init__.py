"""YAML text to a checked :class:`RunSpec`, or one error that lists every mistake with its line and column."""

from __future__ import annotations

from npnn_cli.spec.components import with_defaults, without_inferred
from npnn_cli.spec.errors import Mistake, SpecError
from npnn_cli.spec.loading import load_spec, parse_spec
from npnn_cli.spec.run_spec import ComponentSpec, EarlyStoppingSpec, RunSpec, TrainingSpec

__all__ = [
    "ComponentSpec",
    "EarlyStoppingSpec",
    "Mistake",
    "RunSpec",
    "SpecError",
    "TrainingSpec",
    "load_spec",
    "parse_spec",
    "with_defaults",
    "without_inferred",
]
