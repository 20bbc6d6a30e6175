"""npnn: neural networks from first principles in NumPy, trained from a YAML spec, every gradient proved.

The public names are loaded when they are first used, so that ``npnn --help`` need not wait for NumPy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npnn_cli import functional, nn, optim
    from npnn_cli.autograd import (
        Tensor,
        get_default_dtype,
        get_num_threads,
        no_grad,
        set_default_dtype,
        set_num_threads,
    )
    from npnn_cli.data import DataLoader
    from npnn_cli.training.early_stopping import EarlyStopping

__version__ = "0.1.0"

__all__ = [
    "DataLoader",
    "EarlyStopping",
    "Tensor",
    "functional",
    "get_default_dtype",
    "get_num_threads",
    "nn",
    "no_grad",
    "optim",
    "set_default_dtype",
    "set_num_threads",
]

_HOME = {
    "DataLoader": "npnn_cli.data",
    "EarlyStopping": "npnn_cli.training.early_stopping",
    "Tensor": "npnn_cli.autograd",
    "get_default_dtype": "npnn_cli.autograd",
    "get_num_threads": "npnn_cli.autograd",
    "no_grad": "npnn_cli.autograd",
    "set_default_dtype": "npnn_cli.autograd",
    "set_num_threads": "npnn_cli.autograd",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in __all__:
        return importlib.import_module(f"npnn_cli.{name}")
    raise AttributeError(f"module 'npnn_cli' has no attribute '{name}'")
