"""Console tables. They are returned, not printed: the caller's console decides on width and colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from npnn_cli.training.layers import LayerSummary
    from npnn_cli.training.metrics import ClassificationReport, RegressionReport

CheckRow = tuple[str, str, float, float, bool]
ComponentRow = tuple[str, int, float, float, bool]


def layer_table(layers: Iterable[LayerSummary]) -> Table:
    """The layers of a model, those inside others indented, and below them the total number of parameters."""
    table = _table("", "layer", "output shape", ">parameters")
    total = frozen = 0
    for row in layers:
        layer = "  " * row.depth + row.layer
        _add_row(table, row.name, layer, str(row.output_shape), f"{row.parameters:,}")
        total += row.parameters
        frozen += row.frozen
    table.add_section()
    _add_row(table, "", "total", "", f"{total:,}", style="bold")
    if frozen:
        _add_row(table, "", "of these frozen", "", f"{frozen:,}")
    return table


def classification_table(report: ClassificationReport, class_names: Sequence[str]) -> Table:
    """Precision, recall, F1 and support of every class, and below them the figures over all classes."""
    table = _table("class", ">precision", ">recall", ">F1", ">support")
    for name, precision, recall, f1, support in zip(
        class_names, report.precision, report.recall, report.f1, report.support, strict=True
    ):
        _add_row(table, name, f"{precision:.4f}", f"{recall:.4f}", f"{f1:.4f}", f"{support:,}")
    table.add_section()
    samples = f"{report.support.sum():,}"
    for name, mean in (("macro average", report.macro), ("weighted average", report.weighted)):
        _add_row(table, name, f"{mean.precision:.4f}", f"{mean.recall:.4f}", f"{mean.f1:.4f}", samples)
    _add_row(table, "accuracy", "", "", f"{report.accuracy:.4f}", samples, style="bold")
    if report.roc_auc is not None:
        _add_row(table, "area under ROC", "", "", f"{report.roc_auc:.4f}", samples)
    return table


def confusion_table(matrix: NDArray[Any], class_names: Sequence[str]) -> Table:
    """How many samples of each true class (row) were predicted as each class (column); the right ones are bold."""
    table = _table("true \\ predicted", *(f">{name}" for name in class_names))
    table.padding = 0  # so that ten classes fit on a narrow terminal
    table.columns[0].min_width = max(map(len, class_names))
    for true, (name, counts) in enumerate(zip(class_names, matrix, strict=True)):
        cells = (
            Text(f"{count:,}", style="bold" if predicted == true else "") for predicted, count in enumerate(counts)
        )
        table.add_row(Text(name), *cells)
    return table


def regression_table(report: RegressionReport, target_name: str) -> Table:
    """The metrics of a regression."""
    table = _table(target_name, ">value")
    _add_row(table, "mean squared error", f"{report.mse:.6g}")
    _add_row(table, "mean absolute error", f"{report.mae:.6g}")
    _add_row(table, "R squared", f"{report.r2:.4f}")
    return table


def check_table(rows: Iterable[CheckRow]) -> Table:
    """The verdicts of a gradient check.

    Args:
        rows: what was checked, the shapes involved, the largest difference, the tolerance, and whether it passed.
    """
    table = _table("what", "shape", ">difference (tolerance)", "verdict")
    for what, shape, difference, tolerance, passed in rows:
        _add_verdict(table, what, shape, difference, tolerance, passed)
    return table


def component_table(rows: Iterable[ComponentRow]) -> Table:
    """The verdicts of a gradient check, one for all cases of a component.

    Args:
        rows: the component, the number of cases, the largest difference, its tolerance, and whether all passed.
    """
    table = _table("component", ">cases", ">worst difference (tolerance)", "verdict")
    for component, cases, difference, tolerance, passed in rows:
        _add_verdict(table, component, str(cases), difference, tolerance, passed)
    return table


def _add_verdict(table: Table, what: str, about: str, difference: float, tolerance: float, passed: bool) -> None:
    compared = f"{difference:.1e} ({tolerance:.0e})"
    _add_row(table, what, about, compared, "ok" if passed else "DIFFERS", style="" if passed else "bold red")


def _table(*headings: str) -> Table:
    """An empty table; a heading that begins with ``>`` is of numbers, aligned right and never broken."""
    table = Table(box=box.HORIZONTALS, show_edge=False, pad_edge=False)
    for heading in headings:
        if heading.startswith(">"):
            table.add_column(Text(heading[1:]), justify="right", no_wrap=True)
        else:
            table.add_column(Text(heading), overflow="fold")
    return table


def _add_row(table: Table, *cells: str, style: str = "") -> None:
    """Add cells as they are: a string would be read as markup, and ``[red]`` in a name would vanish."""
    table.add_row(*map(Text, cells), style=style)
