"""``npnn gradcheck``: it passes what is right, fails what is wrong, and covers whatever is registered."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from gradcheck_runs import AGAINST, LINEAR, checked, network

from npnn_cli import registry
from npnn_cli.examples import example, nonzero, normal
from npnn_cli.nn import Module
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.proofs.optimization import GRADIENT_SCALES
from npnn_cli.registry import layers, optimizers, schedulers
from npnn_cli.spec.components import import_components


@pytest.mark.parametrize("against", AGAINST)
def test_everything_registered_is_proved(npnn, against):
    result = npnn("gradcheck", "--against", against)
    assert result.exit_code == 0, result.stdout
    import_components()
    kinds = [registry.ops, registry.functions, registry.layers, registry.losses, registry.optimizers]
    kinds += [registry.schedulers] if against == "torch" else []
    rows = checked(result)
    assert list(rows) == [f"{kind.singular} {name}" for kind in kinds for name in kind]
    assert set(rows.values()) == {"ok"}
    *_, summary, verdict = result.stdout.splitlines()
    examples = [example for kind in kinds for entry in kind.values() for example in entry.examples]
    cases = sum(against == "torch" or example.has_slope for example in examples)
    if against == "torch":  # each example of an optimizer, and all combinations of its options, at every scale
        cases += sum(
            (len(GRADIENT_SCALES) - 1) * len(entry.examples) + len(GRADIENT_SCALES)
            for entry in registry.optimizers.values()
        )
    assert summary.startswith(f"{cases} cases of {len(rows)} components ")
    assert re.search(rf" against {against} in [\d.]+ s, worst difference [\d.e-]+ \(\w+ \w+", summary)
    assert verdict == "all agree"
    assert result.stderr == ""
    assert list(Path().iterdir()) == []


@pytest.fixture
def softshrink(small_catalogue):
    """A layer that npnn does not have, in one place; PyTorch has it under the same name."""

    @layers.register(example(nonzero(3, 4)), example(nonzero(2, 5), lambd=0.3))
    class Softshrink(Module):
        def __init__(self, lambd: float = 0.5) -> None:
            self.lambd = lambd

        def forward(self, input):
            return (input - self.lambd).relu() - (-input - self.lambd).relu()


@pytest.mark.parametrize("against", AGAINST)
def test_a_new_layer_is_proved_as_soon_as_it_is_registered(npnn, softshrink, against):
    whats = checked(npnn("gradcheck", "--verbose", "--against", against))
    assert whats["layer Softshrink"] == whats["layer Softshrink(lambd=0.3)"] == "ok"
    spec = network("{type: Linear, out_features: 8}", "{type: Softshrink, lambd: 0.2}", LINEAR)
    result = npnn("gradcheck", spec, "--against", against)
    assert result.exit_code == 0, result.stdout


@pytest.mark.parametrize("against", AGAINST)
def test_a_wrong_derivative_fails(npnn, wrong_layer, against):
    result = npnn("gradcheck", "--against", against)
    assert result.exit_code == 1
    failed = {what for what, verdict in checked(result).items() if verdict == "DIFFERS"}
    assert failed == {"op celu", "layer CELU"}
    assert "what differs:" in result.stdout
    assert "\n2 DIFFER: op celu, layer CELU\n" in result.stdout
    assert "all agree" not in result.stdout


@pytest.mark.parametrize("against", AGAINST)
def test_a_derivative_that_is_nan_fails(npnn, small_catalogue, against):
    @layers.register(example(normal(3, 4)))
    class Tanhshrink(Module):
        def forward(self, input):
            return input - input.tanh() + (input * 0).abs().sqrt() * 0

    result = npnn("gradcheck", "--against", against)
    assert result.exit_code == 1
    assert checked(result)["layer Tanhshrink"] == "DIFFERS"
    assert "worst difference nan (layer Tanhshrink)" in result.stdout


def test_a_wrong_output_fails_against_torch(npnn, small_catalogue):
    @layers.register(example(normal(3, 4)))
    class Tanhshrink(Module):
        def forward(self, input):
            return input - input.tanh() + 1e-8

    result = npnn("gradcheck", "--against", "torch")
    assert (result.exit_code, checked(result)["layer Tanhshrink"]) == (1, "DIFFERS")


def test_a_wrong_update_rule_fails_against_torch(npnn, small_catalogue):
    @optimizers.register(example(lr=0.1), reference=lambda torch, params, lr: torch.optim.SGD(params, lr))
    class Hasty(Optimizer):
        def __init__(self, params, lr: float) -> None:
            super().__init__(params)

        def update(self, w, g, state, options, scratch):
            w -= options["lr"] * (1 + 1e-6) * g

    result = npnn("gradcheck", "--against", "torch")
    assert result.exit_code == 1
    assert checked(result)["optimizer Hasty"] == checked(result)["optimizer Hasty(lr=0.1)"] == "DIFFERS"
    result = npnn("gradcheck", network(LINEAR, optimizer="{type: Hasty, lr: 0.1}"), "--against", "torch")
    assert result.exit_code == 1
    verdicts = checked(result)
    assert (verdicts["gradient of 0.weight"], verdicts["0.weight over 18 steps"]) == ("ok", "DIFFERS")


def test_a_wrong_schedule_fails_against_torch(npnn, small_catalogue):
    @schedulers.register(example(power=2.0))
    class PolynomialLR(LRScheduler):
        def __init__(self, optimizer, power: float) -> None:
            self.power = power
            super().__init__(optimizer)

        def options_at(self, step, base_lr):
            return {"lr": base_lr * (1 - step / 6) ** self.power}

    result = npnn("gradcheck", "--against", "torch")
    assert result.exit_code == 1
    assert checked(result)["scheduler PolynomialLR(power=2.0)"] == "DIFFERS"


@pytest.mark.parametrize("of", ["everything", "a network"])
def test_without_torch_one_line_says_how_to_install_it(npnn, monkeypatch, of):
    monkeypatch.setitem(sys.modules, "torch", None)
    arguments = [network(LINEAR)] if of == "a network" else []
    result = npnn("gradcheck", *arguments, "--against", "torch")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "torch, which is not installed: pip install 'torch==2.13.0'" in result.stderr
    assert npnn("gradcheck", network(LINEAR)).exit_code == 0


def test_what_pytorch_does_not_have_is_told_in_a_line(npnn, small_catalogue):
    @layers.register(example(normal(3, 4)))
    class Unheard(Module):
        def forward(self, input):
            return input * 2

    result = npnn("gradcheck", "--against", "torch")
    assert result.exit_code == 2
    assert (
        result.stderr == "error: PyTorch has nothing named Unheard: register it with a reference to compare it with\n"
    )


class TestOnly:
    def test_what_is_named_is_checked_alone_whatever_its_kind(self, npnn):
        result = npnn("gradcheck", "--only", "relu", "--only", "ReLU", "--only", "MAELoss", "--only", "SGD")
        assert result.exit_code == 0
        assert checked(result) == dict.fromkeys(["op relu", "layer ReLU", "loss L1Loss", "optimizer SGD"], "ok")
        assert re.search(r"^\d+ cases of 4 components against finite-differences in ", result.stdout, re.MULTILINE)

    def test_verbose_shows_each_case(self, npnn):
        import_components()
        result = npnn("gradcheck", "--only", "LeakyReLU", "--verbose", "--against", "torch")
        assert list(checked(result)) == ["layer LeakyReLU", "layer LeakyReLU(negative_slope=0.2)"]
        assert result.stdout.splitlines()[-2].startswith("2 cases of 1 component against torch in ")

    def test_a_schedule_is_checked_against_torch(self, npnn):
        result = npnn("gradcheck", "--only", "StepLR", "--against", "torch")
        assert checked(result) == {"scheduler StepLR": "ok"}

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["Linaer"], "--only: nothing is named 'Linaer': did you mean 'Linear'?"),
            (["relu", "qqq"], "--only: nothing is named 'qqq'; npnn gradcheck lists all there is"),
            (["StepLR"], "--only: the scheduler StepLR has no derivative: compare it with --against torch"),
            (["orthogonal"], "--only: the initializer orthogonal has no derivative"),
            (["MNIST"], "--only: the dataset MNIST has no derivative"),
        ],
    )
    def test_what_cannot_be_checked_is_told_in_a_line(self, npnn, names, message):
        result = npnn("gradcheck", *(word for name in names for word in ("--only", name)))
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error: {message}\n")

    def test_a_network_is_checked_as_a_whole(self, npnn):
        spec = network(LINEAR)
        result = npnn("gradcheck", spec, "--only", "Linear")
        assert result.exit_code == 2
        assert result.stderr == (
            f"error: --only chooses among all that is registered: {spec}'s network is checked as a whole\n"
        )
