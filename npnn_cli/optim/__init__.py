"""Optimizers, learning-rate schedules and gradient clipping, under PyTorch's names."""

from npnn_cli.optim.adagrad import *
from npnn_cli.optim.adam import *
from npnn_cli.optim.clip_grad import clip_grad_norm_ as clip_grad_norm_
from npnn_cli.optim.clip_grad import clip_grad_value_ as clip_grad_value_
from npnn_cli.optim.lr_scheduler import *
from npnn_cli.optim.optimizer import Optimizer as Optimizer
from npnn_cli.optim.rmsprop import *
from npnn_cli.optim.sgd import *
