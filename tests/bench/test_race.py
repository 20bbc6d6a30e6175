from __future__ import annotations

import pytest
from small_specs import small_spec

from npnn_cli.bench.entrants import engine
from npnn_cli.bench.parity import Difference
from npnn_cli.bench.process import Entrant
from npnn_cli.bench.race import Effort, Outcome, Race, run_race, take_turns
from npnn_cli.bench.timing import Timing
from npnn_cli.bench.workload import timed_spec

SPEC = timed_spec(small_spec())
EFFORT = Effort(rounds=3, steps=4, warm_up=1, epochs=2)

WRONG = """
from npnn_cli.bench.engine import Engine

class Wrong(Engine):
    def answers(self):
        answers = super().answers()
        answers["gradient of 2.bias"] = answers["gradient of 2.bias"] * 1.01
        return answers

    def train_steps(self, count):
        raise AssertionError("what differs is not timed")

build = Wrong
"""
LATE = """
import time
from npnn_cli.bench.engine import Engine

class Late(Engine):
    def losses(self, epoch):
        for loss in super().losses(epoch):
            time.sleep(0.02)
            yield loss

build = Late
"""
ABSENT = """
from npnn_cli.bench.contender import NoSuchContenderError

def build(workload):
    raise NoSuchContenderError("no such thing")
"""


def timed(form: str, seconds: float, threads: int = 1) -> Outcome:
    return Outcome(Entrant(form, "", threads), step=Timing(seconds, seconds, seconds, 1))


def differing(form: str, threads: int = 1) -> Outcome:
    return Outcome(Entrant(form, "", threads), differences=[Difference("loss", 1.0)])


def test_a_race(importable):
    late, ours = importable("late", LATE), engine(SPEC)
    entrants = [
        ours,
        Entrant("rival", late, 1),
        Entrant("rival", ours.module, 2),
        Entrant("wrong", importable("wrong", WRONG), 1),
        Entrant("absent", importable("absent", ABSENT), 1),
        Entrant("absent", "absent", 2),
    ]
    told = []

    race = run_race(SPEC, entrants, EFFORT, told.append)

    npnn, slow, fast, wrong = race.outcomes
    assert [outcome.entrant for outcome in race.outcomes] == entrants[:4]
    assert race.absent == {"absent": "no such thing"}
    assert [outcome.step and outcome.step.count for outcome in race.outcomes] == [12, 12, 12, None]
    assert [outcome.epoch and outcome.epoch.count for outcome in race.outcomes] == [2, None, 2, None]
    assert slow.step.median > 0.02 > npnn.step.median > 0
    assert npnn.epoch.median > npnn.step.median
    assert all(outcome.peak_memory > 2**20 for outcome in (npnn, slow, fast))
    assert [difference.what for difference in wrong.differences] == ["gradient of 2.bias"]
    assert wrong.peak_memory == 0
    assert race.best == [npnn, fast, wrong]
    assert not race.has_parity
    assert "round 3 of 3" in "".join(told)


def test_an_engine_that_computes_something_else_differs_from_all(importable):
    engine_gone_wrong = Entrant("npnn", importable("wrong", WRONG.replace("def train", "def never")), 1)

    race = run_race(SPEC, [engine_gone_wrong, engine(SPEC)], EFFORT)

    assert not race.has_parity
    assert [difference.what for difference in race.outcomes[1].differences] == ["gradient of 2.bias"]


def test_turns_go_round():
    turns = []

    class Process:
        def __init__(self, name):
            self.name = name

        def steps(self, count, warm_up):
            turns.append((self.name, count, warm_up))
            return [len(turns)] * count

    one, other = Process("one"), Process("other")

    durations = take_turns([one, other], Effort(rounds=2, steps=3, warm_up=7))

    assert turns == [("one", 3, 7), ("other", 3, 7)] * 2
    assert durations == {one: [1, 1, 1, 3, 3, 3], other: [2, 2, 2, 4, 4, 4]}


@pytest.mark.parametrize(
    ("outcomes", "best"),
    [
        ([timed("a", 2.0), timed("b", 1.0)], [0, 1]),
        ([timed("a", 2.0), timed("a", 1.0, 2)], [1]),
        ([timed("a", 1.0), timed("a", 2.0, 2)], [0]),
        ([timed("a", 1.0), differing("a", 2), timed("b", 1.0)], [1, 2]),
        ([differing("a"), timed("a", 1.0, 2)], [0]),
        ([differing("a"), differing("a", 2)], [0]),
    ],
)
def test_the_fastest_of_a_form_counts_unless_one_differs(outcomes, best):
    race = Race(outcomes, {})

    assert race.best == [outcomes[position] for position in best]
    assert race.has_parity == all(not outcome.differences for outcome in outcomes)
