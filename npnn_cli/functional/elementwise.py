"""Functions of every element by itself: arithmetic, choice, roots, exponentials, trigonometry."""

from __future__ import annotations

from npnn_cli.autograd.dispatch import lift
from npnn_cli.autograd.ops import elementwise, error_function, transcendental

__all__ = ["abs", "add", "div", "floor", "mul", "neg", "pow", "reciprocal", "sign", "square", "sub"]
__all__ += ["clamp", "maximum", "minimum", "where"]
__all__ += ["cos", "erf", "exp", "expm1", "log", "log1p", "log2", "rsqrt", "sin", "sqrt", "tan", "tanh"]

add = lift(elementwise.add)
sub = lift(elementwise.sub)
mul = lift(elementwise.mul)
div = lift(elementwise.div)
pow = lift(elementwise.pow)
neg = lift(elementwise.neg)
abs = lift(elementwise.abs)
sign = lift(elementwise.sign)
floor = lift(elementwise.floor)
square = lift(elementwise.square)
reciprocal = lift(elementwise.reciprocal)

clamp = lift(elementwise.clamp)
maximum = lift(elementwise.maximum)
minimum = lift(elementwise.minimum)
where = lift(elementwise.where)

sqrt = lift(transcendental.sqrt)
rsqrt = lift(transcendental.rsqrt)
exp = lift(transcendental.exp)
expm1 = lift(transcendental.expm1)
log = lift(transcendental.log)
log1p = lift(transcendental.log1p)
log2 = lift(transcendental.log2)
sin = lift(transcendental.sin)
cos = lift(transcendental.cos)
tan = lift(transcendental.tan)
tanh = lift(transcendental.tanh)
erf = lift(error_function.erf)
