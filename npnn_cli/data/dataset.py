"""What a data set declares about itself, and what loading it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from npnn_cli.data.preprocessing import Standardize
from npnn_cli.options import Component

Task = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Split:
    """Samples that are used together, to train or to judge.

    Attributes:
        inputs: (N, *input_shape).
        targets: (N,) int64 class indices, or (N, 1) floats for regression.

    Raises:
        ValueError: if the two differ in length.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"a split has {len(self.inputs)} inputs but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, eq=False)
class DataSplits:
    """The three parts of a data set, not yet scaled, and the scalings that suit them.

    Attributes:
        train: what the model learns from.
        validation: what decides when to stop, and which weights are best.
        test: what the finished model is judged by.
        input_scaling: fitted on training data alone; None for inputs that are whole numbers.
        target_scaling: likewise; None for classification.
    """

    train: Split
    validation: Split
    test: Split
    input_scaling: Standardize | None
    target_scaling: Standardize | None


class Dataset(Component, ABC):
    """A data set that a spec can name. All but the samples is known before any data is read.

    Attributes:
        task: whether targets are classes or numbers.
        input_shape: of one sample, such as (1, 28, 28).
        integer_inputs: whether inputs are whole numbers that stand for something, such as words: they are not scaled.
        class_names: by class index; empty for regression.
        target_name: what a regression predicts, worded as the label of an axis; empty for classification.
    """

    task: Task
    input_shape: tuple[int, ...]
    integer_inputs: bool = False
    class_names: tuple[str, ...] = ()
    target_name: str = ""

    @abstractmethod
    def load(self, *, rng: np.random.Generator) -> DataSplits:
        """Read the data and split it.

        Args:
            rng: draws the samples of the splits; the same state gives the same splits.

        Raises:
            DataError: if the data files are missing or damaged.
        """
