"""Everything that a spec can name, and everything that must be proved, by name.

A class or function is registered where it is defined, together with examples of its use::

    @layers.register(example(normal(5, 3), in_features=3, out_features=4))
    class Linear(Module): ...

From then on its name stands for it in a YAML spec, its constructor's signature is the schema of its options, and its
examples feed the gradient check, the comparison with PyTorch, the tests and the documentation.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin

import numpy as np

from npnn_cli.examples import Example
from npnn_cli.options import Written, option_parameters, takes_rng

C = TypeVar("C", bound=Callable[..., Any])
D = TypeVar("D", bound=Callable[..., Any])


@dataclass(frozen=True)
class Slot:
    """An option that holds other components, as its annotation says: ``Annotated[Module, layers]``.

    Attributes:
        kind: what the others are.
        many: whether it holds a list of them.
        as_written: whether the constructor takes what a spec writes (the annotation is ``Annotated[Written, kind]``),
            instead of the component itself.
    """

    kind: Kind[Any]
    many: bool
    as_written: bool


def slots(component: Callable[..., Any]) -> dict[str, Slot]:
    """The options of a component that hold other components."""
    found = {name: _slot_of(parameter.annotation) for name, parameter in option_parameters(component).items()}
    return {name: slot for name, slot in found.items() if slot}


def _slot_of(annotation: Any) -> Slot | None:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated and isinstance(arguments[1], Kind):
        return Slot(arguments[1], many=False, as_written=arguments[0] == Written)
    if origin in (Union, UnionType):
        return next(filter(None, map(_slot_of, arguments)), None)
    if origin is Sequence and (slot := _slot_of(arguments[0])):
        return replace(slot, many=True)
    return None


def construct(
    component: Callable[..., Any], *injected: Any, options: Mapping[str, Any], rng: np.random.Generator | None
) -> Any:
    """Call a component's constructor, or a function, with its options, and with the generator if it wants one."""
    named = dict(options)
    spread = [name for name, p in option_parameters(component).items() if p.kind is p.VAR_POSITIONAL]
    parts = [part for name in spread for part in named.pop(name, ())]
    random = {"rng": rng} if takes_rng(component) else {}
    return component(*injected, *parts, **named, **random)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelled name: ``": did you mean 'Linear'?"``, or ``""`` where nothing is near."""
    by_folded_name = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), by_folded_name, n=1, cutoff=0.6)
    return f": did you mean '{by_folded_name[near[0]]}'?" if near else ""


class UnknownNameError(LookupError):
    """A name that no component of its kind has."""


@dataclass(frozen=True)
class Entry(Generic[C]):
    """A registered component, the examples that prove it, and what it is compared with.

    Attributes:
        name: the name in a spec.
        component: the class or function.
        examples: at least one.
        reference: gives the PyTorch counterpart where PyTorch has none under the same name. It is called with the
            torch module first, so that the engine itself never imports torch, and then: for an op with the tensors and
            options of the call, whose result it returns; for a layer or a loss with npnn's object, whose counterpart it
            returns (a module or a function), and with the counterparts of the modules inside it, by name; for an
            optimizer with the parameters and options.
        call: gives an op or a function an example's inputs and options, where they do not just go in one after the
            other: ``call(cat, *inputs, **options)``. PyTorch's is called in the same way.
    """

    name: str
    component: C
    examples: tuple[Example, ...]
    reference: Callable[..., Any] | None = None
    call: Callable[..., Any] | None = None

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The component, or the ``function`` that it is compared with, as a function of inputs and options."""
        return function if self.call is None else functools.partial(self.call, function)

    def build(self, *injected: Any, rng: np.random.Generator | None = None, **options: Any) -> Any:
        """Build the component with these options; other components among them may be written as in a spec.

        Those of the same kind get the same ``injected`` arguments, and all draw from the same generator in turn.
        """

        def built(part: Any, kind: Kind[Any]) -> Any:
            given = injected if self.name in kind else ()
            return kind.build(part, *given, rng=rng) if isinstance(part, str | Mapping) else part

        for name, slot in slots(self.component).items():
            value = options.get(name)
            if value is not None and not slot.as_written:
                options[name] = [built(part, slot.kind) for part in value] if slot.many else built(value, slot.kind)
        return construct(self.component, *injected, options=options, rng=rng)


class Kind(Mapping[str, Entry[C]], Generic[C]):
    """All registered components of one kind, by name, in the order of their registration."""

    # As an annotation's metadata it is looked up by identity, not compared name by name.
    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init__(self, singular: str) -> None:
        self.singular = singular
        self._entries: dict[str, Entry[C]] = {}
        self._aliases: dict[str, str] = {}

    def register(
        self,
        *examples: Example,
        alias: str | None = None,
        reference: Callable[..., Any] | None = None,
        call: Callable[..., Any] | None = None,
    ) -> Callable[[D], D]:
        """Decorate a class or function to register it under its own name, and under an alias if it has one.

        Raises:
            ValueError: if the name is taken, or no example is given (what has no example cannot be proved).
        """

        def decorate(component: D) -> D:
            name = component.__name__
            if not examples:
                raise ValueError(f"{self.singular} {name} is registered without an example: nothing could prove it")
            for taken in (name, alias):
                if taken in self:
                    raise ValueError(f"a {self.singular} named {taken} is registered already")
            if alias is not None:
                self._aliases[alias] = name
            self._entries[name] = Entry(name, cast(C, component), examples, reference, call)
            return component

        return decorate

    def build(self, written: Written, *injected: Any, rng: np.random.Generator | None = None) -> Any:
        """Build the component that a spec names, ``{type: Name, option: value}`` or the bare name.

        Raises:
            ValueError: if no ``type`` is named, or an option is unknown.
            UnknownNameError: if nothing is registered under the name.
        """
        options = dict(written) if isinstance(written, Mapping) else {"type": written}
        if not isinstance(options.get("type"), str):
            raise ValueError(f"{self.singular}: expected a name or {{type: Name, option: value}}, got {written}")
        return self[options.pop("type")].build(*injected, rng=rng, **options)

    def __getitem__(self, name: str) -> Entry[C]:
        """Look up a name or an alias; :class:`UnknownNameError` suggests the nearest one."""
        if name not in self:
            hint = did_you_mean(name, [*self, *self._aliases]) or f"; known are {', '.join(sorted(self))}"
            raise UnknownNameError(f"unknown {self.singular} '{name}'{hint}")
        return self._entries[self._aliases.get(name, name)]

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def explained(error: Exception, name: str, expected: str, given: Mapping[str, Any]) -> Exception:
    """An exception of the same kind, an IndexError, a TypeError or else a ValueError, in words that are complete.

    Args:
        error: what a call raised.
        name: of what was called.
        expected: what is wrong, or what should have been.
        given: the arguments by name, of which arrays and tensors are told by dtype and shape.
    """
    kind = next((kind for kind in (IndexError, TypeError) if isinstance(error, kind)), ValueError)
    arguments = ", ".join(f"{argument} {_brief(value)}" for argument, value in given.items())
    return kind(f"{name}: {expected}, got {arguments}")


def is_one_missing(parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> bool:
    """Whether None is given for a parameter without a default."""
    return any(given.get(name, p) is None for name, p in parameters.items() if p.default is inspect.Parameter.empty)


def is_explained(error: Exception, name: str) -> bool:
    """Whether an exception's own words begin with the name of what was called."""
    return str(error).startswith((f"{name}:", f"{name}("))


def _brief(value: Any) -> str:
    has_shape = hasattr(value, "dtype") and hasattr(value, "shape")
    return f"{value.dtype} {value.shape}" if has_shape else reprlib.repr(value)


class Functions(Kind[Callable[..., Any]]):
    """The functions made of ops. What an op in one refuses is explained by the name and arguments of the function."""

    def register(
        self,
        *examples: Example,
        alias: str | None = None,
        reference: Callable[..., Any] | None = None,
        call: Callable[..., Any] | None = None,
    ) -> Callable[[D], D]:
        """Decorate a function to register it, see :meth:`Kind.register`, and to explain what it refuses."""
        register = super().register(*examples, alias=alias, reference=reference, call=call)

        def decorate(function: D) -> D:
            name, parameters = function.__name__, inspect.signature(function).parameters

            def given(args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
                return {**dict(zip(parameters, args, strict=False)), **options}

            @functools.wraps(function)
            def explaining(*args: Any, **options: Any) -> Any:
                try:
                    return function(*args, **options)
                except (IndexError, TypeError, ValueError, OverflowError) as error:
                    if is_explained(error, name):
                        raise
                    inner, _, words = str(error).partition(": ")
                    if inner in ops or inner in self:  # complete, but for whose name it bears
                        raise type(error)(f"{name}: {words}") from error
                    raise explained(error, name, str(error), given(args, options)) from error
                except AttributeError as error:
                    arguments = given(args, options)
                    if all(hasattr(arg, "dtype") for arg in args[:1]) and not is_one_missing(parameters, arguments):
                        raise
                    raise explained(TypeError(), name, "expected tensors", arguments) from error

            return register(cast(D, explaining))

        return decorate


ops: Kind[Callable[..., Any]] = Kind("op")  # on arrays, with derivatives
functions = Functions("function")  # on tensors, made of ops
layers: Kind[type[Any]] = Kind("layer")
losses: Kind[type[Any]] = Kind("loss")
optimizers: Kind[type[Any]] = Kind("optimizer")
schedulers: Kind[type[Any]] = Kind("scheduler")
initializers: Kind[Callable[..., Any]] = Kind("initializer")
datasets: Kind[type[Any]] = Kind("dataset")
