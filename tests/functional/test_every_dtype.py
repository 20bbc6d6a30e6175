"""Every function with numbers of other dtypes: dtypes, and whole numbers, are PyTorch's, or both refuse them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import npnn_cli.nn
from npnn_cli import Tensor, functional, registry
from npnn_cli.torch_reference.counterparts import to_torch, torch_function

assert npnn_cli.nn  # importing it registers everything

ENTRIES = {entry.name: entry for entry in registry.ops.values() if hasattr(functional, entry.name)}
ENTRIES |= registry.functions


def has(kinds, *arrays):
    """Whether some of the inputs are of a kind of dtypes: floating, integer, unsigned, or boolean."""
    return any(array.dtype.kind in kinds for array in arrays)


def has_none(array):
    """Whether there is no number."""
    return array.size == 0


def is_joined_in_pytorch(*operands):
    """Whether PyTorch's einsum takes operands of several dtypes: nothing that two share is summed, or no number."""
    several = len({operand.dtype for operand in operands}) > 1 or has("b", *operands)
    return several and any(operand.ndim == 0 or has_none(operand) for operand in operands)


# Of each name the cases, by the options and the inputs, where dtypes that PyTorch takes are refused.
STRICTER = {
    # PyTorch takes more dtypes if there is no number.
    "adaptive_avg_pool2d": lambda _, x: has_none(x),
    "bmm": lambda _, x, y: has_none(x),
    "conv2d": lambda _, x, *filters: has_none(x),
    "einsum": lambda _, *operands: is_joined_in_pytorch(*operands),
    "softmax": lambda _, x: has_none(x),
    # PyTorch takes a bias of another dtype for some dtypes of the input, not for all.
    "conv_transpose2d": lambda _, x, weight, *bias: has_none(x) or any(array.dtype != x.dtype for array in bias),
    # Means of whole numbers would be rounded down.
    "avg_pool1d": lambda _, x: has("i", x),
    "avg_pool2d": lambda _, x: has("i", x),
    # PyTorch's own refuses whole numbers; the one that this is compared with does not.
    "hardsigmoid": lambda _, x: has("iub", x),
    # A loss of whole numbers is a mistake.
    "l1_loss": lambda _, x, *target: has("iu", x),
    "mse_loss": lambda _, x, *target: has("iub", x),
    "smooth_l1_loss": lambda _, x, *target: has("iub", x),
    # PyTorch takes whole numbers only where indices are asked for.
    "max_pool1d": lambda options, x: "return_indices" in options and has("iu", x),
    # NumPy takes no negative whole exponents of whole numbers.
    "pow": lambda _, x, exponent: exponent.min() < 0 and not has("fub", x, exponent),
    # A weight of another dtype is refused as by the other normalizations.
    "rms_norm": lambda _, x, weight: x.dtype != weight.dtype,
    # NumPy's truth values have no sign.
    "sign": lambda _, x: has("b", x),
}
# Likewise, where dtypes that PyTorch refuses are taken.
LAXER = {
    # A fraction times whole numbers is floating, and truth values count as 0 and 1.
    "add": lambda options, x, y: "alpha" in options and not has("f", x, y),
    "sub": lambda options, x, y: has("b", x, y) or ("alpha" in options and not has("f", x, y)),
    # Truth values count as 0 and 1, in argmax and argmin as in max(dim) and min(dim).
    "argmax": lambda _, x: has("b", x),
    "argmin": lambda _, x: has("b", x),
    "clamp": lambda _, *inputs: has("b", *inputs),
    "div": lambda _, *inputs: has("b", *inputs),
    "pow": lambda _, *inputs: has("b", *inputs),
    "l1_loss": lambda _, x, target, *weight: has("b", target),
    "mse_loss": lambda _, x, target, *weight: has("b", target),
    "smooth_l1_loss": lambda _, x, target: has("b", target),
    # PyTorch lacks only the dilated, and the transposed, convolution of bytes.
    "conv1d": lambda options, x, *filters: "dilation" in options and has("u", x),
    "conv2d": lambda options, x, *filters: "dilation" in options and has("u", x),
    "conv_transpose2d": lambda _, x, *filters: has("u", x),
    # The weights of the classes are brought to the dtype of the input.
    "cross_entropy": lambda options, x, target: "weight" in options and x.dtype == np.float32,
    "nll_loss": lambda options, x, target: "weight" in options and x.dtype == np.float32,
    # What is moved may be of any dtype, and what surrounds it is brought to that.
    "pad": lambda options, x: has("b", x) or ("value" in options and has("u", x)),
}
# Likewise, where the answer has another dtype than PyTorch's.
OTHER = {
    # The wider of both, as of other losses.
    "binary_cross_entropy_with_logits": lambda _, x, target: target.dtype == np.float32,
    "huber_loss": lambda _, x, target: (x.dtype, target.dtype) == (np.float32, np.float64),
    # That of the logits, not of the weights of the classes.
    "cross_entropy": lambda options, x, target: "weight" in options and x.dtype == np.float32,
    # That of the operands, where PyTorch sums up bytes and truth values of a lone one in 64 bits.
    "einsum": lambda _, *operands: has("ub", *operands),
    # That of the truth values.
    "square": lambda _, x: has("b", x),
}


def changed(arrays) -> Iterator[tuple[str, list[np.ndarray]]]:
    """All floating inputs in another dtype, and each by itself; or it in whole numbers, and the others in float32."""
    floating = tuple(place for place, array in enumerate(arrays) if array.dtype.kind == "f")
    for places in dict.fromkeys([floating, *((place,) for place in floating)]):
        for dtype in (np.float32, np.int64, np.uint8, np.bool_):
            some = [array.astype(dtype) if place in places else array for place, array in enumerate(arrays)]
            yield f"inputs {places} of {np.dtype(dtype)}", some
    for whole in floating[len(floating) < 2 :]:
        dtypes = {place: np.int64 if place == whole else np.float32 for place in floating}
        some = [array.astype(dtypes.get(place, array.dtype)) for place, array in enumerate(arrays)]
        yield f"input {whole} of int64, all others of float32", some


def results_of(function, *inputs, **options):
    """What a function returns, as arrays, or the error that it raises."""
    try:
        results = function(*inputs, **options)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return error
    return [result.detach().numpy() for result in (results if isinstance(results, tuple | list) else [results])]


def mistake_in(name, ours, theirs) -> tuple[str | None, dict]:
    """What is wrong with npnn's results, given PyTorch's, and the table of the cases where that is meant."""
    if isinstance(ours, Exception):
        if not str(ours).startswith(f"{name}:") or isinstance(ours, RuntimeError):
            return f"a refusal that does not name it: {ours!r}", {}
        return None if isinstance(theirs, Exception) else f"refused, but not by PyTorch: {ours}", STRICTER
    if isinstance(theirs, Exception):
        return f"taken, but not by PyTorch: {theirs}", LAXER
    dtypes, expected = ([str(result.dtype) for result in results] for results in (ours, theirs))
    if dtypes != expected:
        return f"of {dtypes}, PyTorch's of {expected}", OTHER
    pairs = [(one, other) for one, other in zip(ours, theirs, strict=True) if one.dtype.kind != "f"]
    same = all(np.array_equal(one, other) for one, other in pairs)
    return None if same else f"whole numbers {[one for one, _ in pairs]}, PyTorch's {[other for _, other in pairs]}", {}


@pytest.mark.parametrize("name", ENTRIES)
def test_dtypes_and_whole_numbers_are_pytorchs_or_both_refuse(name):
    entry = ENTRIES[name]
    mistakes, meant = [], []
    for number, example in enumerate(entry.examples):
        arrays = [np.asarray(draw(np.random.default_rng(number))) for draw in example.inputs]
        for change, inputs in changed(arrays):
            options = {k: to_torch(v) if isinstance(v, np.ndarray) else v for k, v in example.options.items()}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = results_of(torch_function(entry), *map(to_torch, inputs), **options)
                function = entry.called(getattr(functional, name))
                ours = results_of(function, *map(Tensor, inputs), **example.options)
            mistake, table = mistake_in(name, ours, theirs)
            if mistake is not None and name in table and table[name](example.options, *inputs):
                meant.append(table)
            elif mistake is not None:
                mistakes.append(f"example {number}, {change}: {mistake}")

    assert mistakes == []
    assert all(table in meant for table in (STRICTER, LAXER, OTHER) if name in table), "an exception that nothing needs"
