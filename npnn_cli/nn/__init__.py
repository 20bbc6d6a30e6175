"""Modules, layers, losses and initial weights, under PyTorch's names.

Each file lists in ``__all__`` what it offers, and all of it is offered here: a new layer is written in one file.
"""

from npnn_cli.nn import init as init
from npnn_cli.nn.activation import *
from npnn_cli.nn.batchnorm import *
from npnn_cli.nn.container import *
from npnn_cli.nn.conv import *
from npnn_cli.nn.dropout import *
from npnn_cli.nn.flatten import *
from npnn_cli.nn.linear import *
from npnn_cli.nn.loss import *
from npnn_cli.nn.module import Buffer as Buffer
from npnn_cli.nn.module import Module as Module
from npnn_cli.nn.module import Parameter as Parameter
from npnn_cli.nn.normalization import *
from npnn_cli.nn.pooling import *
