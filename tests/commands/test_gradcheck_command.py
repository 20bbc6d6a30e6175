"""``npnn gradcheck``: it passes what is right, fails what is wrong, and covers whatever is registered."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from small_specs import CLASSIFICATION, write_spec

from npnn_cli import registry
from npnn_cli.autograd import lift
from npnn_cli.autograd.ops.primitive import primitive
from npnn_cli.examples import example, nonzero, normal
from npnn_cli.nn import Linear, Module, MSELoss
from npnn_cli.optim import SGD, Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.proofs.optimization import GRADIENT_SCALES
from npnn_cli.registry import layers, losses, optimizers, schedulers
from npnn_cli.spec.components import import_components

AGAINST = ["finite-differences", "torch"]


def checked(result):
    """What was checked, and the verdict on it."""
    lines = result.stdout.splitlines()
    rows = [line for line in lines if line.rstrip().endswith((" ok", " DIFFERS"))]
    return {line.split("  ")[0].rstrip(): line.rstrip().rsplit(" ", 1)[1] for line in rows}


def network(*model, **sections):
    return write_spec(Path("small.yaml"), model=f"[{', '.join(model)}]", **sections)


LINEAR = "{type: Linear, out_features: 1}"


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


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize(
    "sections",
    [
        {"model": f"[{{type: Linear, out_features: 8}}, ReLU, Dropout, {LINEAR}]"},
        {"scheduler": "{type: OneCycleLR, max_lr: 0.1}", "training": "{epochs: 9, batch_size: 9, clip_grad_norm: 0.1}"},
        CLASSIFICATION,
    ],
    ids=["regression", "schedule and clipping", "classification"],
)
def test_a_network_is_proved_parameter_by_parameter(blobs, npnn, against, sections):
    spec = write_spec(Path("small.yaml"), **sections)
    result = npnn("gradcheck", spec, "--against", against)
    assert result.exit_code == 0, result.stdout
    whats = checked(result)
    for parameter in ("0.weight", "0.bias"):
        assert any(what.startswith(f"gradient of {parameter}") for what in whats)
        assert any(what.startswith(f"{parameter} over ") for what in whats) == (against == "torch")
    assert list(Path().iterdir()) == [spec]


def test_twenty_steps_are_taken_beside_torch(npnn):
    result = npnn("gradcheck", network(LINEAR, training="{epochs: 2, batch_size: 20}"), "--against", "torch")
    assert "0.weight over 20 steps" in checked(result)


@pytest.fixture
def small_catalogue(throwaway):
    """So few components that all are proved at once; what a test registers comes on top, and is forgotten after it."""
    kept = {"Linear", "Tanh", "MSELoss", "SGD", "Adam"}  # what the proofs and the specs below are made of
    for kind in (registry.ops, registry.functions, layers, losses, optimizers, schedulers):
        for name in set(kind) - kept:
            del kind._entries[name]


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


@pytest.fixture
def wrong_layer(small_catalogue):
    """A CELU whose derivative is wrong by a hundred-thousandth, its op registered like any other."""

    @primitive(example(normal(3, 4)))
    def celu(x, /):
        return np.where(x > 0, x, np.expm1(x)), lambda g: g * (1 + 1e-5) * np.exp(np.minimum(x, 0))

    @layers.register(example(normal(3, 4)))
    class CELU(Module):
        def forward(self, input):
            return lift(celu)(input)


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
def test_a_wrong_derivative_in_a_network_fails(npnn, wrong_layer, against):
    spec = network("{type: Linear, out_features: 8}", "CELU", LINEAR, optimizer="{type: SGD, lr: 0.1}")
    result = npnn("gradcheck", spec, "--against", against)
    assert result.exit_code == 1
    failed = [what for what, verdict in checked(result).items() if verdict == "DIFFERS"]
    assert any(what.startswith("gradient of 0.weight") for what in failed)
    assert not any(what.startswith("gradient of 2.") for what in failed)
    assert ("0.weight over 18 steps" in failed) == (against == "torch")


@pytest.mark.parametrize("against", AGAINST)
def test_a_network_is_checked_as_it_is_trained(npnn, wrong_layer, against):
    @layers.register(example(normal(3, 4)), reference=lambda torch, _: torch.nn.CELU())
    class WrongInTraining(layers["CELU"].component):
        def forward(self, input):
            return super().forward(input) if self.training else input

    result = npnn(
        "gradcheck", network("{type: Linear, out_features: 8}", "WrongInTraining", LINEAR), "--against", against
    )
    assert result.exit_code == 1


def test_a_wrong_loss_of_a_network_fails_against_torch(npnn, small_catalogue):
    @losses.register(example(normal(3, 4), normal(3, 4)), reference=lambda torch, _: torch.nn.MSELoss())
    class Shifted(MSELoss):
        def forward(self, input, target=None):
            return super().forward(input, target) + 1e-6

    result = npnn("gradcheck", network(LINEAR, loss="Shifted"), "--against", "torch")
    assert result.exit_code == 1
    assert {what for what, verdict in checked(result).items() if verdict == "DIFFERS"} == {"loss"}


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


def test_a_gradient_that_is_rounding_alone_is_not_followed(npnn):
    """A bias before batch normalization changes nothing; Adam makes steps of what rounding leaves of its gradient."""
    spec = network(
        "{type: Linear, out_features: 8}", "BatchNorm1d", LINEAR, optimizer="{type: Adam, lr: 0.1, eps: 1e-30}"
    )
    result = npnn("gradcheck", spec, "--against", "torch")
    assert result.exit_code == 0, result.stdout
    rows = [what for what in checked(result) if "no gradient but rounding" in what]
    assert rows == ["0.bias over 18 steps: no gradient but rounding"]


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


def test_a_rule_that_is_wrong_from_its_second_step_fails(npnn, small_catalogue):
    """The twenty steps are compared to the last: the first alone would agree."""

    @optimizers.register(example(), reference=lambda torch, params, **options: torch.optim.SGD(params, **options))
    class WrongLater(SGD):
        def update(self, w, g, state, options, scratch):
            super().update(w, g * (1 + 1e-5 * (state.get("taken", 0) > 0)), state, options, scratch)
            state["taken"] = state.get("taken", 0) + 1

    result = npnn("gradcheck", network(LINEAR, optimizer="{type: WrongLater, lr: 0.1}"), "--against", "torch")
    assert result.exit_code == 1
    failed = {what for what, verdict in checked(result).items() if verdict == "DIFFERS"}
    assert failed == {"0.weight over 18 steps", "0.bias over 18 steps"}


@pytest.mark.parametrize(
    "scheduler",
    [
        "{type: LinearLR, total_iters: 3}",
        "{type: SequentialLR, schedulers: [{type: LinearLR, total_iters: 3}, {type: ExponentialLR, gamma: 0.9}], "
        "milestones: [3]}",
    ],
)
def test_a_schedule_that_begins_low_begins_low_beside_torch(npnn, scheduler):
    result = npnn("gradcheck", network(LINEAR, scheduler=scheduler), "--against", "torch")
    assert result.exit_code == 0, result.stdout


def test_a_training_that_diverges_is_compared_as_far_as_it_goes(npnn):
    spec = network("{type: Linear, out_features: 8}", LINEAR, optimizer="{type: SGD, lr: 1e+60}")
    result = npnn("gradcheck", spec, "--against", "torch")
    assert result.exit_code in (0, 1)
    assert "steps, where it diverges: " in result.stdout


def test_a_training_that_diverges_at_once_cannot_be_compared(npnn, throwaway):
    @layers.register(example(normal(3, 4)), reference=lambda torch, _: torch.nn.Identity())
    class Overflow(Module):
        def forward(self, input):
            return input * 1e300 * 1e300

    result = npnn("gradcheck", network(LINEAR, "Overflow"), "--against", "torch")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: nothing can be compared, for the training diverges at its first step: the")


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


@pytest.mark.parametrize("against", AGAINST)
def test_frozen_parameters_are_left_out_of_a_networks_proof(npnn, throwaway, against):
    def counterpart(torch, layer):
        return torch.nn.Linear(layer.options["in_features"], layer.options["out_features"])

    @layers.register(example(normal(5, 3), in_features=3, out_features=4), reference=counterpart)
    class Fixed(Linear):
        def __init__(self, in_features: int, out_features: int, *, rng=None) -> None:
            super().__init__(in_features, out_features, rng=rng)
            self.weight.requires_grad_(False)

    spec = network("{type: Fixed, out_features: 8}", "Tanh", LINEAR)
    result = npnn("gradcheck", spec, "--against", against)
    assert result.exit_code == 0, result.stdout
    whats = checked(result)
    assert any(what.startswith("gradient of 0.bias") for what in whats)
    assert any(what.startswith("gradient of 0.weight") for what in whats) == (against == "torch")
    if against == "torch":
        assert whats["0.weight over 18 steps"] == "ok"
