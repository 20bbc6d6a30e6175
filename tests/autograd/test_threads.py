"""Threads that share the work of an op. That they change no op's numbers: test_differentiable_contract."""

from __future__ import annotations

import multiprocessing
import threading
import time

import numpy as np
import pytest

from npnn_cli.autograd import get_num_threads, set_num_threads, threads
from npnn_cli.autograd.threads import by_parts, mapped, share

MANY = 1 << 20


@pytest.fixture(autouse=True)
def three_threads():
    set_num_threads(3)
    yield
    set_num_threads(1)


def test_there_is_one_thread_unless_more_are_asked_for():
    set_num_threads(1)
    callers = []

    share(lambda part: callers.append((threading.get_ident(), part)), 10, MANY)

    assert callers == [(threading.get_ident(), slice(0, 10))]
    with pytest.raises(ValueError, match="at least 1 thread, got 0"):
        set_num_threads(0)
    with pytest.raises(TypeError, match=r"a whole number of threads, got 2\.5"):
        set_num_threads(2.5)
    assert get_num_threads() == 1


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10])
def test_the_parts_are_the_whole_and_each_has_a_thread(size):
    taken, callers = np.zeros(size, int), set()

    def work(part):
        taken[part] += 1
        callers.add(threading.get_ident())

    share(work, size, MANY)

    assert (taken == 1).all()
    assert len(callers) == max(1, min(size, 3))


def test_little_work_is_not_shared():
    parts = []
    share(parts.append, 10, threads.LEAST_ELEMENTS)
    assert parts == [slice(0, 10)]


def test_nothing_is_written_any_more_after_an_error():
    written = []

    def work(part):
        if part.start == 0:
            raise ArithmeticError("at once")
        time.sleep(0.05)
        written.append(part)

    with pytest.raises(ArithmeticError, match="at once"):
        share(work, 3, MANY)
    assert len(written) == 2


def test_work_within_work_is_not_shared_again():
    inner = []

    share(lambda _: share(inner.append, 4, MANY), 3, MANY)

    assert inner == [slice(0, 4)] * 3


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_error_in_a_part_is_raised_and_harms_nothing(where):
    def work(part):
        if part.start == where:
            raise ArithmeticError("in a part")

    for _ in range(2):
        with pytest.raises(ArithmeticError, match="in a part"):
            share(work, 3, MANY)
    test_the_parts_are_the_whole_and_each_has_a_thread(3)


def test_all_parts_have_the_settings_of_the_caller():
    with np.errstate(divide="raise"):
        for zero in range(3):
            divisors = np.ones(3)
            divisors[zero] = 0
            with pytest.raises(FloatingPointError):
                share(lambda part, divisors=divisors: 1 / divisors[part], 3, MANY)
    with np.errstate(divide="ignore"):
        share(lambda part: 1 / np.zeros(3)[part], 3, MANY)


def _share_in_a_child(results):
    found = []
    share(lambda part: found.append(part.start), 3, MANY)
    results.put(sorted(found))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of newer Pythons: it is what is tried here
def test_a_forked_process_has_threads_of_its_own():
    share(lambda part: None, 3, MANY)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_share_in_a_child, args=(results,))
    child.start()
    child.join(timeout=20)
    assert child.exitcode == 0
    assert results.get() == [0, 1, 2]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_elements_of_any_layout_meet_their_likes(order):
    shape = (40, 60, 50)
    x = np.random.default_rng(0).standard_normal(shape).transpose(order)
    y = np.random.default_rng(1).standard_normal(x.shape)

    ans = mapped(np.multiply, x, y)

    assert np.array_equal(ans, x * y)
    assert np.argsort(ans.strides).tolist() == np.argsort(x.strides).tolist()


def test_no_part_is_large(monkeypatch):
    monkeypatch.setattr(threads, "BLOCK_ELEMENTS", 1 << 14)
    sizes = []

    by_parts(lambda part: sizes.append(part.size), np.empty((1 << 8, 1 << 10)))

    assert sum(sizes) == 1 << 18
    assert max(sizes) <= 1 << 14
