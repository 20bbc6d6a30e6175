"""Every option of everything that a spec can name: a constructor refuses what the spec would refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from npnn_cli import Tensor, nn, optim, registry
from npnn_cli.options import option_parameters
from npnn_cli.registry import slots
from npnn_cli.spec.components import import_components

import_components()


def optimizer():
    return optim.SGD([Tensor(np.zeros(1), requires_grad=True)], momentum=0.5)


INJECTED = {
    "layer": list,
    "loss": list,
    "dataset": list,
    "optimizer": lambda: [[Tensor(np.zeros(1), requires_grad=True)]],
    "scheduler": lambda: [optimizer()],
}
KINDS = [registry.layers, registry.losses, registry.datasets, registry.optimizers, registry.schedulers]
OPTIONS = [
    pytest.param(kind, entry, option, parameter.annotation, id=f"{entry.name}-{option}")
    for kind in KINDS
    for entry in kind.values()
    for option, parameter in option_parameters(entry.component).items()
    if option not in slots(entry.component) and "Callable" not in str(parameter.annotation)
]
VALUES = [None, True, 2, 0.5, "half", "mean", "", [], [2], [2, 2], [2, 2, 2, 2], [0.5, 0.5], ["half", 2], [None, None]]


def is_accepted_in_a_spec(value, annotation):
    try:
        TypeAdapter(annotation).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("kind", "entry", "option", "annotation"), OPTIONS)
def test_a_constructor_accepts_as_options_what_a_spec_does(kind, entry, option, annotation):
    wrong = [value for value in VALUES if not is_accepted_in_a_spec(value, annotation)]
    assert wrong
    for value in VALUES:
        options = {**entry.examples[0].options, option: value}
        try:
            entry.build(*INJECTED[kind.singular](), **options)
            message = ""
        except (TypeError, ValueError) as error:
            message = str(error)
        is_refused = message.startswith(f"{entry.name}: {option} must be ") and message.endswith(f", got {value!r}")
        assert is_refused == (value in wrong), (value, message)


def in_numpy(value):
    """Numbers as NumPy's, and lists for tuples."""
    if isinstance(value, tuple):
        return [in_numpy(part) for part in value]
    return np.asarray(value)[()] if isinstance(value, int | float) else value


@pytest.mark.parametrize(
    ("entry", "example"),
    [
        pytest.param(entry, example, id=f"{entry.name} {number}")
        for kind in (registry.layers, registry.losses)
        for entry in kind.values()
        for number, example in enumerate(entry.examples)
    ],
)
def test_numbers_of_numpy_and_lists_do_for_pythons_and_tuples(entry, example):
    plain, of_numpy = (
        entry.build(**options, rng=np.random.default_rng(0)).to(np.float64)
        for options in (example.options, {name: in_numpy(value) for name, value in example.options.items()})
    )
    rng = np.random.default_rng(1)
    inputs = [draw(rng) for draw in example.inputs]

    np.testing.assert_array_equal(of_numpy.eval()(*inputs).data, plain.eval()(*inputs).data, strict=True)


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Dropout(np.array(0.5)),
        lambda: nn.ELU(np.float32(0.5)),
        lambda: nn.MLP(3, np.array([4, 5]), 2),
        lambda: nn.CrossEntropyLoss(weight=Tensor([0.5, 1.0])),
        lambda: nn.CrossEntropyLoss(weight=np.ones(2, np.float32)),
        lambda: optim.lr_scheduler.MultiStepLR(optimizer(), range(10, 40, 10)),
        lambda: optim.SGD([Tensor(np.zeros(1), requires_grad=True)], lr=np.array(0.5), nesterov=np.bool_(False)),
    ],
)
def test_arrays_tensors_and_ranges_are_numbers_and_lists(build):
    build()


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.Dropout("half"), TypeError, "Dropout: p must be a number, got 'half'"),
        (lambda: nn.Dropout(np.bool_(True)), TypeError, "Dropout: p must be a number, got np.True_"),
        (lambda: nn.Linear(3, 2.0), TypeError, "Linear: out_features must be a whole number, got 2.0"),
        (lambda: nn.Linear(3, 2, bias=1), TypeError, "Linear: bias must be true or false, got 1"),
        (lambda: nn.MSELoss("max"), ValueError, "MSELoss: reduction must be 'mean', 'sum' or 'none', got 'max'"),
        (lambda: nn.MSELoss(True), TypeError, "MSELoss: reduction must be 'mean', 'sum' or 'none', got True"),
        (
            lambda: nn.Conv2d(1, 2, np.array([3, 3])),
            TypeError,
            "Conv2d: kernel_size must be a whole number or a list of 2 whole numbers, got array([3, 3])",
        ),
        (
            lambda: nn.Conv2d(1, 2, (3, 3, 3)),
            ValueError,
            "Conv2d: kernel_size must be a whole number or a list of 2 whole numbers, got (3, 3, 3)",
        ),
        (
            lambda: nn.CrossEntropyLoss(weight=np.ones((1, 2))),
            TypeError,
            "CrossEntropyLoss: weight must be a list of numbers or null, got array([[1., 1.]])",
        ),
    ],
)
def test_a_refusal_names_the_component_the_option_what_is_expected_and_what_came(build, error, message):
    with pytest.raises(error) as raised:
        build()

    assert str(raised.value) == message


def test_what_only_a_type_checker_knows_does_not_hinder():
    names = {}
    exec(
        "from __future__ import annotations\n"
        "from npnn_cli.nn import Module\n"
        "class Net(Module):\n"
        "    def __init__(self, config: Unknown, width: int = None):\n"
        "        self.config, self.width = config, width\n",
        names,
    )

    net = names["Net"]({"depth": 3}, width=None)
    assert net.options == {"config": {"depth": 3}, "width": None}
