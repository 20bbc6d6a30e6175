"""Two networks trained in plain NumPy without the engine: the floor that the engine's speed is measured against.

Each class is one network on MNIST, written out for it alone: the gathering of a batch, forward, backward, clipping,
Adam. What makes it fast is what makes the engine fast; :mod:`npnn_cli.autograd.ops.fused_convolution` tells how images
lie in memory, and :mod:`npnn_cli.aligned` where arrays begin. Nothing is general here, and nothing is checked. As for
the engine, freed memory should be kept for reuse: :func:`npnn_cli.training.allocator.keep_freed_memory`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from npnn_cli.aligned import aligned_empty

Array = NDArray[Any]

# NumPy clips by numbers of the array's own dtype, and by these alone, at full speed: three times that of maximum(a, 0).
ZERO, INFINITY = np.float32(0), np.float32(np.inf)


class HandwrittenNetwork:
    """What the two networks share: data, weights, Adam.

    Attributes:
        weights: what the state dict of the engine's model holds, by the same names, float32. They are views of one
            array.
        gradients: those of the last batch, likewise.
    """

    # The order in memory of the axes of a weight, by their number, where it is not the usual one.
    memory_order: ClassVar[Mapping[int, tuple[int, ...]]] = {}

    def __init__(
        self,
        images: Array,
        labels: Array,
        weights: Mapping[str, Array],
        *,
        mean: float,
        std: float,
        adam: Mapping[str, Any],
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
    ) -> None:
        """Copy the weights.

        Args:
            images: uint8 (samples, 1, 28, 28).
            labels: the digits, (samples,).
            weights: state dict of the engine's model.
            mean: of the pixels, to be subtracted.
            std: of the pixels, to divide by.
            adam: its options ``lr``, ``betas``, ``eps`` and ``weight_decay``, which may change from step to step.
            clip_grad_norm: bounds the norm of all gradients.
            clip_grad_value: bounds each number of the gradients.
        """
        self._images, self._labels = images.reshape(len(images), -1), labels
        self._factor, self._offset = np.float32(1 / std), np.float32(mean / std)
        self._adam, self._steps, self._beta1 = adam, 0, 0.0
        self._max_norm, self._max_value = clip_grad_norm, clip_grad_value
        size = sum(map(np.size, weights.values()))
        parameters, self._gradients, self._m, self._v = (_aligned(size) for _ in range(4))
        self._m[:] = self._v[:] = 0
        self._parameters = parameters
        self.weights, self.gradients = self._parts(parameters, weights), self._parts(self._gradients, weights)
        for name, weight in weights.items():
            self.weights[name][...] = weight

    def step(self, chosen: Array) -> float:
        """Train on the samples with these indices (N,). Returns their mean loss before the step."""
        loss = self.differentiate(chosen)
        self._update()
        return loss

    def differentiate(self, chosen: Array) -> float:
        """Compute the gradients of the mean loss of the samples with these indices (N,). Returns the loss."""
        raise NotImplementedError

    def _update(self) -> None:
        """Clip the gradients and change the weights.

        What is kept is m / (1 - β1) and v / (1 - β2), which saves two passes over them.
        """
        self._steps += 1
        g, lr, eps, decay = self._gradients, self._adam["lr"], self._adam["eps"], self._adam["weight_decay"]
        beta1, beta2 = self._adam["betas"]
        if self._max_norm is not None:
            factor = self._max_norm / (math.sqrt(g.dot(g)) + 1e-6)
            if factor < 1:
                g *= factor
        if self._max_value is not None:
            np.clip(g, -self._max_value, self._max_value, out=g)
        if decay:
            g += decay * self._parameters
        self._m *= beta1 * (1 - self._beta1) / (1 - beta1)  # β1 may have been another in the step before
        self._m += g
        self._v *= beta2
        self._v += np.square(g)
        self._beta1 = beta1
        correction = math.sqrt((1 - beta2**self._steps) / (1 - beta2))
        change = np.sqrt(self._v)
        change += eps * correction
        np.divide(self._m, change, out=change)
        change *= lr * correction * (1 - beta1) / (1 - beta1**self._steps)
        self._parameters -= change

    def _parts(self, flat: Array, weights: Mapping[str, Array]) -> dict[str, Array]:
        """The part of each weight in an array of all, in the weight's shape."""
        parts = {}
        for name, weight in weights.items():
            part, flat = np.split(flat, [weight.size])
            order = self.memory_order.get(weight.ndim, range(weight.ndim))
            parts[name] = part.reshape([weight.shape[axis] for axis in order]).transpose(np.argsort(order))
        return parts


class HandwrittenMLP(HandwrittenNetwork):
    """Flatten, Linear, ReLU, Linear, cross-entropy. The batch is the first axis."""

    memory_order = {2: (1, 0)}

    def differentiate(self, chosen: Array) -> float:
        """Compute the gradients of the mean loss of the samples with these indices (N,). Returns the loss."""
        w1, b1, w2, b2 = self.weights.values()  # (hidden, 784), (hidden,), (10, hidden), (10,)
        dw1, db1, dw2, db2 = self.gradients.values()

        pixels = self._images.take(chosen, axis=0, mode="clip")
        x = np.multiply(pixels, self._factor, dtype=np.float32)  # (N, 784)
        x -= self._offset
        hidden = x @ w1.T  # (N, hidden)
        hidden += b1
        hidden.clip(ZERO, INFINITY, out=hidden)
        logits = hidden @ w2.T  # (N, 10)
        logits += b2

        loss, d_logits = _cross_entropy(logits.T, self._labels[chosen])  # (10, N)
        np.matmul(hidden.T, d_logits.T, out=dw2.T)
        d_logits.sum(axis=1, out=db2)
        d_hidden = d_logits.T @ w2
        d_hidden *= hidden > 0
        np.matmul(x.T, d_hidden, out=dw1.T)
        d_hidden.sum(axis=0, out=db1)
        return loss


class HandwrittenCNN(HandwrittenNetwork):
    """The network of ``configs/mnist_cnn.yaml`` with cross-entropy. The batch is the last axis."""

    memory_order = {4: (0, 2, 3, 1)}

    def differentiate(self, chosen: Array) -> float:
        """Compute the gradients of the mean loss of the samples with these indices (N,). Returns the loss."""
        w1, b1, w2, b2, w3, b3, w4, b4 = self.weights.values()
        dw1, db1, dw2, db2, dw3, db3, dw4, db4 = self.gradients.values()
        batch = len(chosen)

        pixels = self._images.take(chosen, axis=0, mode="clip")
        x = np.multiply(pixels.T, self._factor, dtype=np.float32, order="C")  # (784, N)
        x -= self._offset
        windows1 = _windows(x.reshape(28, 1, 28, batch))  # (2, 28, 3·3·1, 14·N)
        pooled1, chosen1 = _pool(_filters(w1) @ windows1, b1)  # (14, 8, 14·N)
        windows2 = _windows(pooled1.reshape(14, 8, 14, batch))  # (2, 14, 3·3·8, 7·N)
        pooled2, chosen2 = _pool(_filters(w2) @ windows2, b2)  # (7, 16, 7·N)
        flat = pooled2.swapaxes(0, 1).reshape(784, batch)
        hidden = w3 @ flat  # (32, N)
        hidden += b3[:, None]
        hidden.clip(ZERO, INFINITY, out=hidden)
        logits = w4 @ hidden  # (10, N)
        logits += b4[:, None]

        loss, d_logits = _cross_entropy(logits, self._labels[chosen])
        np.matmul(d_logits, hidden.T, out=dw4)
        d_logits.sum(axis=1, out=db4)
        d_hidden = w4.T @ d_logits
        d_hidden *= hidden > 0
        np.matmul(d_hidden, flat.T, out=dw3)
        d_hidden.sum(axis=1, out=db3)
        d_pooled2 = (w3.T @ d_hidden).reshape(16, 7, 7 * batch).swapaxes(0, 1)
        bordered = _aligned(2, 16, 16, 7 * batch)
        bordered[:, 0] = bordered[:, -1] = 0
        d_products2 = bordered[:, 1:-1]  # (2, 14, 16, 7·N)
        _unpool(d_pooled2, chosen2, d_products2)
        _filters(dw2)[...] = (windows2 @ d_products2.swapaxes(2, 3)).sum(axis=(0, 1)).T
        _sum_pixels(d_products2, out=db2)
        d_products1 = _aligned(2, 28, 8, 14 * batch)
        _unpool(_correlate_turned(bordered, w2), chosen1, d_products1)
        _filters(dw1)[...] = (windows1 @ d_products1.swapaxes(2, 3)).sum(axis=(0, 1)).T
        _sum_pixels(d_products1, out=db1)
        return loss


def _aligned(*shape: int) -> Array:
    return aligned_empty(shape, np.dtype(np.float32))


def _filters(weight: Array) -> Array:
    """A weight (C_out, C, 3, 3), whose memory is (C_out, 3, 3, C), as the view (C_out, 3·3·C)."""
    return weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)


def _windows(images: Array) -> Array:
    """What lies beneath 3 by 3 filters in images (H, C, W, N), at even and at odd columns: (2, H, 3·3·C, W/2·N)."""
    height, channels, width, batch = images.shape
    even, odd = images[:, :, 0::2], images[:, :, 1::2]
    shifts = _aligned(2, height + 2, 3, channels, width // 2, batch)
    shifts[:, 0] = shifts[:, -1] = 0
    at_even, at_odd = shifts[:, 1:-1]  # (H, 3, C, W/2, N)
    at_even[:, 0, :, 0] = at_odd[:, 2, :, -1] = 0
    at_even[:, 0, :, 1:] = odd[:, :, :-1]
    at_even[:, 1] = at_odd[:, 0] = even
    at_even[:, 2] = at_odd[:, 1] = odd
    at_odd[:, 2, :, :-1] = even[:, :, 1:]
    return _three_rows(shifts.reshape(2, height + 2, 3 * channels, width // 2 * batch))


def _three_rows(a: Array) -> Array:
    """Each three neighbouring rows of (..., rows, C, L) as one matrix: a view (..., rows - 2, 3·C, L)."""
    *outer, rows, channels, length = a.shape
    return as_strided(a, (*outer, rows - 2, 3 * channels, length), a.strides)


def _pool(products: Array, bias: Array) -> tuple[Array, Array]:
    """Pool products (2, H, C, L) of even and odd columns, add the bias, rectify.

    Returns:
        The result (H/2, C, L), and which products it consists of, of those above 0: booleans (2, H/2, 2, C, L).
    """
    even, odd = products
    rows = np.maximum(even, odd)  # (H, C, L)
    upper, lower = rows[0::2], rows[1::2]
    pooled = np.maximum(upper, lower)
    pooled += bias[:, None]
    pooled.clip(ZERO, INFINITY, out=pooled)
    chosen = np.empty((2, len(pooled), 2, *pooled.shape[1:]), bool)
    positive, is_even = pooled > 0, (even >= odd).reshape(chosen.shape[1:])
    is_upper = (upper >= lower) & positive
    for row, is_row in enumerate((is_upper, is_upper ^ positive)):
        np.logical_and(is_row, is_even[:, row], out=chosen[0, :, row])
        np.logical_xor(is_row, chosen[0, :, row], out=chosen[1, :, row])
    return pooled, chosen


def _unpool(g: Array, chosen: Array, out: Array) -> None:
    """Write a gradient (H/2, C, L) to where its numbers come from, and 0 elsewhere: out (2, H, C, L)."""
    for row in (0, 1):
        np.multiply(chosen[:, :, row], g, out=out[:, row::2])


def _sum_pixels(g: Array, out: Array) -> None:
    """Sum (2, H, C, L) over all axes but C: a product with ones is three times as fast as a sum over short rows."""
    (g @ np.ones(g.shape[-1], np.float32)).sum(axis=(0, 1), out=out)


def _correlate_turned(bordered: Array, weight: Array) -> Array:
    """The gradient (14, 8, 14·N) of the second convolution's input, given that of its products.

    Args:
        bordered: (2, 16, 16, 7·N), with a row of zeros above and below.
        weight: (16, 8, 3, 3).
    """
    turned = weight[:, :, ::-1].transpose(3, 1, 2, 0).reshape(3 * 8, 3 * 16)
    batch = bordered.shape[-1] // 7
    products = turned @ _three_rows(bordered)  # (2, 14, 3·8, 7·N): by column of the filters, to be shifted
    even, odd = products.reshape(2, 14, 3, 8, 7, batch)
    gradient = np.empty((14, 8, 7, 2, batch), np.float32)
    of_even, of_odd = even[:, 1], odd[:, 1]
    of_even += odd[:, 0]
    of_even[:, :, 1:] += odd[:, 2, :, :-1]
    of_odd += even[:, 2]
    of_odd[:, :, :-1] += even[:, 0, :, 1:]
    gradient[:, :, :, 0], gradient[:, :, :, 1] = of_even, of_odd
    return gradient.reshape(14, 8, 14 * batch)


def _cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Mean loss of logits (10, N), and its gradient (10, N). The logits may be spoiled."""
    logits = np.ascontiguousarray(logits)
    share = np.float32(1 / len(labels))
    at_labels = np.ravel_multi_index((labels, np.arange(len(labels))), logits.shape)
    logits -= np.maximum.reduce(logits)
    gradient = np.exp(logits)
    totals = np.add.reduce(gradient)
    losses = np.log(totals)
    losses -= logits.take(at_labels)
    loss = np.add.reduce(losses) * share
    gradient *= share / totals
    gradient.reshape(-1)[at_labels] -= share
    return float(loss), gradient
