"""How time and memory grow: the spec at other batch sizes, widths, depths and numbers of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

from npnn_cli import registry
from npnn_cli.bench.entrants import engine, has_images
from npnn_cli.bench.process import ContenderProcess
from npnn_cli.bench.race import Effort, Tell, take_turns
from npnn_cli.bench.timing import Timing
from npnn_cli.bench.workload import timed_spec
from npnn_cli.reports.sweep import GrowthCurve
from npnn_cli.spec import ComponentSpec, RunSpec, without_inferred

BATCH_SIZES = (16, 32, 64, 128, 256, 512)
WIDTH_FACTORS = (0.5, 1, 2, 4, 8)
CHANNEL_FACTORS = (0.5, 1, 2, 4)
ADDED_LAYERS = (0, 1, 3, 7, 15)

BATCH = "samples in a batch"
WIDTH = "features of the first hidden layer"
DEPTH = "hidden layers"
CHANNELS = "channels of the first convolution"

EFFORT = Effort(rounds=10, steps=30)
QUICK_EFFORT = Effort(rounds=2, steps=4, warm_up=1)
QUICK_SIZES = 3
TRACED_STEPS = 3

Layers = tuple[ComponentSpec, ...]


@dataclass(frozen=True)
class Family:
    """Specs that differ in one size.

    Attributes:
        size: what it is, in words.
        specs: as they are timed, by its value, increasing.
    """

    size: str
    specs: Mapping[int, RunSpec]


def families(spec: RunSpec, samples: int) -> list[Family]:
    """All families that a spec is in: by batch size; by channels if it convolves, else by width and by depth.

    Args:
        spec: as it was written.
        samples: the number of training samples, which no batch should exceed.
    """
    found = [Family(BATCH, {size: timed_spec(spec, size) for size in BATCH_SIZES if size <= samples})]
    if has_images(spec):
        found.append(_scaled_family(CHANNELS, spec, "Conv2d", "out_channels", CHANNEL_FACTORS))
    elif hidden := hidden_layers(spec.model):
        found.append(_scaled_family(WIDTH, spec, "Linear", "out_features", WIDTH_FACTORS))
        depths = [len(hidden) + added for added in ADDED_LAYERS]
        found.append(Family(DEPTH, {depth: _timed(spec, with_depth(spec.model, depth)) for depth in depths}))
    return found


def measure_growth(spec: RunSpec, samples: int, *, quick: bool, tell: Tell) -> list[GrowthCurve]:
    """Time the engine's step in every family of a spec, and measure the memory that depth needs.

    Args:
        spec: as it was written.
        samples: the number of training samples.
        quick: whether a few sizes and steps are enough.
        tell: is told what is going on.

    Raises:
        ContenderFailedError: if a process ended.
    """
    curves = []
    for family in families(spec, samples):
        members = dict(list(family.specs.items())[: QUICK_SIZES if quick else None])
        tell(f"the time of a step against {family.size}")
        curves.append(_time_curve(family.size, members, QUICK_EFFORT if quick else EFFORT))
        if family.size == DEPTH:
            tell(f"the memory of training against {family.size}")
            curves.append(_memory_curve(family.size, members))
    return curves


def hidden_layers(model: Layers) -> list[Layers]:
    """Each Linear but the last, with what stands behind it (its activation, a Dropout)."""
    starts = [position for position, layer in enumerate(model) if layer.type == "Linear"]
    return [model[start:end] for start, end in pairwise(starts)]


def with_depth(model: Layers, depth: int) -> Layers:
    """The model with so many hidden layers, no fewer than it has: copies of its last one stand behind that."""
    hidden = hidden_layers(model)
    after = model.index(hidden[0][0]) + sum(map(len, hidden))
    return (*model[:after], *hidden[-1] * (depth - len(hidden)), *model[after:])


def scaled(model: Layers, layer_type: str, option: str, factor: float) -> Layers:
    """The model with this option of its layers of this type times a factor; the output layer stays as it is."""
    output = max(position for position, layer in enumerate(model) if layer.type in ("Linear", "Conv2d"))

    def times_factor(layer: ComponentSpec) -> ComponentSpec:
        return ComponentSpec(
            type=layer.type, options=layer.options | {option: max(1, round(layer.options[option] * factor))}
        )

    return tuple(
        times_factor(layer) if layer.type == layer_type and position != output else layer
        for position, layer in enumerate(model)
    )


def _scaled_family(size: str, spec: RunSpec, layer_type: str, option: str, factors: Sequence[float]) -> Family:
    """Members by the option of the first layer of the type."""
    models = [scaled(spec.model, layer_type, option, factor) for factor in factors]
    firsts = [next(layer for layer in model if layer.type == layer_type) for model in models]
    return Family(
        size, {first.options[option]: _timed(spec, model) for first, model in zip(firsts, models, strict=True)}
    )


def _timed(spec: RunSpec, model: Layers) -> RunSpec:
    """The spec as it is timed with another model, whose layers find out anew what follows from those before them."""
    layers = tuple(without_inferred(layer, registry.layers) for layer in model)
    return timed_spec(spec.model_copy(update={"model": layers}))


def _time_curve(size: str, members: Mapping[int, RunSpec], effort: Effort) -> GrowthCurve:
    with ExitStack() as stack:
        processes = [stack.enter_context(ContenderProcess(engine(spec), spec)) for spec in members.values()]
        for process in processes:
            process.wait_until_ready()
        timings = [Timing.of(durations) for durations in take_turns(processes, effort).values()]
    return GrowthCurve(
        "time of a step (ms)",
        size,
        list(members),
        [1e3 * timing.median for timing in timings],
        [1e3 * timing.low for timing in timings],
        [1e3 * timing.high for timing in timings],
    )


def _memory_curve(size: str, members: Mapping[int, RunSpec]) -> GrowthCurve:
    peaks = []
    for spec in members.values():
        with ContenderProcess(engine(spec), spec, traced=True) as process:
            process.wait_until_ready()
            peaks.append(process.training_memory(TRACED_STEPS) / 2**20)
    return GrowthCurve("memory of training (MiB)", size, list(members), peaks, peaks, peaks)
