"""A component's options: its constructor's signature says which there are, what each may be, and its default."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

Written = str | Mapping[str, Any]
"""A component as a spec names it: ``xavier_uniform``, or ``{type: kaiming_normal, nonlinearity: tanh}``."""


class Component:
    """Something that a spec can name: a layer, a loss, an optimizer, a scheduler, a dataset.

    A component remembers the options that it was built with, defaults included, in ``options``. They are the
    positional-or-keyword parameters of its constructor, and ``*layers``, which is a list in a spec; ``injected`` ones
    (an optimizer's ``params``) and keyword-only ones (``rng``) are given by the program, never by a spec.

    Attributes:
        inferred: option name -> function that finds the option's value from the context (for a layer the shape of one
            input sample), so that a spec may leave it out.
        injected: positional parameters of the constructor that are no options.
    """

    inferred: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    injected: ClassVar[frozenset[str]] = frozenset()
    options: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Build the object and note the options that were given to the constructor.

        Raises:
            TypeError, ValueError: if an argument is unknown or missing, or an option is not what it is annotated as.
        """
        self = super().__new__(cls)
        constructor: Callable[..., Any] = cls
        try:
            # bind_partial: copy and pickle call __new__ without arguments and restore the attributes afterwards.
            bound = _signature(constructor).bind_partial(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}: {error}") from None
        refuse_misfits(cls, bound.arguments)
        bound.apply_defaults()
        self.options = {name: bound.arguments[name] for name in option_parameters(cls) if name in bound.arguments}
        return self

    def __init__(self) -> None:
        """A component has no options unless its constructor takes some."""

    @classmethod
    def context_inside(cls, context: Any, options: Mapping[str, Any], position: int) -> Any:
        """What the options of a component inside this one are inferred from, given what this one's are inferred from.

        Args:
            context: this one's.
            options: this one's.
            position: of the other in its list, or 0.
        """
        return context


def option_parameters(component: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a component's constructor, or of a function, that a spec may set, in order: its schema."""
    injected = getattr(component, "injected", ())
    options = {}
    for p in _signature(component).parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            options[p.name] = p.replace(annotation=GenericAlias(Sequence, (p.annotation,)))
        elif p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in injected:
            options[p.name] = p
    return options


def takes_rng(component: Callable[..., Any]) -> bool:
    """Whether the constructor, or the function, wants a random generator (a keyword-only ``rng``)."""
    return "rng" in _signature(component).parameters


@cache
def _signature(component: Callable[..., Any]) -> inspect.Signature:
    """The signature without ``self``, its annotations evaluated if their names are known when the program runs."""
    is_class = isinstance(component, type) and issubclass(component, Component)
    function = component.__init__ if is_class else component
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # of what is imported for type checkers only
        signature = inspect.signature(function)
    return signature.replace(parameters=list(signature.parameters.values())[is_class:])


def refuse_misfits(component: type[Component], given: Mapping[str, Any]) -> None:
    """Refuse options that are not what the component's constructor annotates them as.

    Raises:
        TypeError, ValueError: if an option is of another type, or is none of several texts or lists.
    """
    for name, parameter in option_parameters(component).items():
        annotation = parameter.annotation
        if name in given and given[name] is not parameter.default and not fits(given[name], annotation):
            kind = ValueError if _is_one_of_several(given[name], annotation) else TypeError
            message = f"{name} must be {expectation(annotation)}, got {reprlib.repr(given[name])}"
            raise kind(f"{component.__name__}: {message}")


_PLAIN: dict[Any, Any] = {bool: bool, int: int, float: int | float, str: str, NoneType: NoneType}


def fits(value: Any, annotation: Any) -> bool:
    """Whether a value is what an annotation says, as far as it speaks of numbers, truth, texts and lists of them.

    A whole number will do for a number, and a list for a tuple. NumPy's numbers are numbers; an array or a tensor is a
    list of numbers, but no tuple.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(fits(value, member) for member in arguments)
    if origin is tuple:
        members = arguments[:1] * len(value) if arguments[-1] is Ellipsis and _is_list(value) else arguments
        return _is_list(value) and len(value) == len(members) and all(map(fits, value, members))
    if hasattr(value, "tolist"):
        value = value.tolist()
    if origin is Literal:
        return value in arguments
    if origin is Sequence:
        is_sequence = isinstance(value, Sequence) and not isinstance(value, str)
        return is_sequence and all(fits(part, arguments[0]) for part in value)
    if annotation in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, _PLAIN.get(annotation, object))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_one_of_several(value: Any, annotation: Any) -> bool:
    """Whether the value is a text or a list, and an annotation allows some texts or lists: it is only the wrong one."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(_is_one_of_several(value, member) for member in arguments)
    return (origin is Literal and isinstance(value, str)) or (origin is tuple and _is_list(value))


_SINGULAR_AND_PLURAL: dict[Any, tuple[str, str]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    bool: ("true or false", "values true or false"),
    dict: ("a mapping {key: value}", "mappings"),
    Mapping: ("a mapping {key: value}", "mappings"),
    NoneType: ("null", "nulls"),
    Any: ("a value", "values"),
}


def expectation(annotation: Any) -> str:
    """What an annotation allows: ``a whole number or a list of 2 whole numbers``."""
    return _joined(singular for singular, _ in _alternatives(annotation))


def _joined(alternatives: Iterable[str]) -> str:
    *first, last = dict.fromkeys(alternatives)
    return f"{', '.join(first)} or {last}" if first else last


def _alternatives(annotation: Any) -> list[tuple[str, str]]:
    """The singular and the plural of each type that an annotation allows."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        # A whole number is a number: `int | float` is no choice for a person.
        members = [member for member in arguments if not (member is int and float in arguments)]
        return [words for member in members for words in _alternatives(member)]
    if origin is Annotated:
        kind = arguments[1]
        article = "an" if kind.singular[0] in "aeiou" else "a"
        return [(f"{article} {kind.singular}", f"{kind.singular}s")]
    if origin is Literal:
        return [(repr(value), repr(value)) for value in arguments]
    if origin is tuple and arguments[-1] is not Ellipsis:
        return [(f"a list of {len(arguments)} {_plural(arguments)}", f"lists of {len(arguments)} {_plural(arguments)}")]
    if origin is not None and issubclass(origin, Sequence):
        return [(f"a list of {_plural(arguments[:1])}", f"lists of {_plural(arguments[:1])}")]
    plain = origin or annotation
    name = getattr(plain, "__name__", str(plain))
    return [_SINGULAR_AND_PLURAL.get(plain, (f"a {name}", f"{name}s"))]


def _plural(annotations: tuple[Any, ...]) -> str:
    alternatives = dict.fromkeys(plural for annotation in annotations for _, plural in _alternatives(annotation))
    return _joined(alternatives)
