"""What holds for every picture: it is a real PNG, complete or absent, and costs nothing until it is drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import npnn_cli.reports.canvas
from npnn_cli.reports.canvas import picture, shortened
from npnn_cli.reports.confusion import plot_confusion_matrix
from npnn_cli.reports.curves import plot_curves
from npnn_cli.reports.mistakes import plot_mistakes
from npnn_cli.reports.predictions import plot_predictions

HISTORY = [{"epoch": epoch, "train_loss": 1 / epoch, "val_loss": 1.2 / epoch} for epoch in range(1, 6)]
DOLLARS = ["$x", "y$", r"$\z$"]  # TeX knows no \z
IMAGES = np.random.default_rng(0).random((3, 5, 4))

PICTURES = {
    "curves": lambda path: plot_curves(HISTORY, "loss", path, title=r"$\z$", best_epoch=4),
    "confusion": lambda path: plot_confusion_matrix(np.arange(9).reshape(3, 3), DOLLARS, path, title=r"$\z$"),
    "mistakes": lambda path: plot_mistakes(
        IMAGES, np.array([0, 1, 2]), np.array([1, 0, 2]), np.array([0.9, 0.8, 0.7]), DOLLARS, path
    ),
    "no mistakes": lambda path: plot_mistakes(IMAGES, np.arange(3), np.arange(3), np.ones(3), DOLLARS, path),
    "predictions": lambda path: plot_predictions(np.arange(4.0), np.arange(4.0) + 1, path, target_name=r"$\z$"),
}

every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


@every_picture
def test_picture_is_a_png_with_something_on_it(draw, tmp_path):
    draw(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG\r\n")
    pixels = imread(tmp_path / "picture.png")
    height, width = pixels.shape[:2]
    assert 300 <= height <= 2000
    assert 600 <= width <= 2000
    assert len(np.unique((pixels * 255).astype(np.uint8).view(np.uint32))) > 10
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


@every_picture
def test_settings_of_the_user_neither_change_a_picture_nor_are_changed(draw, tmp_path):
    draw(tmp_path / "default.png")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "text.usetex": True, "savefig.dpi": 20}):
        before = dict(matplotlib.rcParams)
        draw(tmp_path / "changed.png")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "default.png").read_bytes() == (tmp_path / "changed.png").read_bytes()


def test_error_while_drawing_leaves_the_previous_picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"previous")
    with pytest.raises(ZeroDivisionError), picture(path, 2, 2):
        raise ZeroDivisionError
    assert path.read_bytes() == b"previous"
    assert list(tmp_path.iterdir()) == [path]


def test_error_while_writing_leaves_the_previous_picture(tmp_path, monkeypatch):
    def full_disk(figure, file, **options):
        file.write(b"\x89PNG and no more")
        raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", full_disk)
    path = tmp_path / "picture.png"
    path.write_bytes(b"previous")
    with pytest.raises(OSError, match="no space left"), picture(path, 2, 2):
        pass
    assert path.read_bytes() == b"previous"
    assert list(tmp_path.iterdir()) == [path]


def test_matplotlib_is_imported_when_drawing_only_and_pyplot_never(tmp_path):
    code = f"""
import pathlib, sys
from npnn_cli.reports import confusion, curves, epoch_table, mistakes, predictions, tables
assert "matplotlib" not in sys.modules
curves.plot_curves({HISTORY!r}, "loss", pathlib.Path({str(tmp_path / "c.png")!r}), title="", best_epoch=1)
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    without_display = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    root = Path(npnn_cli.reports.canvas.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, env=without_display | {"PYTHONPATH": str(root)})
    assert (tmp_path / "c.png").exists()


@pytest.mark.parametrize(
    ("name", "expected"), [("Sandal", "Sandal"), ("Ankle", "Ankle"), ("Ankle boot", "Ankle\N{HORIZONTAL ELLIPSIS}")]
)
def test_long_names_are_cut_visibly(name, expected):
    assert shortened(name, 6) == expected


def test_without_a_home_folder_matplotlib_has_nothing_to_say(tmp_path):
    no_folder = tmp_path / "file"
    no_folder.touch()
    script = (
        "from pathlib import Path; from npnn_cli.reports.canvas import picture\n"
        f"with picture(Path({str(tmp_path / 'empty.png')!r}), 1, 1): pass"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG"))}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment | {"HOME": str(no_folder)}, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
