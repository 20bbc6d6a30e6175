"""Who takes part in a bench: npnn, what was written by hand for the same network, and libraries."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any

from npnn_cli.bench.process import Entrant
from npnn_cli.spec import RunSpec

NPNN = "npnn"
MOST_THREADS = 2


def entrants(spec: RunSpec, against: Collection[str]) -> list[Entrant]:
    """All that a spec is timed in; npnn first, as the spec says, and every form once for each number of threads.

    Args:
        spec: as it is timed, its threads resolved.
        against: the libraries to time it against, of ``torch`` and ``sklearn``.
    """
    return [engine(spec), *_others(spec, against)]


def engine(spec: RunSpec) -> Entrant:
    """npnn, with the threads that its spec says."""
    return Entrant(NPNN, "npnn_cli.bench.engine", spec.training.threads or 1)


def _others(spec: RunSpec, against: Collection[str]) -> Iterator[Entrant]:
    yield from _engine_with_other_threads(spec)
    yield from _with_any_threads("hand-written NumPy", "npnn_cli.bench.floor")
    if "torch" in against:
        optimizer = spec.optimizer.type
        forms: list[tuple[str, dict[str, Any]]] = [
            (f"PyTorch, default {optimizer}", {"fused": False}),
            (f"PyTorch, fused {optimizer}", {"fused": True}),
        ]
        for form, options in forms:
            yield from _with_any_threads(form, "npnn_cli.bench.pytorch", **options)
            if has_images(spec):
                form, options = f"{form}, channels_last", {**options, "channels_last": True}
                yield from _with_any_threads(form, "npnn_cli.bench.pytorch", **options)
    if "sklearn" in against:
        yield from _with_any_threads("scikit-learn MLPClassifier", "npnn_cli.bench.scikit_learn")


def _engine_with_other_threads(spec: RunSpec) -> Iterator[Entrant]:
    """Forms of their own: they are not what the spec says, but what it could say to be faster on this machine."""
    for threads in thread_counts():
        if threads != engine(spec).threads:
            yield Entrant(f"{NPNN}, threads: {threads}", "npnn_cli.bench.engine", threads, {"threads": threads})


def has_images(spec: RunSpec) -> bool:
    """Whether the network convolves, so that the memory order of images matters."""
    return any(layer.type == "Conv2d" for layer in spec.model)


def _with_any_threads(form: str, module: str, **options: Any) -> Iterator[Entrant]:
    for threads in thread_counts():
        yield Entrant(form, module, threads, options)


def thread_counts() -> range:
    """With how many threads a contender is timed."""
    return range(1, min(MOST_THREADS, os.cpu_count() or 1) + 1)
