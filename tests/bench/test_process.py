"""The processes of contenders: what goes in, what comes out, and what is said of those that fail."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from small_specs import small_spec

from npnn_cli.bench.contender import MissingPackageError, NoSuchContenderError
from npnn_cli.bench.engine import Engine
from npnn_cli.bench.entrants import engine
from npnn_cli.bench.process import ContenderFailedError, ContenderProcess, Entrant
from npnn_cli.bench.workload import Workload, timed_spec

SPEC = timed_spec(small_spec())


def started(entrant: Entrant) -> ContenderProcess:
    return ContenderProcess(entrant, SPEC)


def test_a_process_trains_as_its_contender_does_here():
    with started(engine(SPEC)) as process:
        process.wait_until_ready()
        here, there = Engine(Workload.of(SPEC)).answers(), process.answers()

        assert here.keys() == there.keys()
        assert all(np.array_equal(here[what], there[what]) for what in here)
        assert len(process.steps(7, warm_up=2)) == 7
        assert all(duration > 0 for duration in [*process.steps(2), process.epoch()])
        assert process.peak_memory() > 2**20


def test_the_memory_of_training_is_that_of_the_network_without_the_samples():
    text = "[Flatten, {type: Linear, out_features: 500}, ReLU, {type: Linear, out_features: 10}]"
    spec = timed_spec(small_spec(data="MNIST", loss="CrossEntropyLoss", model=text))

    with ContenderProcess(engine(spec), spec, traced=True) as process:
        process.wait_until_ready()
        memory = process.training_memory(3)

    parameters = 4 * 794 * 500  # bytes; with gradients and Adam's two averages four times that
    assert 4 * parameters < memory < 10 * parameters  # the samples alone are 55 MB


def test_steps_that_warm_up_are_not_among_those_that_count(importable):
    module = importable(
        "counting_steps",
        "class Counter:\n"
        "    def __init__(self, workload): self.taken = 0\n"
        "    def train_steps(self, count):\n"
        "        self.taken += count\n"
        "        return [self.taken] * count\n"
        "build = Counter\n",
    )
    with started(Entrant("counting", module, 1)) as process:
        process.wait_until_ready()
        assert process.steps(3, warm_up=2) == [5, 5, 5]
        assert process.steps(1) == [6]


def test_threads_are_set_before_numpy_is_there(importable):
    module = importable(
        "counting",
        "import numpy as np, threadpoolctl\n"
        "class Counter:\n"
        "    def __init__(self, workload): pass\n"
        "    def answers(self):\n"
        "        return {'threads': np.array([i['num_threads'] for i in threadpoolctl.threadpool_info()])}\n"
        "build = Counter\n",
    )
    for threads in (1, 2):
        with started(Entrant("counting", module, threads)) as process:
            process.wait_until_ready()
            assert set(process.answers()["threads"]) == {threads}


def test_what_a_contender_prints_does_not_get_between_its_replies(importable):
    module = importable(
        "talking",
        "print('hello')\n"
        "class Talker:\n"
        "    def __init__(self, workload): print('I am here')\n"
        "    def train_epoch(self): print('done'); return 3\n"
        "build = Talker\n",
    )
    with started(Entrant("talking", module, 1)) as process:
        process.wait_until_ready()
        assert process.epoch() == 3


def test_a_contender_that_fails_says_why(importable):
    module = importable("failing", "def build(workload): raise ArithmeticError('the loss is nan')")

    with started(Entrant("the failing one", module, 2)) as process, pytest.raises(ContenderFailedError) as caught:
        process.wait_until_ready()
    assert str(caught.value) == "the failing one (threads: 2) failed: ArithmeticError: the loss is nan"


def test_a_contender_that_is_killed_is_missed(importable):
    module = importable("killed", "import os\ndef build(workload): os._exit(9)")

    with (
        started(Entrant("killed", module, 1)) as process,
        pytest.raises(ContenderFailedError, match="ended with code 9"),
    ):
        process.wait_until_ready()


def test_the_process_ends_with_the_block_whatever_it_is_doing():
    with started(engine(SPEC)) as process:
        pass

    assert process._process.poll() == -signal.SIGKILL


def test_a_form_that_does_not_exist_is_told_from_a_failure(importable):
    text = (
        "from npnn_cli.bench.contender import NoSuchContenderError\n"
        "def build(workload): raise NoSuchContenderError('there is none')"
    )

    with (
        started(Entrant("", importable("none", text), 1)) as process,
        pytest.raises(NoSuchContenderError, match="is none"),
    ):
        process.wait_until_ready()


@pytest.mark.parametrize(
    ("package", "module", "command"),
    [
        ("torch", "npnn_cli.bench.pytorch", "pip install 'torch"),
        ("sklearn", "npnn_cli.bench.scikit_learn", "pip install scikit-learn"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(importable, package, module, command):
    importable(package, f"raise ModuleNotFoundError('No module named {package}', name='{package}')")
    linear = timed_spec(
        small_spec(data="MNIST", loss="CrossEntropyLoss", model="[Flatten, {type: Linear, out_features: 10}]")
    )

    with ContenderProcess(Entrant("", module, 1), linear) as process, pytest.raises(MissingPackageError, match=command):
        process.wait_until_ready()
