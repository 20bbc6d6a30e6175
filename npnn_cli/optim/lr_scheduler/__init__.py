"""Learning-rate schedules: the learning rate as a function of how far the training has come, or of how well it goes.

See https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate.
"""

from npnn_cli.optim.lr_scheduler.annealing import CosineAnnealingLR, CosineAnnealingWarmRestarts, OneCycleLR
from npnn_cli.optim.lr_scheduler.decay import ExponentialLR, LambdaLR, LinearLR, MultiStepLR, StepLR
from npnn_cli.optim.lr_scheduler.plateau import ReduceLROnPlateau
from npnn_cli.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler
from npnn_cli.optim.lr_scheduler.scheduler import Schedule as Schedule
from npnn_cli.optim.lr_scheduler.sequence import SequentialLR

__all__ = [
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
