"""Data sets, embedded in the package, and the way of their samples to a model: splits, scaling, batches."""

from __future__ import annotations

from npnn_cli.data.dataset import Dataset, DataSplits, Split
from npnn_cli.data.diabetes import Diabetes
from npnn_cli.data.errors import DataError
from npnn_cli.data.loader import DataLoader
from npnn_cli.data.mnist import MNIST
from npnn_cli.data.preprocessing import Standardize

__all__ = ["MNIST", "DataError", "DataLoader", "DataSplits", "Dataset", "Diabetes", "Split", "Standardize"]
