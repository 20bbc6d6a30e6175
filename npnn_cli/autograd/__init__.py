"""Reverse-mode automatic differentiation: the Tensor, the walk over the graph, and the ops."""

from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.dtypes import get_default_dtype, set_default_dtype
from npnn_cli.autograd.graph import is_grad_enabled, no_grad
from npnn_cli.autograd.tensor import Tensor
from npnn_cli.autograd.threads import get_num_threads, set_num_threads

__all__ = ["Tensor", "apply", "get_default_dtype", "get_num_threads", "is_grad_enabled", "lift", "no_grad"]
__all__ += ["set_default_dtype", "set_num_threads"]
