"""Module: a part of a network, with parameters, buffers, a training mode, and a forward computation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.nn.parameter import Buffer as Buffer
from npnn_cli.nn.parameter import Parameter as Parameter
from npnn_cli.options import Component
from npnn_cli.registry import did_you_mean, layers

T = TypeVar("T", bound=Tensor)
V = TypeVar("V")


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict(strict=False)`` passed over: names that the state dict lacks, and that only it has."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module(Component):
    """A layer, or a network of layers.

    A subclass sets its parameters, buffers and sub-modules as attributes and defines :meth:`forward`. Their dotted
    names, the keys of the state dict, are the attributes' names.
    See https://pytorch.org/docs/stable/generated/torch.nn.Module.html.
    """

    # Options of npnn's own, which PyTorch's module of the same name does not have.
    own_options: frozenset[str] = frozenset()
    training: bool = True

    # How often a part of any module was replaced since the program began: whoever has planned ahead plans anew.
    replacements = 0

    def forward(self, input: Tensor) -> Tensor:
        """Compute the output from the input."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def __call__(self, input: Any, *others: Any, **named: Any) -> Tensor:
        """Same as :meth:`forward`; an array as the first input is taken for a tensor."""
        return self.forward(input if isinstance(input, Tensor) else Tensor(input), *others, **named)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. What is set in place of a buffer becomes one; in place of a parameter, only another may be.

        Raises:
            TypeError: if a plain tensor is set in place of a parameter, which training would then miss.
        """
        held = vars(self).get(name)
        if isinstance(held, Parameter) and isinstance(value, Tensor) and not isinstance(value, Parameter):
            raise TypeError(f"{type(self).__name__}.{name} is a parameter: set a Parameter or None, or change its data")
        if isinstance(held, Buffer) and isinstance(value, Tensor) and not isinstance(value, Buffer):
            value = Buffer(value, persistent=held.persistent)
        is_replaced = name in vars(self) or name == "forward"
        if is_replaced and name != "training" and not isinstance(held, Buffer):
            Module.replacements += 1
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Remove an attribute."""
        super().__delattr__(name)
        Module.replacements += 1

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Same as setting the attribute to a :class:`Buffer` of these data, or to None."""
        self._register(name, None if tensor is None else Buffer(tensor, persistent=persistent), Buffer)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Same as setting the attribute, but refuses what is no parameter."""
        self._register(name, param, Parameter)

    def register_module(self, name: str, module: Module | None) -> None:
        """Same as setting the attribute, but refuses what is no module."""
        self._register(name, module, Module)

    add_module = register_module

    def _register(self, name: str, value: Any, kind: type) -> None:
        if not isinstance(value, kind | None):
            raise TypeError(f"{type(self).__name__}: {name} must be a {kind.__name__} or None, got {value!r}")
        if not name or "." in name:
            raise KeyError(f"{type(self).__name__}: a name must not be empty or hold a '.', got {name!r}")
        setattr(self, name, value)

    # What is inside

    def modules_by_name(self) -> Iterator[tuple[str, Module]]:
        """The modules inside this one and in no other, by name; one that is shared under each of its names."""
        yield from ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules inside this one and in no other, by name; one that is shared only under its first."""
        seen: set[int] = set()
        for name, module in self.modules_by_name():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules inside this one and in no other, each once."""
        yield from (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all modules inside it, by dotted name; one that is shared only under its first name."""
        seen: set[int] = set()
        pending: list[tuple[str, Module]] = [(prefix, self)]
        while pending:
            name, module = pending.pop()
            if id(module) in seen:
                continue
            if remove_duplicate:
                seen.add(id(module))
            yield name, module
            pending += reversed([(_dotted(name, inner), child) for inner, child in module.modules_by_name()])

    def modules(self) -> Iterator[Module]:
        """This module and all modules inside it, each once."""
        yield from (module for _, module in self.named_modules())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters by dotted name, one that is shared only under its first; without ``recurse`` only its own."""
        return self._named(Parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once."""
        yield from (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """All buffers by dotted name, one that is shared only under its first; without ``recurse`` only its own."""
        return self._named(Buffer, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers, each once."""
        yield from (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of this dotted name.

        Raises:
            AttributeError: if there is none.
        """
        return self._found(target, dict(self.named_modules(remove_duplicate=False)), "module")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of this dotted name.

        Raises:
            AttributeError: if there is none.
        """
        return self._found(target, dict(self.named_parameters(remove_duplicate=False)), "parameter")

    def get_buffer(self, target: str) -> Buffer:
        """The buffer of this dotted name.

        Raises:
            AttributeError: if there is none.
        """
        return self._found(target, dict(self.named_buffers(remove_duplicate=False)), "buffer")

    def _found(self, target: str, known: Mapping[str, V], noun: str) -> V:
        if target not in known:
            raise AttributeError(f"{type(self).__name__} has no {noun} '{target}'{did_you_mean(target, known)}")
        return known[target]

    def _named(self, kind: type[T], prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, T]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]:
            for name, value in vars(module).items():
                if isinstance(value, kind) and id(value) not in seen:
                    if remove_duplicate:
                        seen.add(id(value))
                    yield _dotted(path, name), value

    # What is done to all of it

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call a function on every module inside this one, and last on this one: to initialize weights, say."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set this module and all inside it to training mode (dropout drops, batches are normalised by themselves)."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set this module and all inside it to evaluation mode (dropout passes everything)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether training shall change the parameters: ``False`` freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or set them to 0."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.zero_grad()
            elif parameter.grad is not None:
                parameter.grad = np.zeros_like(parameter.grad)

    def to(self, dtype: DTypeLike) -> Self:
        """Convert all parameters, and the buffers that are not whole numbers, to a floating dtype."""
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind == "f":
                tensor.data = tensor.data.astype(dtype)
                tensor.grad = None
        return self

    # State

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters and persistent buffers by dotted name, in PyTorch's names and layout.

        As there, what is shared stands under each of its names.
        """
        return {name: tensor.data.copy() for name, tensor in self._state()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Set all parameters and persistent buffers, each keeping its dtype.

        Args:
            state_dict: arrays by name.
            strict: whether the names must be exactly those of :meth:`state_dict`; else those in common are set.

        Returns:
            The names that were passed over.

        Raises:
            ValueError: if a name is missing or unknown (and ``strict``), or an array does not fit; nothing is changed
                then.
        """
        state = dict(self._state())
        passed_over = IncompatibleKeys(
            [name for name in state if name not in state_dict], [name for name in state_dict if name not in state]
        )
        in_common = {name: np.asarray(state_dict[name]) for name in state if name in state_dict}
        mistakes = [f"missing: {name}" for name in passed_over.missing_keys if strict]
        mistakes += [f"unknown: {name}" for name in passed_over.unexpected_keys if strict]
        for name, array in in_common.items():
            if array.shape != state[name].shape:
                mistakes.append(f"{name}: shape {array.shape}, expected {state[name].shape}")
            elif not np.can_cast(array.dtype, state[name].dtype, "same_kind"):
                mistakes.append(f"{name}: {array.dtype} elements, expected {state[name].dtype}")
        if mistakes:
            raise ValueError(f"the state dict does not fit {type(self).__name__}:\n  " + "\n  ".join(mistakes))
        for name, array in in_common.items():
            np.copyto(state[name].data, array)
        Tensor.note_change(state[name] for name in in_common)
        return passed_over

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        for path, module in self.named_modules(remove_duplicate=False):
            yield from module.named_parameters(path, recurse=False, remove_duplicate=False)
            for name, buffer in module.named_buffers(path, recurse=False, remove_duplicate=False):
                if buffer.persistent:
                    yield name, buffer

    def __repr__(self) -> str:
        children = [f"  ({name}): {child!r}".replace("\n", "\n  ") for name, child in self.modules_by_name()]
        if children:
            return "\n".join([f"{type(self).__name__}(", *children, ")"])
        return f"{type(self).__name__}({self.extra_repr()})"

    def extra_repr(self) -> str:
        """What stands in the brackets of a module without others inside: its options."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


Layer = Annotated[Module, layers]
"""A layer as an option of another, which a spec writes ``{type: Name, option: value}``."""
