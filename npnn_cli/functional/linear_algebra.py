"""Products of vectors, matrices, and whatever an equation describes."""

from __future__ import annotations

import itertools
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


def _called(einsum: Any, *operands: Any, equation: str | None = None, lists: Sequence[Any] = ()) -> Any:
    """Call einsum in the one form or the other."""
    if equation is not None:
        return einsum(equation, *operands)
    pairs = itertools.chain.from_iterable(zip(operands, lists, strict=False))
    return einsum(*pairs, *lists[len(operands) :])


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
    example(normal(2, 3), normal(3, 4), lists=[[0, 1], [1, 2], [0, 2]]),
    example(normal(2, 3), normal(3, 4), lists=[(30, 3), (3, 2)]),
    example(normal(5, 2, 3), normal(3, 4), lists=[[..., 0, 1], [1, 2], [2, 0, ...]]),
    example(normal(3, 2, 3), lists=[[51, 25, 51]]),
    example(normal(), normal(2), lists=[[], [0], []]),
    call=_called,
)
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum of products that an equation describes: "ij,jk->ik" is a product of matrices, "ii" a trace.

    Each operand's dimensions are named by letters, "..." standing for any number of them. Along letters that are not
    right of the arrow, products are summed up; a letter that an operand has twice means its diagonal. Without an
    arrow, the answer has the dimensions of "...", then the letters that stand but once, in alphabetical order.
    Instead of an equation, a list of numbers from 0 to 51 and ``...`` may name the dimensions after each operand, and
    at the end those of the answer: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.
    See https://pytorch.org/docs/stable/generated/torch.einsum.html.

    Raises:
        TypeError: if the equation is no text, or a list holds anything but whole numbers and ``...``.
        ValueError: if it is no equation, or does not fit the operands.
    """
    if operands and isinstance(operands[0], list | tuple) and not isinstance(equation, str):
        equation, operands = _from_lists(equation, *operands)
    if not isinstance(equation, str):
        raise TypeError(f"einsum: equation must be a text such as 'ij,jk->ik', got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    terms, kept = _spelled_out(equation, [np.ndim(x) for x in operands])
    taken = [_diagonal(x, term, equation) for x, term in zip(operands, terms, strict=True)]
    return apply(contraction.contract, *(x for x, _ in taken), equation=f"{','.join(t for _, t in taken)}->{kept}")


def _from_lists(*arguments: Any) -> tuple[str, tuple[Any, ...]]:
    """The equation and the operands, from operands with a list after each, and perhaps one more for the answer."""
    paired = len(arguments) // 2 * 2
    terms = [_named_by_letters(each) for each in (*arguments[1:paired:2], *arguments[paired:])]
    count = paired // 2
    return "->".join([",".join(terms[:count]), *terms[count:]]), arguments[:paired:2]


def _named_by_letters(dims: Any) -> str:
    if not isinstance(dims, list | tuple) or not all(d is ... or isinstance(d, int | np.integer) for d in dims):
        raise TypeError(f"einsum: expected a list of whole numbers and ... after each operand, got {dims!r}")
    letters = string.ascii_uppercase + string.ascii_lowercase  # in the order in which they are sorted
    wrong = [d for d in dims if d is not ... and not 0 <= d < len(letters)]
    if wrong:
        raise ValueError(f"einsum: dimensions are named by numbers from 0 to {len(letters) - 1}, got {wrong[0]}")
    return "".join("..." if d is ... else letters[d] for d in dims)


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
