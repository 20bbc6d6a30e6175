"""Reverse-mode automatic differentiation: the Tensor, the walk over the graph, and the ops."""

from npnn_cli.autograd.dispatch import apply, lift
from npnn_cli.autograd.dtypes import get_default_dtype, set_default_dtype
from npnn_cli.autograd.graph import is_grad_enabled, no_grad
from npnn_cli.autograd.tensor import Tensor

__all__ = ["Tensor", "apply", "get_default_dtype", "is_grad_enabled", "lift", "no_grad", "set_default_dtype"]
