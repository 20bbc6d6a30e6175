"""Linear maps with ReLUs between them as one op: the numbers of the layers one by one, from one node of the graph.

In a small network, passing from node to node takes as long as much of the arithmetic. Here is what all the nodes
compute together: the multi-layer perceptron and its backpropagation, written out.
Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from npnn_cli.autograd.ops.primitive import VJP, Answer, Array, Into, Shared, primitive
from npnn_cli.examples import example, normal


def _torch_stack(torch: Any, x: Any, *parameters: Any) -> Any:
    x = x.flatten(1)
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = torch.relu(torch.nn.functional.linear(x, weight, bias))
    return torch.nn.functional.linear(x, *parameters[-2:])


@primitive(
    example(normal(5, 3), normal(4, 3), normal(4)),
    example(normal(5, 3), normal(4, 3), normal(4), normal(2, 4), normal(2)),
    example(normal(3, 2, 1, 4), normal(6, 8), normal(6), normal(5, 6), normal(5), normal(4, 5), normal(4)),
    reference=_torch_stack,
)
def linear_relu_stack(x: Array, /, *parameters: Array) -> Answer:
    """Linear maps with a ReLU between each two, of the flattened samples of x (N, ...).

    ``parameters`` are the weight (out_features, in_features) and the bias (out_features,) of each map in turn.
    Forward, from a_0 = x: z_l = a_{l-1} W_lᵀ + b_l, a_l = max(z_l, 0); the answer is the last z_L, not rectified.
    Backward, from δ_L = g: δ_l = (δ_{l+1} W_{l+1}) · [a_l > 0], dW_l = δ_lᵀ a_{l-1}, db_l = Σ_n δ_l, dx = δ_1 W_1.
    """
    weights, biases = parameters[::2], parameters[1::2]
    a = x.reshape(len(x), weights[0].shape[1])
    activations = [a]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        a = _affine(a, weight, bias)
        np.maximum(a, 0, out=a)
        activations.append(a)

    def backpropagate(g: Array) -> list[Array]:
        deltas = [g]
        for weight, a in zip(weights[:0:-1], activations[:0:-1], strict=True):
            delta = deltas[-1] @ weight
            delta *= a != 0  # also where a is nan, as in PyTorch
            deltas.append(delta)
        return deltas[::-1]

    deltas = Shared(backpropagate)

    def gradient_of_x(g: Array) -> Array:
        # In the memory order of x, which is that of the op before.
        return (weights[0].T @ deltas(g)[0].T).T.reshape(x.shape)

    def gradients_of(layer: int) -> tuple[Into, Into]:
        return (
            Into(
                lambda g, out: np.matmul(activations[layer].T, deltas(g)[layer], out=None if out is None else out.T).T
            ),
            Into(lambda g, out: np.add.reduce(deltas(g)[layer], axis=0, out=out)),
        )

    vjps: list[VJP] = [gradient_of_x]
    for layer in range(len(weights)):
        vjps += gradients_of(layer)
    return cast(Answer, (_affine(a, weights[-1], biases[-1]), *vjps))  # a list of any length is too much for mypy


def _affine(x: Array, weight: Array, bias: Array) -> Array:
    ans = x @ weight.T
    ans += bias
    return ans
