"""The check of the checkers: whatever is wrong with a component makes its own check fail, and only wrong ones fail.

Each test registers throw-away components in an otherwise empty registry.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from npnn_cli import nn, registry
from npnn_cli.autograd import apply, lift
from npnn_cli.examples import by_convention, constant, example, normal
from npnn_cli.optim import SGD, Adam, Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.proofs.differentiation import differentiation_checks
from npnn_cli.proofs.optimization import optimizer_checks, scheduler_checks

AGAINST = ["finite-differences", "torch"]
against_both = pytest.mark.parametrize("against", AGAINST)


@pytest.fixture
def _nothing_is_registered(monkeypatch):
    for kind in vars(registry).values():
        if isinstance(kind, registry.Kind):
            monkeypatch.setattr(kind, "_entries", {})
            monkeypatch.setattr(kind, "_aliases", {})


@pytest.fixture
def _no_optimizer_is_registered(monkeypatch):
    monkeypatch.setattr(registry.optimizers, "_entries", {})


@pytest.fixture
def _no_scheduler_is_registered(monkeypatch):
    monkeypatch.setattr(registry.schedulers, "_entries", {})


def failures(checks):
    """What failed, out of at least one check."""
    checks = list(checks)
    assert checks
    return [check.what for check in checks if not check.passed]


def doubling(slope):
    """The op 2x with a claim about its derivative."""

    def double(x, /):
        return 2 * x, lambda g: g * slope

    return double


@pytest.mark.usefixtures("_nothing_is_registered")
class TestDifferentiation:
    @against_both
    @pytest.mark.parametrize(
        ("slope", "failed"), [(2, []), (-2, ["op double"]), (2 + 1e-5, ["op double"]), (math.nan, ["op double"])]
    )
    def test_of_an_op(self, slope, failed, against):
        registry.ops.register(example(normal(3, 4)), reference=lambda torch, x: 2 * x)(doubling(slope))

        assert failures(differentiation_checks(against)) == failed

    @pytest.mark.parametrize(("slope", "failed"), [(0, []), (2, ["op double"])])
    def test_of_a_gradient_by_convention_which_only_pytorch_knows(self, slope, failed):
        examples = example(normal(0)), by_convention(normal(3, 4))
        registry.ops.register(*examples, reference=lambda torch, x: 2 * x.detach() + 0 * x)(doubling(slope))

        assert failures(differentiation_checks("torch")) == failed
        assert len(list(differentiation_checks("finite-differences"))) == 1

    @against_both
    @pytest.mark.parametrize("wrong", [None, "first", "second"])
    def test_of_one_input_of_an_op(self, wrong, against):
        def product(x, y, /):
            return (
                x * y,
                lambda g: g * (x if wrong == "first" else y),
                lambda g: g * (y if wrong == "second" else x),
            )

        registry.ops.register(example(normal(3, 4), normal(4)), reference=lambda torch, x, y: x * y)(product)

        assert failures(differentiation_checks(against)) == (["op product"] if wrong else [])

    @against_both
    def test_of_one_element_of_many(self, against):
        def negative(x, /):
            def gradient(g):
                wrong = -g
                wrong[-1, -1] += 1e-4
                return wrong

            return -x, gradient

        registry.ops.register(example(normal(20, 30)), reference=lambda torch, x: -x)(negative)

        assert failures(differentiation_checks(against)) == ["op negative"]

    @against_both
    def test_hidden_by_an_upstream_gradient_of_ones(self, against):
        """The gradients of a softmax sum to 0: with ones upstream, any multiple of them looks right."""

        def softmax(x, /):
            ans = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
            return ans, lambda g: 3 * ans * (g - (g * ans).sum(axis=-1, keepdims=True))

        registry.ops.register(example(normal(3, 4)), reference=lambda torch, x: torch.softmax(x, -1))(softmax)

        assert failures(differentiation_checks(against)) == ["op softmax"]

    @against_both
    def test_that_is_missing(self, against):
        def cut(x, y, /):
            return x * y, lambda g: g * y, None

        registry.ops.register(example(normal(3), normal(3)), reference=lambda torch, x, y: x * y)(cut)

        assert failures(differentiation_checks(against)) == ["op cut"]

    @pytest.mark.parametrize("wrong", [lambda x: x + 1e-8, lambda x: x.T, lambda x: x[None], lambda x: x * math.nan])
    def test_a_wrong_answer_is_found_by_pytorch(self, wrong):
        def shift(x, /):
            return wrong(x), lambda g: g.reshape(x.shape)

        registry.ops.register(example(normal(3, 4)), reference=lambda torch, x: x + 0)(shift)

        assert failures(differentiation_checks("torch")) == ["op shift"]

    def test_nan_on_pytorchs_side_alone_is_found(self):
        registry.ops.register(example(normal(3, 4)), reference=lambda torch, x: x * math.nan)(doubling(2))

        assert failures(differentiation_checks("torch")) == ["op double"]

    @against_both
    @pytest.mark.parametrize(("factor", "failed"), [(1.0, []), (0.5, ["function squares"])])
    def test_of_a_function(self, factor, failed, against):
        def squares(input):
            return (apply(doubling(2 * factor), input) / 2) ** 2

        registry.functions.register(example(normal(3, 4)), reference=lambda torch, x: x**2)(squares)

        assert failures(differentiation_checks(against)) == failed

    @against_both
    @pytest.mark.parametrize(
        ("of_input", "of_scale", "failed"),
        [(2, 2, []), (-2, 2, ["layer Scaling(factor=3.0)"]), (2, -2, ["layer Scaling(factor=3.0)"])],
    )
    def test_of_a_layers_input_or_parameter(self, of_input, of_scale, failed, against):
        def counterpart(torch, layer):
            class Scaling(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.scale = torch.nn.Parameter(torch.zeros(4))

                def forward(self, input):
                    return 2 * input * 2 * self.scale * layer.factor

            return Scaling()

        class Scaling(nn.Module):
            def __init__(self, factor: float = 1.0) -> None:
                self.factor = factor
                self.scale = nn.Parameter(np.zeros(4))

            def forward(self, input):
                return apply(doubling(of_input), input) * apply(doubling(of_scale), self.scale) * self.factor

        registry.layers.register(example(normal(3, 4), factor=3.0), reference=counterpart)(Scaling)

        assert failures(differentiation_checks(against)) == failed

    @against_both
    @pytest.mark.parametrize(("slope", "failed"), [(2, []), (-2, ["loss TwiceMean"])])
    def test_of_a_loss(self, slope, failed, against):
        class TwiceMean(nn.Module):
            def forward(self, input, target=None):
                return (apply(doubling(slope), input) - target).mean()

        registry.losses.register(
            example(normal(5, 3), normal(5, 3)), reference=lambda torch, loss: lambda x, y: (2 * x - y).mean()
        )(TwiceMean)

        assert failures(differentiation_checks(against)) == failed

    @against_both
    def test_only_the_wrong_example_fails(self, against):
        def affine(x, /, bias=0.0):
            return x + bias, lambda g: g * (1 + bias)

        registry.ops.register(
            example(normal(3)), example(normal(3), bias=0.5), reference=lambda torch, x, bias=0.0: x + bias
        )(affine)

        assert failures(differentiation_checks(against)) == ["op affine(bias=0.5)"]

    def test_finite_differences_need_no_counterpart_and_torch_asks_for_one(self):
        def unheard_of(x, /):
            return doubling(2)(x)

        registry.ops.register(example(normal(3)))(unheard_of)

        assert failures(differentiation_checks("finite-differences")) == []
        with pytest.raises(LookupError, match="PyTorch has nothing named unheard_of: register it with a reference"):
            list(differentiation_checks("torch"))

    def test_finite_differences_find_a_kink(self):
        registry.ops.register(example(constant(0.0, 3)))(_relu_with_a_slope_at_zero)

        assert failures(differentiation_checks("finite-differences")) == ["op _relu_with_a_slope_at_zero"]


def _relu_with_a_slope_at_zero(x, /):
    return np.maximum(x, 0), lambda g: g * (x >= 0)


def _torch_sgd(torch, params, **options):
    return torch.optim.SGD(params, **options)


def _too_far_in_the_end(w, g, state, lr, **_):
    state["step"] = state.get("step", 0) + 1
    w -= lr * g * (1.001 if state["step"] > 10 else 1)


@pytest.mark.usefixtures("_no_optimizer_is_registered")
class TestOptimization:
    def register(self, rule, torch_name="SGD"):
        class Planted(Adam if torch_name == "Adam" else SGD):
            tried = {}

            def update(self, w, g, state, options, scratch):
                rule(w, g, state, **options)

        registry.optimizers.register(
            example(lr=0.01),
            reference=lambda torch, params, **options: getattr(torch.optim, torch_name)(params, **options),
        )(Planted)

    @pytest.mark.parametrize(
        ("rule", "is_wrong"),
        [
            (lambda w, g, state, lr, **_: np.subtract(w, lr * g, out=w), False),
            (lambda w, g, state, lr, **_: np.add(w, lr * g, out=w), True),
            (lambda w, g, state, lr, **_: np.subtract(w, lr * g * (1 + 1e-5), out=w), True),
            (lambda w, g, state, lr, **_: np.subtract(w, lr * math.nan, out=w), True),
            (lambda w, g, state, lr, **_: None, True),
            (_too_far_in_the_end, True),
        ],
        ids=["right", "uphill", "a little too far", "nan", "nothing", "too far in the end"],
    )
    def test_a_wrong_rule_is_found_by_pytorch(self, rule, is_wrong):
        self.register(rule)

        failed = failures(optimizer_checks("torch"))
        assert failed[:1] == (["optimizer Planted(lr=0.01)"] if is_wrong else [])

    @pytest.mark.parametrize("eps_inside", [False, True])
    def test_where_eps_stands_is_found_by_pytorch(self, eps_inside):
        def rule(w, g, state, lr, betas, eps, **_):
            t = state["t"] = state.get("t", 0) + 1
            m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
            v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g * g
            m, v = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
            w -= lr * m / (np.sqrt(v + eps**2) if eps_inside else np.sqrt(v) + eps)

        self.register(rule, "Adam")

        both = ["optimizer Planted(lr=0.01)", "optimizer Planted(lr=0.01), gradients x 0.0001"]
        assert failures(optimizer_checks("torch")) == (both if eps_inside else [])

    def test_a_rule_that_forgets_its_state_is_found_by_pytorch(self):
        def rule(w, g, state, lr, **_):
            w -= lr * (g if "seen" in state else 2 * g)

        self.register(rule)

        assert len(failures(optimizer_checks("torch"))) == 2

    @pytest.mark.parametrize(("nesterov", "is_wrong"), [(False, False), (True, True)])
    def test_a_wrong_combination_of_options_is_found_and_named(self, nesterov, is_wrong):
        class Planted(SGD):
            tried = {"momentum": (0.9,), "weight_decay": (0.0, 0.1), "nesterov": (False, nesterov)}

            def update(self, w, g, state, options, scratch):
                super().update(w, g, state, options | {"nesterov": False}, scratch)

        registry.optimizers.register(example(lr=0.1), reference=_torch_sgd)(Planted)

        failed = failures(optimizer_checks("torch"))
        assert len(failed) == (2 if is_wrong else 0)
        assert all("(4 combinations of options; worst momentum=0.9" in what for what in failed)
        assert all("nesterov=True" in what for what in failed)

    @against_both
    @pytest.mark.parametrize("slope", [1.0, 1.01])
    def test_wrong_gradients_are_found(self, slope, against, monkeypatch):
        registry.optimizers.register(example(lr=0.1), reference=_torch_sgd)(type("Plain", (SGD,), {}))

        def tanh(x, /):
            ans = np.tanh(x)
            return ans, lambda g: slope * g * (1 - ans * ans)

        monkeypatch.setattr(nn.Tanh, "forward", lambda _, x: lift(tanh)(x))

        assert bool(failures(optimizer_checks(against))) == (slope != 1)


@pytest.mark.usefixtures("_no_scheduler_is_registered")
@pytest.mark.parametrize(("base", "is_wrong"), [(0.9, False), (0.9 + 1e-7, True), (math.nan, True)])
def test_a_wrong_schedule_is_found(base, is_wrong):
    class ExponentialLR(LRScheduler):
        def __init__(self, optimizer: Optimizer, gamma: float) -> None:
            super().__init__(optimizer)

        def options_at(self, step, base_lr):
            return {"lr": base_lr * base**step}

    registry.schedulers.register(example(gamma=0.9))(ExponentialLR)

    assert failures(scheduler_checks()) == (["scheduler ExponentialLR(gamma=0.9)"] if is_wrong else [])
