"""The components of a spec made into objects, those inside others too, with what follows from where each stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from npnn_cli.registry import Kind, construct, slots
from npnn_cli.spec import ComponentSpec, RunSpec

Path = tuple[str | int, ...]
Infer = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Built:
    """A component that was built.

    Attributes:
        component: the object.
        spec: its type and options, with what was inferred; those inside it likewise.
    """

    component: Any
    spec: ComponentSpec


class Builder:
    """Builds components of one spec. What is wrong with one becomes a SpecError at its own line.

    A component's context is what those of its options follow from that a spec may leave out: for a scheduler the
    schedule of the training.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec

    def build(
        self,
        path: Path,
        kind: Kind[Any],
        written: ComponentSpec,
        *injected: Any,
        context: Any = None,
        rng: np.random.Generator | None = None,
    ) -> Built:
        """Build a component, and first those inside it.

        Args:
            path: where it stands in the spec.
            kind: what it is.
            written: its type and options.
            injected: what the program gives to its constructor, and to those of the same kind inside it.
            context: what its options are inferred from.
            rng: what it draws from; each component inside it draws from a stream of its own.

        Raises:
            SpecError: if it, or one inside it, cannot be built.
        """
        registered = kind[written.type].component
        options = self.infer(path, written, registered.inferred, context) | written.options
        made, resolved = dict(options), dict(options)
        for name, slot in slots(registered).items():
            held = options.get(name)
            if held is None or slot.as_written:
                continue
            built = self.build_in_order(
                _places((*path, name), held),
                slot.kind,
                *(injected if slot.kind is kind else ()),
                context=context,
                context_at=partial(registered.context_inside, options=options),
                rng=rng,
            )
            components, specs = [part.component for part in built], [part.spec for part in built]
            made[name], resolved[name] = (components, specs) if slot.many else (components[0], specs[0])
        component = self._construct(path, registered, injected, made, rng)
        return Built(component, ComponentSpec(type=written.type, options=resolved))

    def build_in_order(
        self,
        places: Mapping[Path, ComponentSpec],
        kind: Kind[Any],
        *injected: Any,
        context: Any,
        context_at: Callable[..., Any],
        rng: np.random.Generator | None,
    ) -> list[Built]:
        """Build what stands in a list of components, or the only one that an option holds."""
        streams = [None] * len(places) if rng is None else rng.spawn(len(places))
        built = []
        for position, ((path, written), stream) in enumerate(zip(places.items(), streams, strict=True)):
            inside = context_at(context, position=position)
            built.append(self.build(path, kind, written, *injected, context=inside, rng=stream))
            context = self.after(built[-1], context)
        return built

    def after(self, built: Built, context: Any) -> Any:
        """The context of the next component in a list, given this one's."""
        return context

    def infer(self, path: Path, written: ComponentSpec, inferred: Mapping[str, Infer], context: Any) -> dict[str, Any]:
        """The values of those inferred options that are not given."""
        return {name: infer(context) for name, infer in inferred.items() if name not in written.options}

    def _construct(
        self,
        path: Path,
        registered: Callable[..., Any],
        injected: tuple[Any, ...],
        options: Mapping[str, Any],
        rng: np.random.Generator | None,
    ) -> Any:
        name = registered.__name__
        try:
            return construct(registered, *injected, options=options, rng=rng)
        except MemoryError:
            raise self.spec.mistake(path, f"{name} with {options} is too large for the memory") from None
        except (ValueError, LookupError) as error:
            raise self.spec.mistake(path, str(error)) from None
        except (TypeError, ArithmeticError) as error:  # such as a division by an option that is 0
            raise self.spec.mistake(path, f"{name} cannot be built with these options: {error}") from error


def _places(path: Path, held: ComponentSpec | list[ComponentSpec]) -> dict[Path, ComponentSpec]:
    """What an option holds, by where it stands."""
    return {(*path, position): part for position, part in enumerate(held)} if isinstance(held, list) else {path: held}
