from __future__ import annotations

import io
import json

import pytest
from small_specs import small_spec

from npnn_cli.bench import worker
from npnn_cli.bench.workload import timed_spec


class Clock:
    """A processor whose threads spin for so many naps, each of them burning all of it."""

    def __init__(self, spinning_naps: float) -> None:
        self.spinning_naps, self.naps, self.burnt = spinning_naps, 0, 0.0

    def sleep(self, seconds: float) -> None:
        self.naps += 1
        self.burnt += seconds if self.naps <= self.spinning_naps else seconds / 100

    def process_time(self) -> float:
        return self.burnt


@pytest.mark.parametrize(("spinning_naps", "naps"), [(0, 1), (3, 4), (10, 11), (float("inf"), 100)])
def test_a_worker_replies_when_its_threads_sleep_or_never_would(monkeypatch, spinning_naps, naps):
    clock = Clock(spinning_naps)
    monkeypatch.setattr(worker, "time", clock)

    worker.fall_asleep()

    assert clock.naps == naps


def test_each_order_is_a_line_and_so_is_each_reply():
    first = {
        "contender": "npnn_cli.bench.engine",
        "options": {},
        "spec": timed_spec(small_spec()).to_yaml(),
        "traced": False,
    }
    orders = [first, {"do": "steps", "count": 3, "warm_up": 1}, {"do": "epoch"}]
    replies = io.StringIO()

    worker.serve(io.StringIO("".join(json.dumps(order) + "\n" for order in orders)), replies)

    ready, steps, epoch = map(json.loads, replies.getvalue().splitlines())
    assert ready == {"ready": True}
    assert len(steps["result"]) == 3
    assert epoch["result"] > 0
