"""Functions of every element by itself: arithmetic, exponentials, activations."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import elementwise

__all__ = ["abs", "add", "div", "exp", "log", "mul", "neg", "pow", "relu", "sigmoid", "sqrt", "sub", "tanh"]

add = lift(elementwise.add)
sub = lift(elementwise.sub)
mul = lift(elementwise.mul)
div = lift(elementwise.div)
pow = lift(elementwise.pow)
neg = lift(elementwise.neg)
abs = lift(elementwise.abs)
exp = lift(elementwise.exp)
log = lift(elementwise.log)
sqrt = lift(elementwise.sqrt)
relu = lift(elementwise.relu)
sigmoid = lift(elementwise.sigmoid)
tanh = lift(elementwise.tanh)
