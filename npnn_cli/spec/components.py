"""The components of a spec against the registry: a constructor's signature is the schema of its options."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Collection
from functools import cache
from types import NoneType
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from npnn_cli import registry
from npnn_cli.options import option_parameters
from npnn_cli.registry import Kind, Slot, UnknownNameError, slots
from npnn_cli.spec.errors import Finding, KeyPath
from npnn_cli.spec.run_spec import Component, ComponentSpec, findings_of
from npnn_cli.spec.wording import wrong_keys, wrong_value

SECTIONS: dict[str, Kind[type[Any]]] = {
    "data": registry.datasets,
    "loss": registry.losses,
    "optimizer": registry.optimizers,
    "scheduler": registry.schedulers,
}
"""The keys of a spec that hold one component, and of what kind; ``model`` holds a list of layers."""

_component = TypeAdapter[ComponentSpec](Component)


def import_components() -> None:
    """Import the rooms whose classes register themselves, so that every name is known."""
    for room in ("data", "nn", "optim"):
        importlib.import_module(f"npnn_cli.{room}")


def check_components(data: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Check all components of a spec.

    Args:
        data: the spec as plain data, of any structure; what is no component is left to the check of the structure.

    Returns:
        The data, each component of it as a :class:`ComponentSpec` with its options converted to their annotated types
        (a list to a tuple, an int to a float), and what is wrong.
    """
    findings: list[Finding] = []

    def checked(path: KeyPath, value: Any, kind: Kind[Any]) -> Any:
        try:
            component = _component.validate_python(value)
        except ValidationError:
            return value
        component, wrong = check_component(component, kind, path)
        findings.extend(wrong)
        return component

    result = {key: checked((key,), value, SECTIONS[key]) if key in SECTIONS else value for key, value in data.items()}
    if isinstance(model := data.get("model"), list):
        result["model"] = [checked(("model", index), layer, registry.layers) for index, layer in enumerate(model)]
    return result, findings


def check_component(component: ComponentSpec, kind: Kind[Any], path: KeyPath) -> tuple[ComponentSpec, list[Finding]]:
    """Check the name and the options of one component that stands at ``path``, and convert the options."""
    try:
        registered = kind[component.type].component
    except UnknownNameError as error:
        return component, [Finding((*path, "type"), str(error))]
    parameters, held = option_parameters(registered), slots(registered)
    required = [name for name, p in parameters.items() if p.default is p.empty and name not in _inferred(registered)]
    findings = wrong_keys(path, component.options, parameters, required, "option", f" of {component.type}")
    options = {}
    for name, value in component.options.items():
        if name in parameters:
            annotation = parameters[name].annotation
            options[name], wrong = _check_option((*path, name), annotation, value, held.get(name))
            findings += wrong
    return ComponentSpec(type=component.type, options=options), findings


def _check_option(path: KeyPath, annotation: Any, value: Any, slot: Slot | None) -> tuple[Any, list[Finding]]:
    if slot is None:
        try:
            # As JSON, because pydantic is strict there in our sense: a list may become a tuple, text no number.
            return _adapter(annotation).validate_json(json.dumps(value), strict=True), []
        except ValidationError:
            return value, [wrong_value(path, annotation, value)]
    if value is None and NoneType in get_args(annotation):
        return None, []
    if not slot.many:
        return _check_part(path, value, slot)
    if not isinstance(value, list):
        return value, [wrong_value(path, annotation, value)]
    parts = [_check_part((*path, position), part, slot) for position, part in enumerate(value)]
    return [part for part, _ in parts], [finding for _, wrong in parts for finding in wrong]


def _check_part(path: KeyPath, value: Any, slot: Slot) -> tuple[Any, list[Finding]]:
    """Check a component inside another."""
    try:
        component = _component.validate_python(value)
    except ValidationError as error:
        return value, findings_of(error, path)
    component, findings = check_component(component, slot.kind, path)
    return component.written() if slot.as_written else component, findings


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _inferred(registered: Callable[..., Any]) -> Collection[str]:
    """The options that a spec may leave out because they follow from where the component stands."""
    return getattr(registered, "inferred", ())


def with_defaults(component: ComponentSpec, kind: Kind[Any]) -> ComponentSpec:
    """The component, and those inside it, with the defaults of the constructor filled in, in the constructor's order.

    Options that are inferred stay as they are: given or left out.
    """
    registered = kind[component.type].component
    parameters = option_parameters(registered)
    defaults = {
        name: p.default
        for name, p in parameters.items()
        if p.default is not p.empty and name not in _inferred(registered)
    }
    options = defaults | component.options
    in_order = {name: options[name] for name in parameters if name in options}
    return _with_parts(ComponentSpec(type=component.type, options=in_order), kind, with_defaults)


def without_inferred(component: ComponentSpec, kind: Kind[Any]) -> ComponentSpec:
    """The component, and those inside it, without the options that follow from where it stands."""
    inferred = _inferred(kind[component.type].component)
    kept = {name: value for name, value in component.options.items() if name not in inferred}
    return _with_parts(ComponentSpec(type=component.type, options=kept), kind, without_inferred)


def _with_parts(
    component: ComponentSpec, kind: Kind[Any], change: Callable[[ComponentSpec, Kind[Any]], ComponentSpec]
) -> ComponentSpec:
    """The component with those inside it changed."""
    options = dict(component.options)
    for name, slot in slots(kind[component.type].component).items():
        value = options.get(name)
        if isinstance(value, ComponentSpec):
            options[name] = change(value, slot.kind)
        elif isinstance(value, list) and not slot.as_written:
            options[name] = [change(part, slot.kind) for part in value]
    return ComponentSpec(type=component.type, options=options)
