"""``npnn gradcheck SPEC``: a network is proved as a whole, and its training step by step."""

from __future__ import annotations

from pathlib import Path

import pytest
from gradcheck_runs import AGAINST, LINEAR, checked, network
from small_specs import CLASSIFICATION, write_spec

from npnn_cli.examples import example, normal
from npnn_cli.nn import Linear, Module, MSELoss
from npnn_cli.optim import SGD
from npnn_cli.registry import layers, losses, optimizers


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


def test_a_gradient_that_is_rounding_alone_is_not_followed(npnn):
    """A bias before batch normalization changes nothing; Adam makes steps of what rounding leaves of its gradient."""
    spec = network(
        "{type: Linear, out_features: 8}", "BatchNorm1d", LINEAR, optimizer="{type: Adam, lr: 0.1, eps: 1e-30}"
    )
    result = npnn("gradcheck", spec, "--against", "torch")
    assert result.exit_code == 0, result.stdout
    rows = [what for what in checked(result) if "no gradient but rounding" in what]
    assert rows == ["0.bias over 18 steps: no gradient but rounding"]


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
