"""Modules made of other modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Self, overload

import numpy as np

from npnn_cli.autograd.tensor import Tensor
from npnn_cli.examples import example, normal
from npnn_cli.nn.dropout import Dropout
from npnn_cli.nn.fusion import Plans, forward_in_order
from npnn_cli.nn.linear import Linear
from npnn_cli.nn.module import Layer, Module
from npnn_cli.options import Written
from npnn_cli.registry import layers

__all__ = ["MLP", "ModuleList", "Residual", "Sequential"]

_LINEAR = {"type": "Linear", "in_features": 3, "out_features": 4}


class ModuleList(Module):
    """Modules in a list, to which Python's ways with lists apply. They are named "0", "1", ...

    It computes nothing by itself: the module that it is an attribute of says what becomes of the modules.
    See https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._modules: list[Module] = []
        self.extend(modules)

    def modules_by_name(self) -> Iterator[tuple[str, Module]]:
        """The modules, by their position."""
        yield from ((str(position), module) for position, module in enumerate(self._modules))

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        return self.insert(len(self), module)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at this position.

        Raises:
            TypeError: if it is no module.
        """
        self._modules.insert(index, self._checked(module))
        Module.replacements += 1
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)

    @overload
    def __getitem__(self, position: int) -> Module: ...

    @overload
    def __getitem__(self, position: slice) -> Self: ...

    def __getitem__(self, position: int | slice) -> Module | Self:
        part = self._modules[position]
        return self._of(part) if isinstance(part, list) else part

    def __setitem__(self, position: int, module: Module) -> None:
        self._modules[position] = self._checked(module)
        Module.replacements += 1

    def __delitem__(self, position: int | slice) -> None:
        del self._modules[position]
        Module.replacements += 1

    def _checked(self, module: Any) -> Module:
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: expected a module, got {module!r}")
        return module

    def _of(self, modules: list[Module]) -> Any:
        return ModuleList(modules)


@layers.register(
    example(normal(5, 3), layers=[_LINEAR, "Tanh"]),
    example(normal(5, 3), layers=["Tanh", {"type": "Sequential", "layers": [_LINEAR, "Sigmoid", "Dropout"]}]),
)
class Sequential(ModuleList):
    """Modules in a row, each fed with the output of the one before. They are named "0", "1", ..."""

    def __init__(self, *layers: Layer) -> None:
        super().__init__(layers)
        self.plans = Plans()

    def forward(self, input: Tensor) -> Tensor:
        """Pass the input through all modules in order."""
        return forward_in_order(self._modules, input, self.plans)

    def _of(self, modules: list[Module]) -> Any:
        return Sequential(*modules)


def _torch_residual(torch: Any, _: Residual, layers: Any, projection: Any = None) -> Any:
    class Residual(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.projection = layers, projection

        def forward(self, input: Any) -> Any:
            return torch.add(self.layers(input), input if projection is None else self.projection(input))

    return Residual()


@layers.register(
    example(normal(5, 3), layers=[_LINEAR, "Tanh", {"type": "Linear", "in_features": 4, "out_features": 3}]),
    example(normal(5, 3), layers=[_LINEAR, "Sigmoid"], projection=_LINEAR),
    example(
        normal(2, 3, 6, 5),
        layers=[{"type": "Conv2d", "in_channels": 3, "out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 1}],
        projection={"type": "Conv2d", "in_channels": 3, "out_channels": 2, "kernel_size": 1, "stride": 2},
    ),
    reference=_torch_residual,
)
class Residual(Module):
    """Layers around which their input is added to what they make of it: layers(x) + x.

    The sum needs both to be of one shape: a ``projection`` brings the input to the shape of the layers' output, such as
    a Conv2d of kernel size 1; the sum is then layers(x) + projection(x).
    He et al., "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, layers: Sequence[Layer], projection: Layer | None = None) -> None:
        if not layers:
            raise ValueError("Residual: needs at least one layer to add its input to")
        if not isinstance(projection, Module | None):
            raise TypeError(f"Residual: projection must be a module, got {projection!r}")
        self.layers = Sequential(*layers)
        self.projection = projection

    def forward(self, input: Tensor) -> Tensor:
        """Add the input to what the layers make of it.

        Raises:
            ValueError: if the two are not of one shape.
        """
        output = self.layers(input)
        shortcut = input if self.projection is None else self.projection(input)
        if output.shape != shortcut.shape:
            source, remedy = ("the input", "add a projection") if shortcut is input else ("the projection", "change it")
            raise ValueError(
                f"Residual: the layers give the shape {output.shape}, but {source} has {shortcut.shape}: {remedy}"
            )
        return output + shortcut


@layers.register(
    example(normal(5, 3), in_features=3, hidden_features=[7, 6], out_features=4, activation="Tanh"),
    example(normal(5, 3), in_features=3, hidden_features=[7, 6], out_features=4, activation="Sigmoid", dropout=0.3),
    example(
        normal(5, 3),
        in_features=3,
        hidden_features=[6],
        out_features=4,
        activation={"type": "ELU", "alpha": 0.5},
    ),
)
class MLP(Sequential):
    """Multi-layer perceptron: Linear layers with an activation, and dropout if asked for, after each but the last.

    Args:
        in_features: size of an input.
        hidden_features: sizes of the hidden layers.
        out_features: size of an output.
        activation: the activation layer, by name or as ``{type: Name, option: value}``.
        dropout: probability with which an activation is dropped in training.
        rng: for the initial weights and dropout.
    """

    inferred = {"in_features": lambda input_shape: input_shape[-1]}

    def __init__(
        self,
        in_features: int,
        hidden_features: Sequence[int],
        out_features: int,
        activation: Annotated[Written, layers] = "ReLU",
        dropout: float = 0.0,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        modules: list[Module] = []
        for size in hidden_features:
            modules += [Linear(in_features, size, rng=rng), layers.build(activation, rng=rng)]
            modules += [Dropout(dropout, rng=rng)] if dropout else []
            in_features = size
        super().__init__(*modules, Linear(in_features, out_features, rng=rng))
