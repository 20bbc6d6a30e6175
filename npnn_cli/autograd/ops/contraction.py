"""Sums of products over named dimensions (Einstein's summation convention)."""

from __future__ import annotations

import numpy as np

from npnn_cli.autograd.dtypes import require_one_dtype
from npnn_cli.autograd.ops.primitive import VJP, Answer, Array, primitive
from npnn_cli.examples import example, normal


@primitive(
    example(normal(2, 3), normal(3, 4), equation="ij,jk->ki"),
    example(normal(2, 3), normal(2, 1), normal(3), equation="ij,ij,j->i"),
    example(normal(2, 3), normal(), equation="ij,->"),
    reference=lambda torch, *operands, equation: torch.einsum(equation, *operands),
)
def contract(*operands: Array, equation: str) -> Answer:
    """Multiply operands whose dimensions have the letters left of the arrow, and sum over those not at its right.

    A letter stands once for each operand. A size 1 is repeated to the size that others have under the same letter.

    The gradient of an operand is a contraction too: of g with the other operands, to the letters of this one.

    Raises:
        ValueError: if the sizes under a letter differ.
        TypeError: if the dtypes of operands differ.
    """
    if len(operands) > 1:
        require_one_dtype("contract", **{f"operand {number}": x for number, x in enumerate(operands, 1)})
    left, _, kept = equation.partition("->")
    terms = left.split(",")
    try:
        ans = np.einsum(equation, *operands, optimize=len(operands) > 1)
    except ValueError:
        shapes = ", ".join(str(x.shape) for x in operands)
        raise ValueError(
            f"contract: under each letter of {equation!r} sizes must be equal or 1, got the shapes {shapes}"
        ) from None

    def vjp(number: int) -> VJP:
        x, letters = operands[number], terms[number]
        others = [place for place in range(len(operands)) if place != number]
        factors = ",".join([kept, *(terms[place] for place in others)])
        found = "".join(letter for letter in letters if letter in factors)
        missing = tuple(place for place, letter in enumerate(letters) if letter not in factors)

        def gradient(g: Array) -> Array:
            arrays = [g, *(operands[place] for place in others)]
            partial = np.einsum(f"{factors}->{found}", *arrays, optimize=len(arrays) > 1)
            partial = np.expand_dims(partial, missing)
            return np.broadcast_to(partial, np.broadcast_shapes(partial.shape, x.shape))

        return gradient

    return ans, *map(vjp, range(len(operands)))
