"""Wrong arguments: an error that names the op, the argument, what came and what is expected, as PyTorch has one."""

from __future__ import annotations

import inspect
import math
import warnings

import numpy as np
import pytest

import npnn_cli.nn
from npnn_cli import Tensor, functional, registry
from npnn_cli import functional as F
from npnn_cli.torch_reference.counterparts import to_torch, torch_function

assert npnn_cli.nn  # importing it registers everything

ENTRIES = {entry.name: entry for entry in registry.ops.values() if hasattr(functional, entry.name)}
ENTRIES |= registry.functions


def options_of(entry):
    """Each option that takes more than yes and no, with an example in which it can be set."""
    parameters = list(inspect.signature(entry.component).parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL) or parameter.default in (
            True,
            False,
        ):
            continue
        for number, example in enumerate(entry.examples):
            can_be_left_out = parameter.default is not parameter.empty and parameters.index(parameter) >= len(
                example.inputs
            )
            if parameter.name in example.options or can_be_left_out:
                yield parameter.name, number
                break


OPTIONS = [(name, option, number) for name, entry in ENTRIES.items() for option, number in options_of(entry)]
every_option = pytest.mark.parametrize(("name", "option", "number"), OPTIONS)

# What PyTorch refuses and npnn takes.
LAXER = {
    ("avg_pool2d", "divisor_override"): "a divisor may be a fraction",
    ("batch_norm", "momentum"): "it does not matter in evaluation",
    ("binary_cross_entropy", "weight"): "a number is as good as a tensor",
    ("binary_cross_entropy_with_logits", "weight"): "a number is as good as a tensor",
    ("binary_cross_entropy_with_logits", "pos_weight"): "a number is as good as a tensor",
}


def call(name, number, **options):
    """Call a function with the inputs of an example, and some other options."""
    entry = ENTRIES[name]
    arrays = [np.asarray(draw(np.random.default_rng(0))) for draw in entry.examples[number].inputs]
    return entry.called(getattr(functional, name))(*map(Tensor, arrays), **entry.examples[number].options | options)


def pytorch_refuses(name, number, **options):
    entry = ENTRIES[name]
    arrays = [np.asarray(draw(np.random.default_rng(0))) for draw in entry.examples[number].inputs]
    options = entry.examples[number].options | options
    options = {key: to_torch(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch_function(entry)(*map(to_torch, arrays), **options)
        except Exception:
            return True
    return False


class Nonsense:
    def __repr__(self):
        return "NONSENSE"


@every_option
def test_what_no_option_takes_is_refused_by_name(name, option, number):
    if (name, option) not in LAXER:
        with pytest.raises((TypeError, ValueError), match=rf"^{name}:.*\b{option}\b"):
            call(name, number, **{option: Nonsense()})


@pytest.mark.parametrize("value", [-99, 99, 1.5, "nonsense"])
@every_option
def test_what_pytorch_refuses_is_refused_by_name(name, option, number, value):
    if (name, option) not in LAXER and pytorch_refuses(name, number, **{option: value}):
        with pytest.raises((TypeError, ValueError, IndexError), match=f"^{name}:"):
            call(name, number, **{option: value})


@pytest.mark.parametrize("name", ENTRIES)
def test_an_unknown_option_is_refused(name):
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'colour'"):
        call(name, 0, colour="red")


@pytest.mark.parametrize("wrong", ["nonsense", {}, Nonsense()], ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_no_tensor_is_refused_by_name(name, wrong):
    entry = ENTRIES[name]
    _, *others = entry.examples[0].inputs
    arrays = [np.asarray(draw(np.random.default_rng(0))) for draw in others]

    with pytest.raises((TypeError, ValueError), match=rf"^{name}:"):
        entry.called(getattr(functional, name))(wrong, *arrays, **entry.examples[0].options)


X = Tensor(np.linspace(-1, 1, 24).reshape(2, 3, 4))
ROW, IMAGES = X[0, 0], Tensor(np.ones((2, 3, 5, 6)))
LOGITS = Tensor(np.zeros((5, 3)))
FILTERS = Tensor(np.ones((4, 3, 3, 2)))

TABLE = [
    # Sizes that do not broadcast
    (
        lambda: X + X[0, 0, :3],
        ValueError,
        r"add: sizes must be equal or 1, counted .*, got input .* \(2, 3, 4\), other .* \(3,\)",
    ),
    (
        lambda: np.ones(3) * X,
        ValueError,
        r"mul: sizes must be equal .*, got input float64 \(3,\), other float64 \(2, 3, 4\)",
    ),
    (lambda: F.maximum(X, np.ones((3, 3))), ValueError, "maximum: sizes must be equal or 1"),
    (
        lambda: F.where(X[0] > 0, X, 0.0) + F.where(X > 0, X[:, :2], X),
        ValueError,
        r"where: sizes .* condition bool \(2, 3, 4\)",
    ),
    (lambda: X.clamp(np.zeros(3)), ValueError, r"clamp: sizes must be equal or 1, .*, min float64 \(3,\)"),
    (lambda: X.expand(2, 4, 4), ValueError, r"expand: .* shape \(2, 3, 4\) does not broadcast to the size \(2, 4, 4\)"),
    (lambda: X.expand(-1, 2, 3, 4), ValueError, r"expand: .* does not broadcast to the size \(-1, 2, 3, 4\)"),
    # Operands that are none
    (lambda: X + None, TypeError, r"add: unsupported operand .*, got input float64 \(2, 3, 4\), other None"),
    (lambda: X * "2", TypeError, "mul: expected tensors, arrays or numbers, got input float64 .*, other '2'"),
    (lambda: -(X > 0), TypeError, r"neg: .* is not supported.*, got input bool \(2, 3, 4\)"),
    # Products
    (lambda: X @ X, ValueError, r"matmul: expected shapes .*, got \(2, 3, 4\) and \(2, 3, 4\)"),
    (
        lambda: F.matmul(X, np.ones((3, 4, 5))),
        ValueError,
        r"matmul: .* whose leading sizes broadcast.*, got .* and \(3, 4, 5\)",
    ),
    (lambda: X.matmul(2.0), ValueError, r"matmul: expected shapes .*, got \(2, 3, 4\) and \(\)"),
    (
        lambda: F.linear(X, np.ones((5, 3))),
        ValueError,
        r"linear: sizes .* summed must be equal, got .* weight float64 \(5, 3\)",
    ),
    (
        lambda: F.linear(X, np.ones(4)),
        ValueError,
        r"linear: expected .* a weight \(out_features, in_features\) .*, got .* \(4,\)",
    ),
    (
        lambda: F.bmm(X, X),
        ValueError,
        r"bmm: expected the shapes \(b, n, m\) and \(b, m, p\), got \(2, 3, 4\) and \(2, 3, 4\)",
    ),
    (lambda: F.outer(ROW, X), ValueError, r"outer: expected two vectors, got the shapes \(4,\) and \(2, 3, 4\)"),
    (lambda: F.einsum("ij,jk", X, X), ValueError, "einsum: 'ij' in 'ij,jk' does not fit an operand of 3 dimensions"),
    (
        lambda: F.einsum("ij,jk", X[0], X[0]),
        ValueError,
        r"einsum: contract: under each letter of 'ij,jk->ik' .*, got the shapes \(3, 4\), \(3, 4\)",
    ),
    (lambda: F.einsum("ijk", X, X), ValueError, "einsum: equation 'ijk' is for 1 operands, got 2"),
    (lambda: F.einsum("ii", X[0]), ValueError, r"einsum: 'i' in 'ii' stands for different sizes of the shape \(3, 4\)"),
    (lambda: F.einsum("ij->ijj", X[0]), ValueError, "einsum: 'j' must stand once right of the arrow"),
    (lambda: F.einsum("ij->ik", X[0]), ValueError, "einsum: 'k' must stand once right of the arrow, and left of it"),
    (lambda: F.einsum("i1", X[0]), ValueError, "einsum: equation must be letters, .*, got 'i1'"),
    (lambda: F.einsum(X, X), TypeError, "einsum: equation must be a text such as 'ij,jk->ik', got Tensor"),
    # Reductions
    (lambda: X.sum(3), IndexError, r"sum: dim must lie between -3 and 2 for the shape \(2, 3, 4\), got 3"),
    (lambda: X.mean((0, 0)), ValueError, r"mean: dim names a dimension twice, got \(0, 0\)"),
    (lambda: X.max(3), IndexError, "max: argmax: dim must lie between -3 and 2"),
    (lambda: F.min(X, dim="0"), TypeError, "min: argmin: dim must be one whole number, got '0'"),
    (lambda: X.sum(dim=0, axis=0), TypeError, "sum: the same argument under two names, got dim, axis"),
    (lambda: Tensor(np.arange(3)).mean(), TypeError, "mean: input must be floating, got int64"),
    (lambda: F.std(np.arange(3)), TypeError, "std: input must be floating, got int64"),
    (lambda: F.norm(X[:0], -1.0), ValueError, r"norm: there is no element to choose from, the shape is \(0, 3, 4\)"),
    # Shapes
    (
        lambda: X.reshape(5, 5),
        ValueError,
        r"reshape: the 24 elements of shape \(2, 3, 4\) do not fit the shape \(5, 5\)",
    ),
    (lambda: X.view(-1, 5), ValueError, r"reshape: the 24 elements .* do not fit the shape \(-1, 5\)"),
    (lambda: F.reshape(X, 24), TypeError, "reshape: shape must be a tuple of whole numbers, got 24"),
    (
        lambda: X.permute(0, 1),
        ValueError,
        r"permute: dims must name each dimension of the shape \(2, 3, 4\) once, got \(0, 1\)",
    ),
    (lambda: X.permute(0, 1, 1), ValueError, r"permute: dims names a dimension twice, got \(0, 1, 1\)"),
    (lambda: X.permute(0, 1, 3), IndexError, "permute: dims must lie between -3 and 2"),
    (
        lambda: X.transpose(0, 3),
        IndexError,
        r"transpose: dim1 must lie between -3 and 2 for the shape \(2, 3, 4\), got 3",
    ),
    (lambda: X.squeeze(3), IndexError, "squeeze: dim must lie between -3 and 2"),
    (lambda: X.unsqueeze(4), IndexError, r"unsqueeze: dim must lie between -4 and 3 for the shape \(2, 3, 4\), got 4"),
    (
        lambda: F.cat([X, X[0]]),
        ValueError,
        r"cat: sizes must be equal along all dimensions but 0, got .* \(2, 3, 4\), \(3, 4\)",
    ),
    (lambda: F.cat([]), ValueError, "cat: expected at least one tensor, and none without dimensions, got none"),
    (
        lambda: F.cat([X, X.sum()]),
        ValueError,
        r"cat: expected .* none without dimensions, got the shapes \(2, 3, 4\), \(\)",
    ),
    (lambda: F.cat(X), TypeError, "cat: expected a list or a tuple of tensors, got Tensor"),
    (lambda: F.cat([X, X], 3), IndexError, "cat: dim must lie between -3 and 2"),
    (lambda: F.stack([X, X[0]]), ValueError, r"stack: .* all of one shape, got the shapes \[\(2, 3, 4\), \(3, 4\)\]"),
    (lambda: F.stack([ROW, ROW], 2), IndexError, r"stack: dim must lie between -2 and 1 for the shape \(4,\), got 2"),
    (lambda: X.split(0), ValueError, r"split: split_size must be at least 1 for the shape \(2, 3, 4\), got 0"),
    (
        lambda: X.split([1, 1], 1),
        ValueError,
        r"split: sections must add up to 3, the size of dimension 1, got \(1, 1\)",
    ),
    (lambda: X.chunk(0), ValueError, "chunk: chunks must be at least 1, got 0"),
    (lambda: X.sum().chunk(2), ValueError, "chunk: expected a tensor with at least one dimension, got a single number"),
    (lambda: X.flip(0, 3), IndexError, "flip: dims must lie between -3 and 2"),
    (lambda: X.roll((1, 2), 0), ValueError, r"roll: shifts must be as many as dims, got \(1, 2\) for \(0,\)"),
    (lambda: F.pad(X, (1, 2, 3)), ValueError, "pad: constant_pad_nd: pad must be two numbers for each dimension"),
    (lambda: F.pad(ROW, (-3, -2)), ValueError, r"pad: constant_pad_nd: cannot cut \(-3, -2\) off the shape \(4,\)"),
    (
        lambda: F.pad(X, (4, 0), "reflect"),
        ValueError,
        "pad: mode 'reflect' cannot add 4 and 0 to a dimension of size 4",
    ),
    (lambda: F.pad(X, (1, 0), "mirror"), ValueError, "pad: mode must be 'constant', .*, got 'mirror'"),
    (lambda: F.pad(X, (1, 0), "circular", 2.0), ValueError, "pad: mode 'circular' takes no value, got 2.0"),
    # Indexing
    (lambda: X[2], IndexError, r"getitem: index 2 is out of bounds .* size 2, got input float64 \(2, 3, 4\), index 2"),
    (lambda: X[:, [0, 3]], IndexError, r"getitem: index 3 is out of bounds for axis 1 with size 3, .* index \(slice"),
    (lambda: X[0, 0, 0, 0], IndexError, "getitem: too many indices for array"),
    (lambda: X[0.5], IndexError, "getitem: only integers, .* are valid indices, .* index 0.5"),
    (
        lambda: X[Tensor([0.0, 1.0])],
        IndexError,
        r"getitem: arrays used as indices must be of integer .* index float32 \(2,\)",
    ),
    (lambda: X[X[0] > 0], IndexError, "getitem: boolean index did not match"),
    (lambda: X[..., 0, ...], IndexError, "getitem: an index can only have a single ellipsis"),
    # Convolution and pooling
    (
        lambda: F.conv2d(IMAGES[:, :2], FILTERS),
        ValueError,
        r"conv2d: expected images \(N, in_channels=3, H, W\), got .*\(2, 2, 5, 6\)",
    ),
    (
        lambda: F.conv2d(IMAGES, FILTERS, np.ones(3)),
        ValueError,
        r"conv2d: expected a bias \(C_out,\) .* \(4, 3, 3, 2\), got shape \(3,\)",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, groups=3), ValueError, "conv2d: expected filters .* divisible by groups=3"),
    (
        lambda: F.conv2d(IMAGES, FILTERS, stride=0),
        ValueError,
        r"conv2d: stride and dilation must be at least 1 .*, got \(0, 0\)",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, padding=-1), ValueError, r"conv2d: .* padding at least 0, got .* \(-1, -1\)"),
    (
        lambda: F.conv2d(IMAGES, FILTERS, padding="full"),
        ValueError,
        "conv2d: padding must be numbers, 'same' or 'valid', got 'full'",
    ),
    (lambda: F.conv2d(IMAGES, FILTERS, stride=2, padding="same"), ValueError, "conv2d: padding 'same' needs stride 1"),
    (
        lambda: F.conv2d(IMAGES, FILTERS, stride=(1, 2, 3)),
        TypeError,
        r"conv2d: .* one whole number, or two .*, not \(1, 2, 3\)",
    ),
    (lambda: F.conv1d(X[:, :2], X), ValueError, r"conv1d: .* got shapes \(2, 2, 4\) and \(2, 3, 4\)"),
    (lambda: F.conv1d(X, np.ones((4, 3, 9))), ValueError, "conv1d: conv2d: the images .* are smaller than the kernel"),
    (lambda: F.conv_transpose2d(IMAGES, FILTERS[:2]), ValueError, "conv_transpose2d: expected images"),
    (
        lambda: F.conv_transpose2d(IMAGES, FILTERS[:3], output_padding=1),
        ValueError,
        "conv_transpose2d: output_padding .* smaller",
    ),
    (
        lambda: F.max_pool2d(IMAGES, 0),
        ValueError,
        r"max_pool2d: kernel_size, stride and dilation must be at least 1, got \(0, 0\)",
    ),
    (
        lambda: F.max_pool2d(IMAGES, 2, padding=2),
        ValueError,
        r"max_pool2d: padding \(2, 2\) must be between 0 and half",
    ),
    (lambda: F.avg_pool2d(IMAGES, 7), ValueError, r"avg_pool2d: kernel_size \(7, 7\) is larger than the padded images"),
    (lambda: F.avg_pool2d(np.ones((1, 1, 4, 4), int), 2), TypeError, "avg_pool2d: expected floating images, got int64"),
    (lambda: F.max_pool1d(IMAGES, 2), ValueError, r"max_pool1d: expected signals \(N, C, L\) or \(C, L\), got shape"),
    (
        lambda: F.adaptive_avg_pool2d(IMAGES, (0, 1)),
        ValueError,
        r"adaptive_avg_pool2d: output_size .* at least 1, got \(0, 1\)",
    ),
    (
        lambda: F.adaptive_max_pool2d(IMAGES, (1, 2, 3)),
        TypeError,
        "adaptive_max_pool2d: output_size must be a whole number",
    ),
    (lambda: F.interpolate(IMAGES, 2, 2.0), ValueError, "interpolate: .* either size or scale_factor"),
    (
        lambda: F.interpolate(IMAGES, (2, 3, 4)),
        ValueError,
        r"interpolate: size must have 2 numbers, .* got \(2, 3, 4\)",
    ),
    # Normalization
    (
        lambda: F.batch_norm(X, None, None),
        ValueError,
        "batch_norm: needs running_mean and running_var when not in training",
    ),
    (
        lambda: F.batch_norm(X, np.ones(2), np.ones(3)),
        ValueError,
        r"batch_norm: running_mean must have the shape \(3,\), got \(2,\)",
    ),
    (
        lambda: F.batch_norm(X[:1, :, :1], None, None, training=True),
        ValueError,
        "batch_norm: needs more than one value per channel",
    ),
    (lambda: F.layer_norm(X, (3,)), ValueError, r"layer_norm: .* normalized_shape=\(3,\), got \(2, 3, 4\)"),
    (
        lambda: F.layer_norm(X, (4,), np.ones(3)),
        ValueError,
        r"layer_norm: weight must have the shape \(4,\), got \(3,\)",
    ),
    (lambda: F.layer_norm(np.arange(4), (4,)), TypeError, "layer_norm: input must be floating, got int64"),
    (lambda: F.group_norm(X, 2), ValueError, "group_norm: .* divisible by num_groups=2"),
    (lambda: F.group_norm([[1.0, 2.0]], 2), ValueError, r"group_norm: .* more than one number, got shape \(1, 2\)"),
    (lambda: F.interpolate(IMAGES, scale_factor=math.inf), ValueError, "interpolate: scale_factor must be .* got inf"),
    (lambda: F.interpolate(IMAGES, scale_factor=(2.0, "2")), ValueError, "interpolate: scale_factor must be numbers"),
    (lambda: F.one_hot([-1]), IndexError, "one_hot: indices must lie between 0 and 0, got -1"),
    (
        lambda: F.binary_cross_entropy([0.5], [3.0]),
        ValueError,
        "binary_cross_entropy: target must lie between 0 and 1, got 3.0",
    ),
    # Losses
    (lambda: F.mse_loss(np.arange(3), np.arange(3)), TypeError, "mse_loss: input must be floating, got int64"),
    (
        lambda: F.mse_loss(X, X[0]),
        ValueError,
        r"mse_loss: input has shape \(2, 3, 4\), target \(3, 4\); they must be equal",
    ),
    (
        lambda: F.mse_loss(X, X, "average"),
        ValueError,
        "mse_loss: reduction must be 'mean', 'sum' or 'none', got 'average'",
    ),
    (
        lambda: F.mse_loss(X, X, weight=[1.0]),
        ValueError,
        r"mse_loss: weight must have the input's shape .*, got \(1,\)",
    ),
    (lambda: F.huber_loss(X, X, delta=0), ValueError, "huber_loss: delta must be above 0, got 0"),
    (lambda: F.smooth_l1_loss(X, X, beta=-1), ValueError, "smooth_l1_loss: beta must not be below 0, got -1"),
    (
        lambda: F.cross_entropy(LOGITS, [0, 1, 2, 3, 0]),
        IndexError,
        r"cross_entropy: targets must lie between 0 and 2 .*, got 3",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0, 1, 2, -1, 0]),
        IndexError,
        "cross_entropy: targets must lie between 0 and 2 .*, got -1",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0.5] * 5),
        TypeError,
        "cross_entropy: targets must be whole numbers .*, got float64",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0, 1]),
        ValueError,
        r"cross_entropy: expected logits .*, got \(5, 3\) and \(2,\)",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0] * 5, [1.0, 2.0]),
        ValueError,
        r"cross_entropy: weight must have shape \(3,\), .*, got \(2,\)",
    ),
    (
        lambda: F.cross_entropy(LOGITS, [0] * 5, label_smoothing=2),
        ValueError,
        "cross_entropy: label_smoothing must lie between 0 and 1, got 2",
    ),
    (
        lambda: F.cross_entropy(LOGITS, LOGITS, ignore_index=0),
        ValueError,
        "cross_entropy: probabilities .* have no ignore_index, got 0",
    ),
    (lambda: F.cross_entropy(X.sum(), 0), ValueError, r"cross_entropy: expected an input of shape .*, got shape \(\)"),
    (lambda: F.nll_loss(LOGITS, [0, 1, 2, 3, 0]), IndexError, "nll_loss: targets must lie between 0 and 2 .*, got 3"),
    (
        lambda: F.binary_cross_entropy(X, X),
        ValueError,
        "binary_cross_entropy: input must lie between 0 and 1, got -1.0",
    ),
    (
        lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=[1.0, 2.0]),
        ValueError,
        r".*: pos_weight must broadcast .*, got \(2,\)",
    ),
    (
        lambda: F.kl_div(X, X, "total"),
        ValueError,
        "kl_div: reduction must be 'batchmean', 'mean', 'sum' or 'none', got 'total'",
    ),
    # Activations
    (lambda: F.gelu(X, "erf"), ValueError, "gelu: approximate must be 'none' or 'tanh', got 'erf'"),
    (lambda: F.elu(np.arange(3)), TypeError, "elu: input must be floating, got int64"),
    (lambda: F.softmax(X, 3), IndexError, "softmax: dim must lie between -3 and 2"),
    (lambda: F.softmax(X), TypeError, r"softmax\(\) missing 1 required positional argument: 'dim'"),
    (lambda: X.prelu(np.ones(2)), ValueError, r"prelu: expected a weight of shape \(1,\) or \(3,\) .*, got \(2,\)"),
]


@pytest.mark.parametrize(("refused", "error", "message"), TABLE, ids=[message for _, _, message in TABLE])
def test_a_refusal_says_what_came_and_what_is_expected(refused, error, message):
    with pytest.raises(error, match=f"^{message}") as caught:
        refused()

    assert type(caught.value) is error
