"""Every function with numbers of other dtypes: the dtype of the answer is PyTorch's, or both refuse them."""

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

# Where dtypes that PyTorch takes are refused.
STRICTER = {
    "adaptive_avg_pool2d": "PyTorch takes whole numbers if there is none",
    "avg_pool1d": "means of whole numbers would be rounded down",
    "avg_pool2d": "means of whole numbers would be rounded down",
    "bmm": "PyTorch takes several dtypes if there is no number",
    "conv2d": "PyTorch takes several dtypes if there is no number",
    "conv_transpose2d": "PyTorch takes a bias of another dtype for some dtypes of the input, not for all",
    "einsum": "PyTorch takes several dtypes if nothing is summed up, or there is no number",
    "embedding": "truth values have no gradient to scale",
    "hardsigmoid": "PyTorch's own refuses whole numbers; the one that this is compared with does not",
    "l1_loss": "a loss of whole numbers is a mistake",
    "max_pool1d": "PyTorch takes whole numbers only where indices are asked for",
    "mse_loss": "a loss of whole numbers is a mistake",
    "pow": "NumPy takes no negative whole exponents of whole numbers",
    "rms_norm": "a weight of another dtype is refused as by the other normalizations",
    "sign": "NumPy's truth values have no sign",
    "smooth_l1_loss": "a loss of whole numbers is a mistake",
    "softmax": "PyTorch takes whole numbers if there is none",
}
# Where dtypes that PyTorch refuses are taken.
LAXER = {
    "add": "a fraction times whole numbers is floating",
    "argmax": "truth values count as 0 and 1, as in max(dim)",
    "argmin": "truth values count as 0 and 1, as in min(dim)",
    "clamp": "truth values count as 0 and 1",
    "conv1d": "PyTorch lacks only the dilated convolution of bytes",
    "conv2d": "PyTorch lacks only the dilated convolution of bytes",
    "conv_transpose2d": "PyTorch lacks only that of bytes",
    "cross_entropy": "the weights of the classes are brought to the dtype of the input",
    "div": "truth values count as 0 and 1",
    "l1_loss": "truth values count as 0 and 1",
    "mse_loss": "truth values count as 0 and 1",
    "nll_loss": "the weights of the classes are brought to the dtype of the input",
    "pad": "what is moved may be of any dtype",
    "pow": "truth values count as 0 and 1",
    "smooth_l1_loss": "truth values count as 0 and 1",
    "sub": "truth values count as 0 and 1, and a fraction times whole numbers is floating",
}
# Where the answer has another dtype than PyTorch's.
OTHER = {
    "binary_cross_entropy_with_logits": "the wider of both, as of other losses",
    "cross_entropy": "that of the logits, not of the probabilities",
    "einsum": "that of a lone operand, where PyTorch sums up bytes in 64 bits",
    "huber_loss": "the wider of both, as of other losses",
    "square": "that of the truth values",
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


def dtypes_of(function, *inputs, **options):
    """The dtypes of what a function returns, or the error that it raises."""
    try:
        results = function(*inputs, **options)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return error
    results = results if isinstance(results, tuple | list) else [results]
    return [str(result.dtype).removeprefix("torch.") for result in results]


def mistake_in(name, ours, theirs) -> str | None:
    if isinstance(ours, Exception):
        if not str(ours).startswith(f"{name}:") or isinstance(ours, RuntimeError):
            return f"a refusal that does not name it: {ours!r}"
        return None if isinstance(theirs, Exception) or name in STRICTER else f"refused, but not by PyTorch: {ours}"
    if isinstance(theirs, Exception):
        return None if name in LAXER else f"taken, but not by PyTorch: {theirs}"
    return None if ours == theirs or name in OTHER else f"of {ours}, PyTorch's of {theirs}"


@pytest.mark.parametrize("name", ENTRIES)
def test_the_dtypes_are_pytorchs_or_both_refuse(name):
    entry = ENTRIES[name]
    mistakes = []
    for number, example in enumerate(entry.examples):
        arrays = [np.asarray(draw(np.random.default_rng(number))) for draw in example.inputs]
        for change, inputs in changed(arrays):
            options = {k: to_torch(v) if isinstance(v, np.ndarray) else v for k, v in example.options.items()}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = dtypes_of(torch_function(entry), *map(to_torch, inputs), **options)
                function = entry.called(getattr(functional, name))
                ours = dtypes_of(function, *map(Tensor, inputs), **example.options)
            mistake = mistake_in(name, ours, theirs)
            mistakes += [] if mistake is None else [f"example {number}, {change}: {mistake}"]

    assert mistakes == []
