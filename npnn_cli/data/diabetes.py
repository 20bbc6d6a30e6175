"""Disease progression of diabetes patients."""

from __future__ import annotations

import numpy as np

from npnn_cli.data.csv_table import decode_csv
from npnn_cli.data.dataset import Dataset, DataSplits, Split
from npnn_cli.data.embedded_files import read_embedded
from npnn_cli.data.preprocessing import Standardize
from npnn_cli.data.splitting import draw_parts, held_out_count
from npnn_cli.examples import example
from npnn_cli.registry import datasets

PATIENTS = 442


@datasets.register(example(), example(validation=40, test=60))
class Diabetes(Dataset):
    """442 diabetes patients: how far the disease goes in a year, from ten measurements at the start.

    The table of Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", Annals of Statistics 32 (2004).
    Inputs are float64 (N, 10) in the order age, sex, bmi, bp, s1 to s6; targets are float64 (N, 1).

    Args:
        validation: how many of all patients to set aside at random: a number, or a fraction between 0 and 1.
        test: likewise.

    Raises:
        ValueError: if one of them is neither, or the two together leave no patient to train on.
    """

    task = "regression"
    input_shape = (10,)
    target_name = "disease progression after one year (score)"

    def __init__(self, validation: int | float = 0.15, test: int | float = 0.2) -> None:
        self._validation_count = held_out_count("validation", validation, PATIENTS)
        self._test_count = held_out_count("test", test, PATIENTS)
        if self._validation_count + self._test_count >= PATIENTS:
            raise ValueError(
                f"validation ({self._validation_count}) and test ({self._test_count}) together leave none of the "
                f"{PATIENTS} patients to train on: make one of them smaller"
            )

    def load(self, *, rng: np.random.Generator) -> DataSplits:
        """Read the embedded table and split it at random; both scalings are fitted on the training part alone."""
        columns = decode_csv(read_embedded("diabetes.csv"), file="diabetes.csv")
        targets = columns.pop("progression")[:, np.newaxis]
        inputs = np.column_stack(list(columns.values()))
        test, validation, train = draw_parts(PATIENTS, [self._test_count, self._validation_count], rng)
        return DataSplits(
            train=Split(inputs[train], targets[train]),
            validation=Split(inputs[validation], targets[validation]),
            test=Split(inputs[test], targets[test]),
            input_scaling=Standardize.fit(inputs[train]),
            target_scaling=Standardize.fit(targets[train]),
        )
