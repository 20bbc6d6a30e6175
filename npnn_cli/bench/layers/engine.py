"""npnn's own layers."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.bench.contender import OUTPUTS, Answers, gradient_of
from npnn_cli.bench.layers.cases import LayerCase
from npnn_cli.bench.layers.contender import LayerContender
from npnn_cli.training.allocator import keep_freed_memory
from npnn_cli.training.threads import pinned_threads


class EngineLayer(LayerContender):
    """A layer of the engine.

    Args:
        case: the layer and its input.
        threads: how many share the work.
        batch_innermost: whether input and upstream gradient lie in memory with the batch innermost, as convolutions
            hand them on, instead of outermost, as data comes.
    """

    def __init__(self, case: LayerCase, *, threads: int, batch_innermost: bool = False) -> None:
        keep_freed_memory()
        self._threads = pinned_threads(threads, of_ops=case.has_places)
        self._threads.__enter__()  # for as long as the process lives
        self.layer = case.build()
        order = _with_the_batch_innermost if batch_innermost else np.ascontiguousarray
        self.input = Tensor(order(case.input()), requires_grad=True)
        self.upstream = order(case.upstream(case.build()(self.input).data))

    def answers(self) -> Answers:
        """Compute output and gradients."""
        output = self.layer(self.input)
        output.backward(self.upstream)
        leaves = {"input": self.input, **dict(self.layer.named_parameters())}
        gradients = {gradient_of(name): leaf.grad.copy() for name, leaf in leaves.items() if leaf.grad is not None}
        return {OUTPUTS: output.data.copy(), **gradients}

    def pass_through(self) -> None:
        """Compute output and gradients."""
        self.input.zero_grad()
        self.layer.zero_grad()
        with np.errstate(all="ignore"):  # as in training
            self.layer(self.input).backward(self.upstream)


def _with_the_batch_innermost(images: Array) -> Array:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(images, 0, -1)), -1, 0)


build = EngineLayer
