"""Every op under PyTorch's name and signature, on tensors.

The primitives, with derivatives of their own, come from :mod:`npnn_cli.autograd.ops`; what can be made of them in a few
lines is made so here, and needs no derivative. Each file lists in ``__all__`` what it offers.
See https://pytorch.org/docs/stable/nn.functional.html.
"""

from npnn_cli.functional.activations import *
from npnn_cli.functional.convolution import *
from npnn_cli.functional.elementwise import *
from npnn_cli.functional.indexing import *
from npnn_cli.functional.linear_algebra import *
from npnn_cli.functional.losses import *
from npnn_cli.functional.normalization import *
from npnn_cli.functional.pooling import *
from npnn_cli.functional.reductions import *
from npnn_cli.functional.regression_losses import *
from npnn_cli.functional.regularization import *
from npnn_cli.functional.shapes import *
