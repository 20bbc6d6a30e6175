from __future__ import annotations

from npnn_cli.bench.timing import Timing


def test_medians_and_quartiles_in_seconds():
    assert Timing.of([4_000, 1_000, 2_000, 3_000, 900_000_000]) == Timing(3e-6, 2e-6, 4e-6, 5)
