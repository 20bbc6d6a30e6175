"""The walk back through the graph, and no_grad."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from npnn_cli import Tensor, no_grad
from npnn_cli.autograd import apply, is_grad_enabled
from npnn_cli.autograd.graph import unbroadcast

DEEP = 100_000


def leaf(value):
    return Tensor(np.asarray(value, np.float64), requires_grad=True)


class TestAccumulation:
    def test_backward_adds_to_grad(self):
        x = leaf([1.0, 2.0])
        (x * 3).sum().backward()
        (x * 4).sum().backward()
        assert x.grad.tolist() == [7, 7]

    def test_the_same_graph_can_be_walked_twice(self):
        x = leaf([1.0, 2.0])
        loss = (x.exp() * x).sum()
        loss.backward()
        once = x.grad.copy()
        loss.backward()
        assert np.array_equal(x.grad, 2 * once)

    def test_zero_grad_forgets(self):
        x = leaf(2.0)
        (x * 3).backward()
        x.zero_grad()
        assert x.grad is None
        (x * 4).backward()
        assert x.grad == 4

    def test_of_a_leaf_itself(self):
        x = leaf([1.0, 2.0])
        upstream = np.array([3.0, 4.0])
        x.backward(upstream)
        x.backward(upstream)
        assert x.grad.tolist() == [6, 8]
        assert upstream.tolist() == [3, 4]

    def test_of_a_leaf_used_by_several_ops(self):
        x, y = leaf(3.0), leaf(4.0)
        (x + x * y + y - x).backward()
        assert x.grad == 4
        assert y.grad == 4

    def test_only_leaves_that_ask_for_it_have_a_gradient(self):
        x, constant = leaf([1.0, 2.0]), Tensor(np.array([3.0, 4.0]))
        between = x * constant
        between.sum().backward()
        assert x.grad is not None
        assert constant.grad is None
        assert between.grad is None

    def test_gradients_of_two_leaves_of_one_sum_are_two_arrays(self):
        x, y = leaf([1.0]), leaf([2.0])
        (x + y).sum().backward()
        x.grad *= 5
        assert y.grad.tolist() == [1]


class TestShapesOfGraphs:
    def test_a_diamond(self):
        x = leaf(3.0)
        a = x * x
        b, c = a * 2, a.exp()
        (b * c).backward()
        assert x.grad == pytest.approx(2 * 2 * 3 * np.exp(9) * (1 + 9))

    def test_a_ladder_of_diamonds_costs_one_visit_each(self):
        visits = []

        def half(x, /):
            def gradient(g):
                visits.append(g)
                return g / 2

            return x / 2, gradient

        x = y = leaf(1.0)
        for _ in range(12):  # 2 ** 12 paths
            y = apply(half, y) + apply(half, y)
        y.backward()

        assert x.grad == 1
        assert len(visits) == 2 * 12

    def test_a_late_use_of_an_early_tensor(self):
        x = leaf(2.0)
        early = x * 3
        late = early
        for _ in range(5):
            late = late * 2
        (late * early).backward()
        assert x.grad == 2 * 32 * 9 * 2

    def test_two_results_of_one_graph(self):
        x = leaf(2.0)
        shared = x * x
        (shared * 3).backward()
        (shared * 5).backward()
        assert x.grad == 8 * 4

    def test_depth_has_no_limit_and_neither_has_forgetting_it(self):
        x = leaf(1.0)
        y = x
        for _ in range(DEEP):
            y = y + 1
        first = weakref.ref(y)

        y.backward()
        del y
        gc.collect()

        assert x.grad == 1
        assert first() is None

    def test_depth_has_no_limit_in_a_thread_with_a_small_stack(self):
        def build_walk_and_forget():
            x = leaf(1.0)
            y = x
            for _ in range(DEEP):
                y = y * 1.0
            y.backward()
            gradients.append(x.grad)

        gradients = []
        before = threading.stack_size(256 * 1024)
        try:
            thread = threading.Thread(target=build_walk_and_forget)
            thread.start()
            thread.join()
        finally:
            threading.stack_size(before)

        assert gradients == [1]

    def test_a_graph_is_freed_with_its_result(self):
        x = leaf([1.0, 2.0])
        between = x * 2
        watched = weakref.ref(between)
        result = between.exp().sum()
        result.backward()

        del between, result

        assert watched() is None  # at once: there are no cycles to collect

    def test_a_derivative_that_takes_no_gradient_ends_the_walk(self):
        x = leaf([1.0, 2.0])

        def sign(x, /):
            return np.sign(x), None

        assert not apply(sign, x).requires_grad


class TestNoGrad:
    def test_recording_is_on_unless_it_is_switched_off(self):
        assert is_grad_enabled()
        with no_grad():
            assert not is_grad_enabled()
        assert is_grad_enabled()

    def test_as_context_manager(self):
        x = leaf(2.0)
        with no_grad():
            y = x * 3
        assert not y.requires_grad
        assert (x * 3).requires_grad

    @pytest.mark.parametrize("make", [no_grad, Tensor.no_grad])
    def test_as_decorator(self, make):
        @make()
        def triple(x):
            """Three times x."""
            return x * 3

        assert not triple(leaf(2.0)).requires_grad
        assert triple(Tensor(2.0)).item() == 6
        assert triple.__doc__ == "Three times x."
        assert is_grad_enabled()

    def test_as_decorator_without_parentheses(self):
        @no_grad
        def triple(x):
            return x * 3

        assert not triple(leaf(2.0)).requires_grad
        assert is_grad_enabled()

    def test_a_decorated_generator_leaves_alone_what_happens_between_its_values(self):
        @no_grad()
        def multiples(x):
            factor = yield (x * 1).requires_grad
            yield (x * factor).requires_grad
            return "done"

        values = multiples(leaf(2.0))
        assert next(values) is False
        assert is_grad_enabled()
        assert values.send(3) is False
        assert is_grad_enabled()
        with pytest.raises(StopIteration, match="done"):
            next(values)

    def test_a_decorated_function_may_call_itself(self):
        @no_grad()
        def countdown(n):
            assert not is_grad_enabled()
            return n if n == 0 else countdown(n - 1)

        countdown(3)
        assert is_grad_enabled()

    def test_nested(self):
        with no_grad():
            with Tensor.no_grad():
                assert not is_grad_enabled()
            assert not is_grad_enabled()
        assert is_grad_enabled()

    def test_one_object_entered_twice(self):
        off = no_grad()
        with off:
            with off:
                assert not is_grad_enabled()
            assert not is_grad_enabled()
        assert is_grad_enabled()

    def test_an_exception_switches_recording_on_again(self):
        with pytest.raises(KeyError), no_grad():
            raise KeyError
        assert is_grad_enabled()

    def test_leaves_still_require_gradients_and_can_be_made(self):
        with no_grad():
            assert Tensor([1.0], requires_grad=True).requires_grad

    def test_other_threads_go_on_recording(self):
        with no_grad(), ThreadPoolExecutor(1) as pool:
            assert pool.submit(is_grad_enabled).result()

    def test_a_decorated_function_in_two_threads_gives_each_its_own_state_back(self):
        entered, leave = ({"first": threading.Event(), "second": threading.Event()} for _ in range(2))

        @no_grad()
        def stay(thread):
            entered[thread].set()
            leave[thread].wait(timeout=30)

        def recording():
            stay("first")
            return is_grad_enabled()

        def not_recording():
            with no_grad():
                stay("second")
                return is_grad_enabled()

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(recording)
            entered["first"].wait(timeout=30)
            second = pool.submit(not_recording)
            entered["second"].wait(timeout=30)
            leave["first"].set()  # the first to come is the first to go
            assert first.result() is True
            leave["second"].set()
            assert second.result() is False


@pytest.mark.parametrize(
    ("shape", "target"),
    [
        ((3, 4), (3, 4)),
        ((2, 3, 4), (3, 1)),
        ((3,), ()),
        ((3,), (1,)),
        ((0, 3), (1, 3)),
        ((2, 0), (2, 1)),
        ((5, 1), (1,)),
    ],
)
def test_unbroadcast_sums_over_all_copies(shape, target):
    gradient = np.random.default_rng(0).standard_normal(shape)

    summed = unbroadcast(gradient, target)

    expected = np.zeros(target)
    for index in np.ndindex(shape):
        aligned = index[len(shape) - len(target) :]
        expected[tuple(0 if size == 1 else i for i, size in zip(aligned, target, strict=True))] += gradient[index]
    assert summed.shape == target
    assert np.allclose(summed, expected, rtol=1e-14)
