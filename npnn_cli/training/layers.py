"""The model of a spec, layer by layer: each is tried on one sample of zeros, from which the next one's sizes follow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from npnn_cli import registry
from npnn_cli.autograd.graph import no_grad
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.data import Dataset
from npnn_cli.nn import Module, Sequential
from npnn_cli.registry import Kind, slots
from npnn_cli.spec import ComponentSpec, RunSpec, SpecError
from npnn_cli.training.components import Builder, Built, Infer, Path

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a built model, for people to read.

    Attributes:
        name: the first part of its parameters' names.
        depth: how many layers it is inside of.
        layer: its type and the options that are not defaults, without the layers inside it.
        output_shape: of one sample.
        parameters: how many numbers its parameters have; each parameter is counted once, where it is innermost.
        frozen: how many of them training leaves as they are.
    """

    name: str
    depth: int
    layer: str
    output_shape: Shape
    parameters: int
    frozen: int

    @property
    def multiplications(self) -> int:
        """How many a sample takes, about: each parameter stands once in the output, of images once at each pixel."""
        return self.parameters * math.prod(self.output_shape[1:])


@dataclass(frozen=True, eq=False)
class BuiltLayer(Built):
    """A layer that was built.

    Attributes:
        component: the layer.
        spec: its type and options, with what was inferred; those inside it likewise.
        output: what it makes of one sample of zeros, and hence what the layer after it is given.
        depth: how many layers it is inside of.
    """

    component: Module
    output: Tensor
    depth: int


class LayerBuilder(Builder):
    """Builds layers, each in the dtype of the spec and in training mode; a layer's context is the sample it is given.

    Attributes:
        built: the layers so far, each before those inside it.
    """

    def __init__(self, spec: RunSpec) -> None:
        super().__init__(spec)
        self.built: list[BuiltLayer] = []

    def build(
        self,
        path: Path,
        kind: Kind[Any],
        written: ComponentSpec,
        *injected: Any,
        context: Any = None,
        rng: np.random.Generator | None = None,
    ) -> Built:
        """Build a layer, and try it on the sample.

        Raises:
            SpecError: if it cannot be built, or cannot take the sample.
        """
        place = len(self.built)
        built = super().build(path, kind, written, *injected, context=context, rng=rng)
        module: Module = built.component.to(self.spec.dtype)
        output = self._output(path, written.type, module, context)
        layer = BuiltLayer(module, built.spec, output, depth=sum(isinstance(part, str) for part in path[1:]))
        self.built.insert(place, layer)
        return layer

    def after(self, built: Built, context: Any) -> Any:
        """What the layer makes of the sample."""
        return built.output if isinstance(built, BuiltLayer) else context

    def infer(self, path: Path, written: ComponentSpec, inferred: Mapping[str, Infer], context: Any) -> dict[str, Any]:
        """The sizes that follow from the shape of the sample."""
        shape = context.shape[1:]
        try:
            return super().infer(path, written, inferred, shape)
        except LookupError:  # a size that would follow from a dimension which is not there
            raise self._misfit(path, written.type, shape, "it has too few dimensions") from None

    def _output(self, path: Path, name: str, module: Module, sample: Tensor) -> Tensor:
        shape = sample.shape[1:]
        try:
            with no_grad():
                output = module.eval()(sample)
        except (ValueError, TypeError, IndexError) as error:
            raise self._misfit(path, name, shape, str(error)) from error
        except MemoryError:
            raise self._misfit(path, name, shape, "the output is too large for the memory") from None
        if output.shape[:1] != (1,):
            why = f"of one sample it makes {output.shape}, whose first size should be 1"
            raise self._misfit(path, name, shape, why)
        module.train()
        return output

    def _misfit(self, path: Path, name: str, shape: Shape, why: str) -> SpecError:
        layer = f"layer {'.'.join(map(str, path[1:]))} ({name})"
        message = f"{layer} cannot take the shape {shape} that the layers before it give: {why}"
        return self.spec.mistake(path, message)


class BuiltModel(NamedTuple):
    """A model that was built.

    Attributes:
        model: with its initial weights.
        resolved: its layers in the spec, with what was inferred.
        layers: all layers, those inside others too, for people to read.
        output_shape: of one sample.
    """

    model: Sequential
    resolved: list[ComponentSpec]
    layers: tuple[LayerSummary, ...]
    output_shape: Shape


def sample_of_zeros(spec: RunSpec, dataset: Dataset) -> Tensor:
    """A batch of one sample, to try a model on."""
    return Tensor(np.zeros((1, *dataset.input_shape), np.int64 if dataset.integer_inputs else spec.dtype))


def build_model(spec: RunSpec, dataset: Dataset, rng: np.random.Generator) -> BuiltModel:
    """Build the layers of a spec.

    Raises:
        SpecError: if an option is out of its range, or a shape does not fit; at the line of the layer.
    """
    builder = LayerBuilder(spec)
    sample = sample_of_zeros(spec, dataset)
    places: dict[Path, ComponentSpec] = {("model", position): layer for position, layer in enumerate(spec.model)}
    context_at = partial(Sequential.context_inside, options={})
    layers = builder.build_in_order(places, registry.layers, context=sample, context_at=context_at, rng=rng)
    model = Sequential(*(layer.component for layer in layers))
    output_shape = builder.after(layers[-1], sample).shape[1:]
    return BuiltModel(model, [layer.spec for layer in layers], tuple(_summaries(model, builder.built)), output_shape)


def _summaries(model: Module, built: list[BuiltLayer]) -> list[LayerSummary]:
    names = {id(module): name for name, module in model.named_modules()}
    counted: set[int] = set()
    summaries = {}
    for position, layer in sorted(enumerate(built), key=lambda pair: -pair[1].depth):  # the innermost first
        own = [parameter for parameter in layer.component.parameters() if id(parameter) not in counted]
        counted |= {id(parameter) for parameter in own}
        summaries[position] = LayerSummary(
            names[id(layer.component)],
            layer.depth,
            str(_without_parts(layer.spec)),
            layer.output.shape[1:],
            sum(parameter.size for parameter in own),
            sum(parameter.size for parameter in own if not parameter.requires_grad),
        )
    return [summaries[position] for position in range(len(built))]


def _without_parts(layer: ComponentSpec) -> ComponentSpec:
    held = slots(registry.layers[layer.type].component)
    kept = {name: value for name, value in layer.options.items() if name not in held or held[name].as_written}
    return ComponentSpec(type=layer.type, options=kept)
