"""The engine: nodes, the backward pass as a generator, writes in place, and what watches them."""

from minigrad.engine.base import TensorBase
from minigrad.engine.errors import DataChangedError, OperationError
from minigrad.engine.gradients import grad
from minigrad.engine.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.walk import backward_steps
from minigrad.engine.watch import Watcher

__all__ = [
    "DataChangedError",
    "Node",
    "OperationError",
    "Step",
    "TensorBase",
    "Watcher",
    "backward_steps",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
