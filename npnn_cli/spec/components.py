"""The components of a spec against the registry: a constructor's signature is the schema of its options."""

from __future__ import annotations

import importlib
import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from npnn_cli import registry
from npnn_cli.registry import Kind, UnknownNameError, option_parameters
from npnn_cli.spec.errors import Finding, KeyPath
from npnn_cli.spec.run_spec import Component, ComponentSpec
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

    def checked(path: KeyPath, value: Any, kind: Kind[type[Any]]) -> Any:
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


def check_component(
    component: ComponentSpec, kind: Kind[type[Any]], path: KeyPath
) -> tuple[ComponentSpec, list[Finding]]:
    """Check the name and the options of one component that stands at ``path``, and convert the options."""
    try:
        cls = kind[component.type].component
    except UnknownNameError as error:
        return component, [Finding((*path, "type"), str(error))]
    parameters = option_parameters(cls)
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    required = [name for name in required if name not in cls.inferred]
    findings = wrong_keys(path, component.options, parameters, required, "option", f" of {component.type}")
    options = {}
    for name, value in component.options.items():
        if name in parameters:
            annotation = parameters[name].annotation
            try:
                # As JSON, because pydantic is strict there in our sense: a list may become a tuple, text no number.
                options[name] = _adapter(annotation).validate_json(json.dumps(value), strict=True)
            except ValidationError:
                findings.append(wrong_value((*path, name), annotation, value))
    return ComponentSpec(type=component.type, options=options), findings


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def with_defaults(component: ComponentSpec, kind: Kind[type[Any]]) -> ComponentSpec:
    """The component with the defaults of its constructor filled in, in the constructor's order.

    Options that are inferred stay as they are: given or left out.
    """
    cls = kind[component.type].component
    defaults = {
        name: parameter.default
        for name, parameter in option_parameters(cls).items()
        if parameter.default is not parameter.empty and name not in cls.inferred
    }
    options = defaults | component.options
    return ComponentSpec(
        type=component.type, options={name: options[name] for name in option_parameters(cls) if name in options}
    )
