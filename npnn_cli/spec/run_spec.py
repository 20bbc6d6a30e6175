"""What a spec says, checked in its structure; the components' options are checked in ``components``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from npnn_cli.spec.errors import Finding, KeyPath, SpecError
from npnn_cli.spec.source_map import SourceMap
from npnn_cli.spec.wording import shown, wrong, wrong_keys, wrong_value
from npnn_cli.spec.yaml_writing import write_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ComponentSpec(_Strict):
    """A component by name, with its options: ``{type: Linear, out_features: 64}``, or ``ReLU`` where it has none.

    Attributes:
        type: the name under which it is registered.
        options: the arguments of its constructor, as far as they are given. Components inside it are of this class too.
    """

    type: str
    options: dict[str, Any] = Field(default_factory=dict)

    def written(self) -> str | dict[str, Any]:
        """As plain data, the way a spec writes it."""
        options = {name: _written(value) for name, value in self.options.items()}
        return {"type": self.type, **options} if options else self.type

    def __str__(self) -> str:
        return f"{self.type}({', '.join(f'{name}={_brief(value)}' for name, value in self.options.items())})"


def _written(value: Any) -> Any:
    if isinstance(value, ComponentSpec):
        return value.written()
    return [_written(part) for part in value] if isinstance(value, list) else value


def _brief(value: Any) -> str:
    if isinstance(value, dict) and "type" in value:  # a component that is handed on as it is written
        return str(ComponentSpec(**_component_fields(value)))
    return f"[{', '.join(map(_brief, value))}]" if isinstance(value, list) else str(value)


def _component_fields(value: Any) -> Any:
    """Split a component as a spec writes it into the fields of :class:`ComponentSpec`."""
    if isinstance(value, ComponentSpec):
        return value
    if isinstance(value, str):
        return {"type": value}
    if not isinstance(value, dict):
        raise _plain_words(f"expected a name or {{type: Name, option: value}}, got {shown(value)}")
    if "type" not in value:
        raise _plain_words("missing 'type': a component is written {type: Name, option: value}")
    return {"type": value["type"], "options": {name: option for name, option in value.items() if name != "type"}}


def _plain_words(message: str) -> PydanticCustomError:
    return PydanticCustomError("plain_words", "{message}", {"message": message})


Component = Annotated[ComponentSpec, BeforeValidator(_component_fields)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TrainingSpec(_Strict):
    """How long and in what portions to train.

    Attributes:
        epochs: passes over the training data.
        batch_size: samples per step.
        clip_grad_norm: the norm to which the gradient of all parameters together is scaled down where it is larger.
        clip_grad_value: the size to which every entry of the gradient is limited.
        threads: how many threads share the work; by default what was measured to suit the network and the batch size.
    """

    epochs: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=1)
    clip_grad_norm: _Positive | None = None
    clip_grad_value: _Positive | None = None
    threads: int | None = Field(default=None, ge=1)


class EarlyStoppingSpec(_Strict):
    """When to stop before the last epoch.

    Attributes:
        monitor: the metric to watch.
        patience: how many epochs in a row may pass without improvement.
        min_delta: by how much the metric has to improve to count.
        restore_best_weights: whether the best epoch's weights are what training results in.
    """

    monitor: str = "val_loss"
    patience: int = Field(ge=1)
    min_delta: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    restore_best_weights: bool = True


class RunSpec(_Strict):
    """One training run, completely described.

    Attributes:
        name: names the run; safe as a part of a folder's name.
        seed: from which all randomness derives.
        dtype: of parameters and inputs.
        data: the dataset.
        model: the layers, in order.
        loss: what is minimised.
        optimizer: how.
        scheduler: how the learning rate changes, if it does.
        training: epochs, batches and clipping.
        early_stopping: when to stop before the last epoch, if ever.
    """

    name: str
    seed: int = Field(default=0, ge=0)
    dtype: Literal["float32", "float64"] = "float32"
    data: Component
    model: tuple[Component, ...] = Field(min_length=1, strict=False)  # not strict: a list is what YAML has
    loss: Component
    optimizer: Component
    scheduler: Component | None = None
    training: TrainingSpec
    early_stopping: EarlyStoppingSpec | None = None

    _source_map: SourceMap = PrivateAttr(default_factory=SourceMap)

    @field_validator("name")
    @classmethod
    def _is_safe_in_a_folder_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
            rule = "use at most 100 letters, digits, '_', '-' and '.', and begin with a letter, a digit or '_'"
            raise _plain_words(f"{rule}; got {shown(name)}")
        return name

    def model_post_init(self, context: Any) -> None:
        """Take over where the text of the spec says what, if it was read from a text."""
        if isinstance(context, SourceMap):
            self._source_map = context

    def mistake(self, path: KeyPath, message: str) -> SpecError:
        """An error at the line and column of a part of this spec, for a mistake that only a later stage can see.

        Args:
            path: such as ``("model", 1, "out_features")``. If the text does not hold it, because it is a default or
                was inferred, the position is that of the nearest part around it.
            message: what is wrong and what to do.
        """
        return SpecError([self._source_map.locate(Finding(path, message))])

    def to_yaml(self) -> str:
        """Write the spec, all defaults of its own shown, so that reading it again gives an equal spec."""
        data = self.model_dump()
        for key in ("data", "loss", "optimizer", "scheduler"):
            component = getattr(self, key)
            data[key] = component and component.written()
        data["model"] = [layer.written() for layer in self.model]
        return write_yaml(data, block_lists=("model",))


_SECTIONS: dict[KeyPath, type[BaseModel]] = {
    (): RunSpec,
    ("training",): TrainingSpec,
    ("early_stopping",): EarlyStoppingSpec,
}
_ANNOTATION = {"int_type": int, "float_type": float, "string_type": str, "bool_type": bool, "model_type": dict}


def structure_findings(error: ValidationError, data: dict[str, Any]) -> list[Finding]:
    """Say in plain words what is wrong with the structure of a spec.

    Args:
        error: what validating ``data`` as a :class:`RunSpec` raised.
        data: the spec as plain data.
    """
    findings = []
    for path, model in _SECTIONS.items():
        section = data.get(str(path[0])) if path else data
        if isinstance(section, dict):
            required = [name for name, field in model.model_fields.items() if field.is_required()]
            owner = f" of {path[0]}" if path else ""
            findings += wrong_keys(path, section, model.model_fields, required, "key", owner)
    return findings + findings_of(error)


def findings_of(error: ValidationError, path: KeyPath = ()) -> list[Finding]:
    """Say in plain words which values are wrong in the part of a spec that stands at ``path``; keys are left out."""
    details = error.errors(include_url=False)
    return [_finding(path, detail) for detail in details if detail["type"] not in ("missing", "extra_forbidden")]


def _finding(path: KeyPath, detail: ErrorDetails) -> Finding:
    path, value, limits = (*path, *detail["loc"]), detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case known if known in _ANNOTATION:
            return wrong_value(path, _ANNOTATION[known], value)
        case "literal_error":
            return wrong(path, f"expected {limits['expected']}, got {shown(value)}")
        case "tuple_type":
            return wrong(path, f"expected a list of components, one per line after '- ', got {shown(value)}")
        case "too_short":
            return wrong(path, "needs at least one component")
        case "greater_than":
            return wrong(path, f"must be greater than {limits['gt']:g}, got {shown(value)}")
        case "greater_than_equal":
            return wrong(path, f"must be at least {limits['ge']:g}, got {shown(value)}")
        case "finite_number":
            return wrong(path, f"must be finite, got {shown(value)}")
        case _:
            return wrong(path, detail["msg"])
