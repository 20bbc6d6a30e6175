"""Pictures of growth, asked of the figure itself."""

from __future__ import annotations

import pytest

from npnn_cli.reports.sweep import GrowthCurve, draw_growth, plot_growth


def curve(sizes=(1, 2, 4), values=(3.0, 5.0, 9.0), spread=0.5) -> GrowthCurve:
    return GrowthCurve(
        "time (ms)", "layers", sizes, values, [v - spread for v in values], [v + 2 * spread for v in values]
    )


def test_a_panel_shows_the_points_their_spread_and_the_line_that_fits_them(figure):
    draw_growth(figure, [curve()], title="growth of $x$")

    (axes,) = figure.axes
    fit, points = axes.lines[:2]
    assert points.get_xydata().tolist() == [[1, 3], [2, 5], [4, 9]]
    assert fit.get_xydata().ravel().tolist() == pytest.approx([0, 1, 4, 9])
    assert axes.get_title(loc="center") + axes.get_title(loc="left") == "straight line: 1 + 2 per unit"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("layers", "time (ms)")
    (bars,) = axes.containers[0][2]
    assert bars.get_segments()[0].tolist() == [[1, 2.5], [1, 4]]
    assert axes.get_xlim()[0] == 0
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > 10
    assert figure.get_suptitle() == "growth of $x$"


def test_a_line_that_starts_below_zero_is_seen(figure):
    draw_growth(figure, [curve(values=(1.0, 4.0, 16.0))], title="")

    assert figure.axes[0].get_ylim()[0] == pytest.approx(-5)


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (2, 2), (3, 3), (4, 4)])
def test_every_curve_has_a_panel(figure, count, shown):
    draw_growth(figure, [curve()] * count, title="")

    assert sum(axes.axison for axes in figure.axes) == shown


def test_the_picture_is_written(tmp_path):
    plot_growth([curve(), curve(), curve()], tmp_path / "growth.png", title="a title " * 30)

    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["growth.png"]
