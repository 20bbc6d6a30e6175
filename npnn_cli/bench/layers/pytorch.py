"""PyTorch's layers."""

from __future__ import annotations

from npnn_cli.bench.contender import OUTPUTS, Answers, gradient_of
from npnn_cli.bench.layers.cases import LayerCase
from npnn_cli.bench.layers.contender import LayerContender
from npnn_cli.torch_reference.contender import TimedTorchLayer


class PyTorchLayer(LayerContender):
    """The same layer in PyTorch.

    Raises:
        TorchMissingError: if torch is not installed.
    """

    def __init__(self, case: LayerCase, *, channels_last: bool = False) -> None:
        self.layer = TimedTorchLayer(case.build(), case.input(), case.upstream, channels_last=channels_last)

    def answers(self) -> Answers:
        """Compute output and gradients."""
        output, gradients = self.layer.differentiate()
        return {OUTPUTS: output} | {gradient_of(name): gradient for name, gradient in gradients.items()}

    def pass_through(self) -> None:
        """Compute output and gradients."""
        self.layer.pass_through()


build = PyTorchLayer
