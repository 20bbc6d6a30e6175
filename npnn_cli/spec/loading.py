"""A spec from a file or a text: all its mistakes at once, or none."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from npnn_cli.registry import did_you_mean
from npnn_cli.spec.components import check_components, import_components
from npnn_cli.spec.errors import Mistake, SpecError
from npnn_cli.spec.run_spec import RunSpec, structure_findings
from npnn_cli.spec.yaml_text import MAX_SIZE, decode, read_yaml


def load_spec(path: Path) -> RunSpec:
    """Read a spec from a YAML file; its name is the file's, unless it gives another.

    Raises:
        SpecError: if the file cannot be read, or its text is no valid spec.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except FileNotFoundError:
        hint = did_you_mean(path.stem, _specs_in(path.parent)) or _listing(path.parent)
        raise SpecError([Mistake(str(path), 0, 0, f"no such file{hint}")]) from None
    except IsADirectoryError:
        raise SpecError([Mistake(str(path), 0, 0, f"is a directory, not a file{_listing(path)}")]) from None
    except OSError as error:
        raise SpecError([Mistake(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from None
    return parse_spec(decode(content, str(path)), str(path), path.stem)


def parse_spec(text: str, source: str, default_name: str | None = None) -> RunSpec:
    """Read a spec from YAML text.

    Args:
        text: the YAML.
        source: what to call the text in messages: its file.
        default_name: the spec's name if the text gives none.

    Raises:
        SpecError: if the text is no valid spec. It lists all mistakes, but for those that a syntax error hides.
    """
    document = read_yaml(text, source)
    data = document.data if default_name is None else {"name": default_name, **document.data}
    import_components()
    checked, findings = check_components(data)
    try:
        spec = RunSpec.model_validate(checked, context=document.source_map)
    except ValidationError as error:
        findings += structure_findings(error, checked)
    mistakes = [document.source_map.locate(finding) for finding in findings if document.is_readable(finding.path)]
    if mistakes or document.mistakes:
        raise SpecError([*document.mistakes, *mistakes])
    return spec


def _specs_in(directory: Path) -> list[str]:
    return sorted(file.name for pattern in ("*.yaml", "*.yml") for file in directory.glob(pattern))


def _listing(directory: Path) -> str:
    names = _specs_in(directory)
    shown = ", ".join(names[:8]) + (", ..." if names[8:] else "")
    return f"; {directory} holds {shown}" if names else ""
