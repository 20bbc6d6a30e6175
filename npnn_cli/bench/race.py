"""The measurement: contenders in processes of their own, proved to compute the same, then timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from npnn_cli.bench.contender import NoSuchContenderError
from npnn_cli.bench.layers.cases import LayerCase
from npnn_cli.bench.parity import Difference, differences
from npnn_cli.bench.process import ContenderProcess, Entrant
from npnn_cli.bench.timing import Timing
from npnn_cli.spec import RunSpec

Tell = Callable[[str], None]


def in_silence(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes:
        rounds: how often each contender has its turn.
        steps: timed steps in a turn.
        warm_up: steps before them that are not timed.
        epochs: whole epochs of each form's fastest contender; a layer has none.
    """

    rounds: int = 20
    steps: int = 50
    warm_up: int = 5
    epochs: int = 3


QUICK = Effort(rounds=2, steps=4, warm_up=1, epochs=1)
LAYERS = Effort(rounds=10, steps=10, warm_up=2, epochs=0)
QUICK_LAYERS = Effort(rounds=2, steps=2, warm_up=1, epochs=0)


@dataclass
class Outcome:
    """What was found out about an entrant.

    Attributes:
        entrant: who.
        differences: the answers that are not the engine's. An entrant that has any is not timed.
        step: the time of a training step; None if it was not timed.
        epoch: the time of an epoch; None if it was not timed, or another of its form was faster.
        peak_memory: of its process, in bytes; 0 if it was not timed.
    """

    entrant: Entrant
    differences: list[Difference] = field(default_factory=list)
    step: Timing | None = None
    epoch: Timing | None = None
    peak_memory: int = 0


@dataclass(frozen=True)
class Race:
    """All that a measurement found out.

    Attributes:
        outcomes: of each entrant, npnn's first.
        absent: why a form does not exist for this spec, by form.
    """

    outcomes: list[Outcome]
    absent: dict[str, str]

    @property
    def best(self) -> list[Outcome]:
        """The outcome of each form: its fastest entrant's, or that of one that differs, which spoils the whole form."""
        best: dict[str, Outcome] = {}
        for outcome in self.outcomes:
            rival = best.setdefault(outcome.entrant.form, outcome)
            if _sooner(outcome, rival):
                best[outcome.entrant.form] = outcome
        return list(best.values())

    @property
    def has_parity(self) -> bool:
        """Whether all contenders computed what the engine did."""
        return not any(outcome.differences for outcome in self.outcomes)


def run_race(work: RunSpec | LayerCase, entrants: Sequence[Entrant], effort: Effort, tell: Tell = in_silence) -> Race:
    """Measure how fast these entrants train a spec, or pass through a layer.

    Args:
        work: the spec as it is timed, or the layer.
        entrants: the first is npnn, with whose answers the others' are compared.
        effort: how much to measure.
        tell: is told what is going on.

    Raises:
        MissingPackageError: if a library is not installed.
        ContenderFailedError: if a contender's process ended.
    """
    with ExitStack() as stack:
        tell("each contender prepares itself")
        started = [stack.enter_context(ContenderProcess(entrant, work)) for entrant in entrants]
        present, absent = _present(started)
        tell("outputs, loss and gradients are compared")
        outcomes = _compared(present, work.dtype)
        timed = [process for process in present if not outcomes[process].differences]
        for process, durations in take_turns(timed, effort, tell).items():
            outcomes[process].step = Timing.of(durations)
        race = Race(list(outcomes.values()), absent)
        best = race.best
        finalists = [process for process in timed if outcomes[process] in best and effort.epochs]
        for process, durations in _epochs(finalists, effort, tell).items():
            outcomes[process].epoch = Timing.of(durations)
        for process in timed:
            outcomes[process].peak_memory = process.peak_memory()
    return race


def take_turns(
    processes: Sequence[ContenderProcess], effort: Effort, tell: Tell = in_silence
) -> dict[ContenderProcess, list[int]]:
    """Let them train in turns, so that what disturbs the machine for a while disturbs all; durations of steps in ns."""
    durations: dict[ContenderProcess, list[int]] = {process: [] for process in processes}
    for number in range(effort.rounds):
        tell(f"steps are timed: round {number + 1} of {effort.rounds}")
        for process in processes:
            durations[process] += process.steps(effort.steps, effort.warm_up)
    return durations


def _present(started: Iterable[ContenderProcess]) -> tuple[list[ContenderProcess], dict[str, str]]:
    """The processes that are ready, and the forms that are not possible."""
    present, absent = [], {}
    for process in started:
        try:
            process.wait_until_ready()
        except NoSuchContenderError as error:
            absent[process.entrant.form] = str(error)
        else:
            present.append(process)
    return present, absent


def _compared(processes: Sequence[ContenderProcess], dtype: str) -> dict[ContenderProcess, Outcome]:
    engine, *others = processes
    ours = engine.answers()
    outcomes = {engine: Outcome(engine.entrant)}
    for process in others:
        outcomes[process] = Outcome(process.entrant, differences(process.answers(), ours, dtype))
    return outcomes


def _epochs(processes: Sequence[ContenderProcess], effort: Effort, tell: Tell) -> dict[ContenderProcess, list[int]]:
    durations: dict[ContenderProcess, list[int]] = {process: [] for process in processes}
    for number in range(effort.epochs):
        for process in processes:
            tell(f"epochs are timed: {process.entrant.form}, {number + 1} of {effort.epochs}")
            durations[process].append(process.epoch())
    return durations


def _sooner(outcome: Outcome, rival: Outcome) -> bool:
    """Whether an outcome stands for its form rather than its rival: one that differs stands before any time."""
    if outcome.step is None or rival.step is None:
        return bool(outcome.differences) and not rival.differences
    return outcome.step.median < rival.step.median
