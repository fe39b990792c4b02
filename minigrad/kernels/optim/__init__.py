"""One step of an optimiser on one parameter."""

from minigrad.kernels.optim.adaptive import adam, rmsprop
from minigrad.kernels.optim.descent import sgd

__all__ = ["adam", "rmsprop", "sgd"]
