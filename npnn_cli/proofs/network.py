"""Proofs of one spec: its model and loss on a real batch, parameter by parameter, then its training step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from npnn_cli.autograd.finite_differences import central_difference
from npnn_cli.autograd.graph import no_grad
from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.data import DataLoader
from npnn_cli.proofs.check import TOLERANCE, Against, Check, largest_difference
from npnn_cli.proofs.differentiation import restart_of_randomness
from npnn_cli.spec import RunSpec
from npnn_cli.training.building import Network, build_network
from npnn_cli.training.loop import DivergenceError, TrainingStep

STEPS = 20

# Finite differences take two passes over the batch per element, so elements of large parameters are sampled.
SAMPLED_ELEMENTS = 20

# Gradients so much smaller than the model's largest are what rounding leaves of 0, as of a bias before a batch
# normalization. An optimizer that divides them by their own size, such as Adam, makes steps of them that mean nothing.
ROUNDING = 1e-12

# Smaller and smaller steps of finite differences. One that moves a unit across the kink of a ReLU gives the slope of
# neither side; the nearer steps do not reach the kink. No step can make a wrong derivative right.
DIFFERENCE_STEPS = (1e-5, 1e-6, 1e-7)


def network_checks(spec: RunSpec, against: Against) -> Iterator[Check]:
    """Check a spec's network in float64 on batches of its own training data.

    Raises:
        SpecError: if the spec cannot be built.
        DivergenceError: if the loss or a gradient of the very first batch is not finite.
    """
    network = build_network(spec.model_copy(update={"dtype": "float64"}))
    splits = network.load_data()
    loader = network.training_loader(splits)
    network.model.train()
    yield from (_beside_torch if against == "torch" else _finite_differences)(network, loader)


def _beside_torch(network: Network, loader: DataLoader) -> Iterator[Check]:
    from npnn_cli.torch_reference.training import TorchTraining

    training = network.spec.training
    optimizer, scheduler = network.build_optimizer(steps_per_epoch=len(loader))
    step = TrainingStep(network.model, network.loss, optimizer, scheduler, training)
    reference = TorchTraining(
        network.model, network.loss, optimizer, scheduler, training.clip_grad_norm, training.clip_grad_value
    )
    parameters = dict(network.model.named_parameters())
    tolerance = TOLERANCE["torch"]
    steps = min(STEPS, training.epochs * len(loader))
    drift, share = dict.fromkeys(parameters, 0.0), dict.fromkeys(parameters, 0.0)
    ending = ""
    for number, (inputs, targets) in enumerate(itertools.islice(_endless(loader), steps)):
        try:
            with np.errstate(all="ignore"):  # as in training: what overflows is found in the loss and the gradients
                loss = step.backward(inputs, targets)
        except DivergenceError as error:
            if number == 0:
                raise
            steps, ending = number, f", where it diverges: {error}"
            break
        _, their_loss = reference.backward(inputs, targets)
        theirs = reference.gradients()
        for name, of_all in _shares_of_the_largest(parameters, theirs).items():
            share[name] = max(share[name], of_all)
        if number == 0:
            yield Check("loss", str(inputs.shape), float(np.abs(loss - their_loss)), tolerance)
            for name, parameter in parameters.items():
                difference = largest_difference(parameter.grad, theirs.get(name))
                yield Check(f"gradient of {name}", str(parameter.shape), difference, tolerance)
        try:
            with np.errstate(all="ignore"):
                step.update()
        except DivergenceError as error:
            steps, ending = number, f", where it diverges: {error}"
            break
        reference.step()
        weights = reference.weights()
        for name, parameter in parameters.items():
            drift[name] = float(np.maximum(drift[name], largest_difference(parameter.data, weights[name])))
    for name, parameter in parameters.items():
        what, difference = f"{name} over {steps} steps{ending}", drift[name]
        if tolerance < difference < np.inf and share[name] < ROUNDING:
            what, difference = f"{what}: no gradient but rounding", share[name]
        yield Check(what, str(parameter.shape), difference, tolerance)


def _shares_of_the_largest(parameters: Mapping[str, Tensor], theirs: Mapping[str, Array]) -> dict[str, float]:
    """How large the greatest element of each gradient is, on either side, beside the greatest of all."""
    sizes = {name: max(_size(parameter.grad), _size(theirs.get(name))) for name, parameter in parameters.items()}
    largest = max(sizes.values(), default=0.0)
    return {name: size / largest if largest else 0.0 for name, size in sizes.items()}


def _size(gradient: Array | None) -> float:
    return 0.0 if gradient is None else float(np.abs(gradient).max(initial=0))


def _finite_differences(network: Network, loader: DataLoader) -> Iterator[Check]:
    model, rng = network.model, np.random.default_rng(network.spec.seed)
    for parameter in model.parameters():  # a bias of 0 under inputs of 0 would sit on the kink of a ReLU
        parameter.data += rng.normal(0, 1e-3, parameter.shape)
    inputs, targets = next(iter(loader))
    restart = restart_of_randomness(model)

    def loss() -> Tensor:
        restart()
        return network.loss(model(Tensor(inputs)), targets)

    def value() -> float:
        with no_grad():
            return float(loss().item())

    loss().backward()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        gradient = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad
        count = min(parameter.size, SAMPLED_ELEMENTS)
        places = [np.unravel_index(i, parameter.shape) for i in rng.choice(parameter.size, count, replace=False)]
        differences = [_nearest_difference(value, parameter.data, gradient, place) for place in places]
        what = f"gradient of {name}, {count} of {parameter.size:,} elements"
        yield Check(what, str(parameter.shape), float(np.max(differences)), TOLERANCE["finite-differences"])


def _nearest_difference(value: Callable[[], float], x: Array, gradient: Array, place: tuple[np.intp, ...]) -> float:
    """How far one element of the gradient is from the finite difference that comes nearest to it."""
    index = tuple(map(int, place))
    differences = []
    for step in DIFFERENCE_STEPS:
        numerical = np.asarray(central_difference(value, x, index, step))
        differences.append(largest_difference(gradient[index], numerical, relative=True))
        if differences[-1] <= TOLERANCE["finite-differences"]:
            break
    return float(np.min(differences))


def _endless(loader: DataLoader) -> Iterator[tuple[Array, Array]]:
    while True:
        yield from loader
