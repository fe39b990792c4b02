"""The engine: nodes, the backward pass as a generator, and checks of both."""

from minigrad.engine.base import TensorBase
from minigrad.engine.errors import AnomalyError, DataChangedError, OperationError
from minigrad.engine.gradients import backward, grad
from minigrad.engine.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.walk import backward_steps
from minigrad.engine.watch import detect_anomaly, detect_changes
from minigrad.gradient_check import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "AnomalyError",
    "DataChangedError",
    "GradcheckError",
    "Node",
    "OperationError",
    "Step",
    "TensorBase",
    "backward",
    "backward_steps",
    "detect_anomaly",
    "detect_changes",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
