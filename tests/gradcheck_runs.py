"""What the tests of ``npnn gradcheck`` give to it and read from it."""

from __future__ import annotations

from pathlib import Path

from small_specs import write_spec

AGAINST = ["finite-differences", "torch"]

LINEAR = "{type: Linear, out_features: 1}"


def checked(result):
    """What was checked, and the verdict on it."""
    lines = result.stdout.splitlines()
    rows = [line for line in lines if line.rstrip().endswith((" ok", " DIFFERS"))]
    return {line.split("  ")[0].rstrip(): line.rstrip().rsplit(" ", 1)[1] for line in rows}


def network(*model, **sections):
    return write_spec(Path("small.yaml"), model=f"[{', '.join(model)}]", **sections)
