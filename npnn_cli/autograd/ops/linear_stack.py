"""Linear maps with ReLUs between them as one op: the numbers of the layers one by one, from one node of the graph.

In a small network, passing from node to node takes as long as much of the arithmetic. Here is what all the nodes
compute together: the multi-layer perceptron and its backpropagation, written out.
Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npnn_cli.autograd.ops.activations import rectified
from npnn_cli.autograd.ops.linear_algebra import product_of_rows
from npnn_cli.autograd.ops.primitive import Answer, Array, Gradients, Joint, primitive, put
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
    As that is a product, a gradient of inf makes nan where a_l = 0, and not 0 as that of a ReLU by itself.
    """
    weights, biases = parameters[::2], parameters[1::2]
    activations: list[Array] = []
    z = x.reshape(len(x), weights[0].shape[1])
    for weight, bias in zip(weights, biases, strict=True):
        a = rectified(z, out=z) if activations else z
        activations.append(a)
        z = a @ weight.T
        z += bias

    def differentiate(g: Array, gradients: Gradients) -> None:
        delta = g
        for layer in range(len(weights) - 1, -1, -1):
            a, of_weight, of_bias = activations[layer], 2 * layer + 1, 2 * layer + 2
            if of_weight in gradients:
                gradients[of_weight] = product_of_rows(delta, a, out=gradients[of_weight])
            if of_bias in gradients:
                gradients[of_bias] = np.add.reduce(delta, axis=0, out=gradients[of_bias])
            if layer:
                delta = delta @ weights[layer]
                delta *= a != 0  # also where a is nan, as in PyTorch
        if 0 in gradients:
            # In the memory order of x, which is that of the op before.
            put(gradients, 0, (weights[0].T @ delta.T).T.reshape(x.shape))

    return z, Joint(differentiate)
