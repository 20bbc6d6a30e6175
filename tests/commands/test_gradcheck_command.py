"""``npnn gradcheck``: it passes what is right, fails what is wrong, and covers whatever is registered."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from small_specs import CLASSIFICATION, write_spec

from npnn_cli import registry
from npnn_cli.autograd import lift
from npnn_cli.autograd.ops.primitive import primitive
from npnn_cli.examples import example, nonzero, normal
from npnn_cli.nn import Module
from npnn_cli.optim import Optimizer
from npnn_cli.optim.lr_scheduler import LRScheduler
from npnn_cli.registry import layers, optimizers, schedulers
from npnn_cli.spec.components import import_components

AGAINST = ["finite-differences", "torch"]


def checked(result):
    """What was checked, and the verdict on it."""
    lines = result.stdout.splitlines()
    rows = [line for line in lines if line.rstrip().endswith((" ok", " DIFFERS"))]
    return {line.split("  ")[0]: line.rstrip().rsplit(" ", 1)[1] for line in rows}


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
    proved = {name.split("(")[0] for name in checked(result)}
    assert proved == {f"{kind.singular} {name}" for kind in kinds for name in kind}
    assert f"checks against {against}, worst difference " in result.stdout
    assert "all agree" in result.stdout
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
def leaky_relu(throwaway):
    """A layer that npnn does not have, in one place; PyTorch has it under the same name."""

    @layers.register(example(nonzero(3, 4)), example(nonzero(2, 5), negative_slope=0.3))
    class LeakyReLU(Module):
        def __init__(self, negative_slope: float = 0.01) -> None:
            self.negative_slope = negative_slope

        def forward(self, input):
            return input.relu() - (-input).relu() * self.negative_slope


@pytest.mark.parametrize("against", AGAINST)
def test_a_new_layer_is_proved_as_soon_as_it_is_registered(npnn, leaky_relu, against):
    whats = checked(npnn("gradcheck", "--against", against))
    assert whats["layer LeakyReLU"] == whats["layer LeakyReLU(negative_slope=0.3)"] == "ok"
    spec = network("{type: Linear, out_features: 8}", "{type: LeakyReLU, negative_slope: 0.2}", LINEAR)
    result = npnn("gradcheck", spec, "--against", against)
    assert result.exit_code == 0, result.stdout


@pytest.fixture
def wrong_layer(throwaway):
    """A softplus whose derivative is wrong by a hundred-thousandth, its op registered like any other."""

    @primitive(example(normal(3, 4)))
    def softplus(x, /):
        return np.log1p(np.exp(x)), lambda g: g * (1 + 1e-5) / (1 + np.exp(-x))

    @layers.register(example(normal(3, 4)))
    class Softplus(Module):
        def forward(self, input):
            return lift(softplus)(input)


@pytest.mark.parametrize("against", AGAINST)
def test_a_wrong_derivative_fails(npnn, wrong_layer, against):
    result = npnn("gradcheck", "--against", against)
    assert result.exit_code == 1
    failed = {what for what, verdict in checked(result).items() if verdict == "DIFFERS"}
    assert failed == {"op softplus", "layer Softplus"}
    assert "\n2 DIFFER: op softplus, layer Softplus\n" in result.stdout
    assert "all agree" not in result.stdout


@pytest.mark.parametrize("against", AGAINST)
def test_a_wrong_derivative_in_a_network_fails(npnn, wrong_layer, against):
    spec = network("{type: Linear, out_features: 8}", "Softplus", LINEAR, optimizer="{type: SGD, lr: 0.1}")
    result = npnn("gradcheck", spec, "--against", against)
    assert result.exit_code == 1
    failed = [what for what, verdict in checked(result).items() if verdict == "DIFFERS"]
    assert any(what.startswith("gradient of 0.weight") for what in failed)
    assert not any(what.startswith("gradient of 2.") for what in failed)
    assert ("0.weight over 18 steps" in failed) == (against == "torch")


@pytest.mark.parametrize("against", AGAINST)
def test_a_derivative_that_is_nan_fails(npnn, throwaway, against):
    @layers.register(example(normal(3, 4)))
    class Softsign(Module):
        def forward(self, input):
            return input / (input.abs() + 1) + (input * 0).abs().sqrt() * 0

    result = npnn("gradcheck", "--against", against)
    assert result.exit_code == 1
    assert checked(result)["layer Softsign"] == "DIFFERS"
    assert "worst difference nan (layer Softsign)" in result.stdout


def test_a_wrong_output_fails_against_torch(npnn, throwaway):
    @layers.register(example(normal(3, 4)))
    class Tanhshrink(Module):
        def forward(self, input):
            return input - input.tanh() + 1e-8

    result = npnn("gradcheck", "--against", "torch")
    assert (result.exit_code, checked(result)["layer Tanhshrink"]) == (1, "DIFFERS")


def test_a_wrong_update_rule_fails_against_torch(npnn, throwaway):
    @optimizers.register(example(lr=0.1), reference=lambda torch, params, lr: torch.optim.SGD(params, lr))
    class Hasty(Optimizer):
        def __init__(self, params, lr: float) -> None:
            super().__init__(params)

        def update(self, w, g, state, **options):
            w -= options["lr"] * (1 + 1e-6) * g

    result = npnn("gradcheck", "--against", "torch")
    assert result.exit_code == 1
    assert checked(result)["optimizer Hasty(lr=0.1)"] == "DIFFERS"
    result = npnn("gradcheck", network(LINEAR, optimizer="{type: Hasty, lr: 0.1}"), "--against", "torch")
    assert result.exit_code == 1
    verdicts = checked(result)
    assert (verdicts["gradient of 0.weight"], verdicts["0.weight over 18 steps"]) == ("ok", "DIFFERS")


def test_a_wrong_schedule_fails_against_torch(npnn, throwaway):
    @schedulers.register(example(gamma=0.9))
    class ExponentialLR(LRScheduler):
        def __init__(self, optimizer, gamma: float) -> None:
            self.gamma = gamma
            super().__init__(optimizer)

        def options_at(self, step, base_lr):
            return {"lr": base_lr * self.gamma ** (step + 1)}

    result = npnn("gradcheck", "--against", "torch")
    assert result.exit_code == 1
    assert checked(result)["scheduler ExponentialLR(gamma=0.9)"] == "DIFFERS"


@pytest.mark.parametrize("of", ["everything", "a network"])
def test_without_torch_one_line_says_how_to_install_it(npnn, monkeypatch, of):
    monkeypatch.setitem(sys.modules, "torch", None)
    arguments = [network(LINEAR)] if of == "a network" else []
    result = npnn("gradcheck", *arguments, "--against", "torch")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "torch, which is not installed: pip install 'torch==2.13.0'" in result.stderr
    assert npnn("gradcheck", network(LINEAR)).exit_code == 0
