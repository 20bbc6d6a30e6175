"""Modules, layers, losses and initial weights, under PyTorch's names.

Each file lists in ``__all__`` what it offers, and all of it is offered here. A file that is not named below is found
all the same: a new layer is written in one file.
"""

import importlib
import pkgutil
import sys
from typing import Any

from npnn_cli.nn import init as init
from npnn_cli.nn.module import Module as Module
from npnn_cli.nn.parameter import Buffer as Buffer
from npnn_cli.nn.parameter import Parameter as Parameter

# What the files below may already import from here stands above them.
# isort: split
from npnn_cli.nn.activation import *
from npnn_cli.nn.batchnorm import *
from npnn_cli.nn.container import *
from npnn_cli.nn.conv import *
from npnn_cli.nn.dropout import *
from npnn_cli.nn.embedding import *
from npnn_cli.nn.flatten import *
from npnn_cli.nn.identity import *
from npnn_cli.nn.linear import *
from npnn_cli.nn.loss import *
from npnn_cli.nn.normalization import *
from npnn_cli.nn.padding import *
from npnn_cli.nn.pooling import *
from npnn_cli.registry import layers, losses

for _file in pkgutil.iter_modules(sys.modules[__name__].__path__):
    importlib.import_module(f"{__name__}.{_file.name}")


def __getattr__(name: str) -> Any:
    """A layer or loss of a file that is not named above."""
    for kind in (layers, losses):
        if name in kind:
            return kind[name].component
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
