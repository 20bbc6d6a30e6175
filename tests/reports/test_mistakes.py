"""The grid of mistakes, asked of the figure itself."""

from __future__ import annotations

import numpy as np
import pytest

from npnn_cli.reports.mistakes import draw_mistakes, most_confident_mistakes

NAMES = ["zero", "one", "two"]


def draw(figure, targets, predictions, confidences, images=None, names=NAMES):
    if images is None:
        images = np.arange(len(targets) * 6.0).reshape(-1, 2, 3)
    draw_mistakes(figure, images, np.array(targets), np.array(predictions), np.array(confidences), names)
    return [axes for axes in figure.axes if axes.images]


def captions(panels):
    texts = (axes.get_title() or axes.get_title(loc="left") for axes in panels)
    return [text.replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ") for text in texts]


def test_mistakes_alone_are_shown_the_most_confident_first(figure):
    panels = draw(figure, [0, 1, 2, 2], [1, 1, 0, 1], [0.61, 0.99, 0.974, 0.5])
    assert captions(panels) == ["two → zero, 97 %", "zero → one, 61 %", "two → one, 50 %"]
    brightness = [axes.images[0].get_array().mean() for axes in panels]
    assert np.argsort(brightness).tolist() == [1, 0, 2], "samples 2, 0 and 3, of which a later one is brighter"
    assert figure.get_suptitle().startswith("3 mistakes among 4 samples")


def test_equally_confident_mistakes_keep_their_order():
    targets, predictions = np.zeros(1000, int), np.ones(1000, int)
    confidences = np.arange(1000) % 2 / 2
    expected = [*range(1, 1000, 2), *range(0, 1000, 2)]
    assert most_confident_mistakes(targets, predictions, confidences).tolist() == expected


@pytest.mark.parametrize(
    ("mistakes", "shown", "title"),
    [
        (1, 1, "1 mistake among 1,500 samples"),
        (24, 24, "24 mistakes among 1,500 samples"),
        (1200, 24, "The 24 most confident of 1,200 mistakes among 1,500 samples"),
    ],
)
def test_at_most_24_are_shown_and_all_are_counted(figure, mistakes, shown, title):
    predictions = (np.arange(1500) < mistakes).astype(int)
    panels = draw(figure, np.zeros(1500, int), predictions, np.linspace(0.5, 1, 1500))
    assert len(panels) == shown
    assert figure.get_suptitle().startswith(title + ":")


def test_no_mistakes_is_said(figure):
    assert draw(figure, [0, 1], [0, 1], [0.9, 0.9]) == []
    assert [text.get_text() for text in figure.texts] == ["No mistakes among 2 samples"]


@pytest.mark.parametrize(
    ("shape", "displayed"), [((2, 5, 4), (5, 4)), ((2, 1, 5, 4), (5, 4)), ((2, 3, 5, 4), (5, 4, 3))]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_fill_the_range_from_black_to_white(figure, shape, displayed, dtype):
    images = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    if dtype == np.float32:
        images -= 50  # standardized images are negative in part
    panels = draw(figure, [0, 0], [1, 1], [0.9, 0.8], images=images)
    arrays = [axes.images[0].get_array() for axes in panels]
    assert {array.shape for array in arrays} == {displayed}
    assert (np.min(arrays), np.max(arrays)) == (0, 1)
    np.testing.assert_allclose(arrays[0][1, 2], (images[0, ..., 1, 2].squeeze() - images.min()) / np.ptp(images))


def test_blank_images_are_black(figure):
    panels = draw(figure, [0], [1], [0.9], images=np.full((1, 4, 4), 7.0))
    assert np.all(panels[0].images[0].get_array() == 0)


def test_captions_of_long_names_are_cut_and_broken(figure):
    panels = draw(figure, [0], [1], [1.0], names=["a name without end", "another one without end"])
    assert captions(panels) == ["a name witho… → another one …, 100 %"]
    assert max(map(len, (panels[0].get_title() or panels[0].get_title(loc="left")).splitlines())) <= 20


@pytest.mark.parametrize("shape", [(1, 16), (1, 2, 4, 4), (1, 4, 4, 3)])
def test_images_of_another_shape_are_an_error(figure, shape):
    with pytest.raises(ValueError, match=r"expected \(N, H, W\)"):
        draw(figure, [0], [1], [0.9], images=np.zeros(shape))
