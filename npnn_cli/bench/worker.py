"""The process of one contender: it trains when it is told to, reports how long that took, and sleeps in between.

:mod:`npnn_cli.bench.process` starts it as ``python -m npnn_cli.bench.worker``. Orders come in on stdin, replies go out
on stdout, each a line of JSON. The first order names the contender and the spec.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from npnn_cli.bench.contender import Contender, MissingPackageError, NoSuchContenderError
from npnn_cli.bench.layers.cases import CASES
from npnn_cli.bench.workload import Workload
from npnn_cli.spec import parse_spec
from npnn_cli.torch_reference.counterparts import TorchMissingError

# Threads of OpenBLAS go on spinning for 0.1 s after a product, and would slow the next contender down.
LONGEST_SPIN = 1.0
NAP = 0.01
ASLEEP = 0.1  # processor time per nap, as a share of it, below which no thread can be spinning


class Worker:
    """Carries out orders.

    Args:
        order: ``contender``, the module that builds it; ``options`` for that; ``spec``, the text of the spec, or
            ``layer``, the layer in words; ``traced``, whether memory is traced, which makes all times worthless.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        build: Callable[..., Contender] = importlib.import_module(order["contender"]).build
        if order["traced"]:
            tracemalloc.start()
        self.work = CASES[order["layer"]] if "layer" in order else Workload.of(parse_spec(order["spec"], "the spec"))
        self.contender = build(self.work, **order["options"])

    def answer(self, path: str) -> None:
        """Save the answers to the first batch as an ``.npz`` file."""
        arrays: dict[str, Any] = {f"answers/{name}": array for name, array in self.contender.answers().items()}
        np.savez(path, **arrays)

    def steps(self, count: int, warm_up: int) -> list[int]:
        """Durations of steps in ns, after some that are not counted."""
        if warm_up:
            self.contender.train_steps(warm_up)
        return self.contender.train_steps(count)

    def epoch(self) -> int:
        """The duration of an epoch in ns."""
        return self.contender.train_epoch()

    def peak_memory(self) -> int:
        """The most memory that this process has had so far, in bytes."""
        return peak_resident_memory()

    def training_memory(self, count: int) -> int:
        """The most memory in bytes that the network and so many steps need, without the samples; needs tracing."""
        tracemalloc.reset_peak()
        self.contender.train_steps(count)
        assert isinstance(self.work, Workload)
        splits = self.work.splits
        parts = (splits.train, splits.validation, splits.test)
        samples: int = sum(part.inputs.nbytes + part.targets.nbytes for part in parts)
        return tracemalloc.get_traced_memory()[1] - samples


def peak_resident_memory() -> int:
    """The peak of this process's resident memory in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss of a process begins at its parent's memory on Linux
        (kilobytes,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def fall_asleep() -> None:
    """Wait until no thread of this process is spinning in wait for more work."""
    for _ in range(round(LONGEST_SPIN / NAP)):
        before = time.process_time()
        time.sleep(NAP)
        if time.process_time() - before < ASLEEP * NAP:
            return


def serve(orders: IO[str], replies: IO[str]) -> None:
    """Carry out orders until there are no more."""

    def reply(**content: Any) -> None:
        replies.write(json.dumps(content) + "\n")
        replies.flush()

    try:
        worker = Worker(json.loads(orders.readline()))
    except NoSuchContenderError as error:
        reply(unavailable=str(error))
        return
    except (MissingPackageError, TorchMissingError) as error:
        reply(missing=str(error))
        return
    fall_asleep()
    reply(ready=True)
    for line in orders:
        order = json.loads(line)
        result = getattr(worker, order.pop("do"))(**order)
        fall_asleep()
        reply(result=result)


def main() -> None:
    """Entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which then ends its workers
    # Whatever a library prints must not get between the replies.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin, replies)


if __name__ == "__main__":
    main()
