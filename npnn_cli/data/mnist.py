"""Handwritten digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from npnn_cli.data.dataset import Dataset, DataSplits, Split
from npnn_cli.data.embedded_files import read_embedded
from npnn_cli.data.idx import decode_idx
from npnn_cli.data.preprocessing import Standardize
from npnn_cli.data.splitting import draw_parts, held_out_count
from npnn_cli.examples import example
from npnn_cli.registry import datasets

TRAINING_IMAGES = 60_000

# Over all pixels of the 60,000 training images, in units of the pixels (0 to 255): 0.1307 and 0.3081 of white.
PIXEL_MEAN = 33.31842145
PIXEL_STD = 78.56748998


@datasets.register(example(validation=100))
class MNIST(Dataset):
    """70,000 images of handwritten digits by LeCun, Cortes and Burges: 28 by 28 pixels, white ink (255) on black (0).

    Inputs are uint8 (N, 1, 28, 28) until a batch is scaled; targets are int64 (N,), the digits. The 10,000 test images
    are the published ones.

    Args:
        validation: how many of the 60,000 training images to set aside at random: a number of images, or a fraction
            between 0 and 1.

    Raises:
        ValueError: if ``validation`` is neither.
    """

    task = "classification"
    input_shape = (1, 28, 28)
    class_names = tuple("0123456789")

    def __init__(self, validation: int | float = 10_000) -> None:
        self._validation_count = held_out_count("validation", validation, TRAINING_IMAGES)

    def load(self, *, rng: np.random.Generator) -> DataSplits:
        """Decompress the embedded files and set the validation images aside (about 0.3 s)."""
        images, digits = _read("train")
        test_images, test_digits = _read("t10k")
        validation, train = draw_parts(TRAINING_IMAGES, [self._validation_count], rng)
        return DataSplits(
            train=Split(images[train], digits[train]),
            validation=Split(images[validation], digits[validation]),
            test=Split(test_images, test_digits),
            input_scaling=Standardize(PIXEL_MEAN, PIXEL_STD),
            target_scaling=None,
        )


def _read(part: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images, uint8 (N, 1, 28, 28), and digits, int64 (N,)."""
    images, digits = (
        decode_idx(read_embedded(name), file=name)
        for name in (f"mnist/{part}-images-idx3-ubyte.gz", f"mnist/{part}-labels-idx1-ubyte.gz")
    )
    return images[:, np.newaxis], digits.astype(np.int64)
