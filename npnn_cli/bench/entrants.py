"""Who takes part in a bench: npnn, what was written by hand for the same network, and libraries."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any

from npnn_cli.bench.floor import handwritten_for
from npnn_cli.bench.process import Entrant
from npnn_cli.spec import RunSpec
from npnn_cli.training.building import build_network

NPNN, BY_HAND = "npnn", "hand-written NumPy"
MOST_THREADS = 2


def entrants(spec: RunSpec, against: Collection[str]) -> list[Entrant]:
    """All that a spec is timed in; npnn first, with the threads that the spec says.

    With other numbers of threads, npnn and what was written by hand are forms of their own, so that like is compared
    with like, and what the spec could say to be faster on this machine is seen. Of a library, each form is timed with
    each number, of which the best will count.

    Args:
        spec: as it is timed, its threads resolved.
        against: the libraries to time it against, of ``torch`` and ``sklearn``.
    """
    return [engine(spec), *_others(spec, against)]


def engine(spec: RunSpec) -> Entrant:
    """npnn, with the threads that its spec says."""
    return Entrant(NPNN, "npnn_cli.bench.engine", spec.training.threads or 1)


def _others(spec: RunSpec, against: Collection[str]) -> Iterator[Entrant]:
    usual = engine(spec).threads
    others = [threads for threads in thread_counts() if threads != usual]
    for threads in others:
        yield Entrant(f"{NPNN}, threads: {threads}", "npnn_cli.bench.engine", threads, {"threads": threads})
    yield Entrant(BY_HAND, "npnn_cli.bench.floor", usual)
    is_written = handwritten_for(build_network(spec).spec) is not None
    for threads in others if is_written else ():  # if it is not, once is enough to say so
        yield Entrant(f"{BY_HAND}, threads: {threads}", "npnn_cli.bench.floor", threads)
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


def has_images(spec: RunSpec) -> bool:
    """Whether the network convolves, so that the memory order of images matters."""
    return any(layer.type == "Conv2d" for layer in spec.model)


def _with_any_threads(form: str, module: str, **options: Any) -> Iterator[Entrant]:
    for threads in thread_counts():
        yield Entrant(form, module, threads, options)


def thread_counts() -> range:
    """With how many threads a contender is timed."""
    return range(1, min(MOST_THREADS, os.cpu_count() or 1) + 1)
