"""Products of vectors, matrices, and whatever an equation describes."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from npnn_cli.autograd.compositions import bmm, outer
from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.ops import contraction, indexing, linear_algebra
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.registry import functions

__all__ = ["bmm", "einsum", "linear", "matmul", "outer"]

matmul = lift(linear_algebra.matmul)
linear = lift(linear_algebra.linear)


@functions.register(
    example(normal(2, 3), normal(3, 4), equation="ij,jk"),
    example(normal(5, 2, 3), normal(5, 3, 4), equation="bij, bjk -> bik"),
    example(normal(2, 3), normal(4, 3, 5), normal(2, 5), equation="bn,anm,bm->ba"),
    example(normal(2, 3, 4), normal(4, 5), equation="...ij,jk->...ik"),
    example(normal(2, 1, 3), normal(5, 3), equation="...a,...a->..."),
    example(normal(2, 3, 4), equation="i...->...i"),
    example(normal(2, 3, 4), equation="...ij->ij"),
    example(normal(3, 3), equation="ii"),
    example(normal(2, 3, 3), equation="...ii->...i"),
    example(normal(3, 2, 3), normal(3, 2), equation="iai,ia->a"),
    example(normal(2, 3, 4, 3), equation="aibi->iab"),
    example(normal(2, 3, 4), equation="bAc"),
    example(normal(3, 3), normal(3, 3), equation="ij,jk->ki"),
    example(normal(2), normal(3), normal(), equation="i,j,->ji"),
    example(normal(), equation=""),
    example(normal(0, 3), normal(3, 2), equation="ij,jk->ik"),
    call=lambda einsum, *operands, equation: einsum(equation, *operands),
)
def einsum(equation: str, *operands: Any) -> Tensor:
    """Sum of products that an equation describes: "ij,jk->ik" is a product of matrices, "ii" a trace.

    Each operand's dimensions are named by letters, "..." standing for any number of them. Along letters that are not
    right of the arrow, products are summed up; a letter that an operand has twice means its diagonal. Without an
    arrow, the answer has the dimensions of "...", then the letters that stand but once, in alphabetical order.
    See https://pytorch.org/docs/stable/generated/torch.einsum.html.

    Raises:
        TypeError: if the equation is no text.
        ValueError: if it is no equation, or does not fit the operands.
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: equation must be a text such as 'ij,jk->ik', got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    terms, kept = _spelled_out(equation, [np.ndim(x) for x in operands])
    taken = [_diagonal(x, term, equation) for x, term in zip(operands, terms, strict=True)]
    return apply(contraction.contract, *(x for x, _ in taken), equation=f"{','.join(t for _, t in taken)}->{kept}")


def _spelled_out(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand's dimensions and of the answer's, with letters of their own for the ellipsis."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not all(re.fullmatch(r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*", term) for term in (*terms, right)):
        raise ValueError(f"einsum: equation must be letters, '...', ',' and one '->', got {equation!r}")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: equation {equation!r} is for {len(terms)} operands, got {len(ranks)}")
    hidden = []  # the number of dimensions under each ellipsis
    for term, rank in zip(terms, ranks, strict=True):
        letters = len(term.replace("...", ""))
        hidden.append(rank - letters if "..." in term else 0)
        if hidden[-1] < 0 or ("..." not in term and rank != letters):
            raise ValueError(f"einsum: {term!r} in {equation!r} does not fit an operand of {rank} dimensions")
    names = "".join(letter for letter in string.ascii_letters if letter not in equation)[: max(hidden)]
    counted = "".join(terms)
    if not arrow:
        right = "..." + "".join(sorted(letter for letter in set(counted) - {"."} if counted.count(letter) == 1))
    wrong = [letter for letter in right.replace("...", "") if right.count(letter) > 1 or letter not in counted]
    if wrong:
        raise ValueError(f"einsum: {wrong[0]!r} must stand once right of the arrow, and left of it, got {equation!r}")
    spelled = (term.replace("...", names[len(names) - n :]) for term, n in zip(terms, hidden, strict=True))
    return list(spelled), right.replace("...", names)


def _diagonal(x: Any, letters: str, equation: str) -> tuple[Any, str]:
    """The diagonal along each letter that stands several times, and the letters that are left, each once."""
    for letter in sorted({letter for letter in letters if letters.count(letter) > 1}):
        places = [place for place, each in enumerate(letters) if each == letter]
        if len({x.shape[place] for place in places}) > 1:
            raise ValueError(f"einsum: {letter!r} in {equation!r} stands for different sizes of the shape {x.shape}")
        index = tuple(np.arange(x.shape[d]) if d in places else slice(None) for d in range(len(letters)))
        x = apply(indexing.getitem, x, index=index)
        side_by_side = places[-1] - places[0] == len(places) - 1  # else NumPy puts the diagonal first
        first = places[0] if side_by_side else 0
        rest = letters.replace(letter, "")
        letters = rest[:first] + letter + rest[first:]
    return x, letters
