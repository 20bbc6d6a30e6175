"""Who takes part in the timing of a layer: each library in all that makes it faster, of which the fastest counts."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import Any

from npnn_cli.bench.entrants import NPNN, thread_counts
from npnn_cli.bench.layers.cases import LayerCase
from npnn_cli.bench.process import Entrant

PYTORCH = "PyTorch"


def entrants(case: LayerCase, against: Collection[str]) -> list[Entrant]:
    """npnn, first, and PyTorch if it is among the libraries: with one thread and with two, in each memory order.

    Images come from data with the batch outermost; npnn's convolutions hand them on with the batch innermost, and
    PyTorch's, if its user asks for it, with the channels innermost.
    """
    found = [
        Entrant(NPNN, "npnn_cli.bench.layers.engine", threads, {**order, "threads": threads})
        for order, threads in product(_orders("batch_innermost", case.has_places), thread_counts())
    ]
    if "torch" in against:
        found += [
            Entrant(PYTORCH, "npnn_cli.bench.layers.pytorch", threads, order)
            for order, threads in product(_orders("channels_last", len(case.input_shape) == 4), thread_counts())
        ]
    return found


def _orders(other: str, exists: bool) -> list[dict[str, Any]]:
    return [{}, {other: True}] if exists else [{}]
