"""How large the first weights are: what a nonlinearity takes away, and over how many inputs a sum goes."""

from __future__ import annotations

import math

from minigrad.arguments import choice, number
from minigrad.arguments import tensor as tensor_of
from minigrad.engine.errors import OperationError
from minigrad.tensors.tensor import Tensor

_GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"), 1.0),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the scale of a signal through a nonlinearity.

    Parameters
    ----------
    nonlinearity
        The name of its function in ``nn.functional``, or ``"linear"``.
    param
        The negative slope of ``"leaky_relu"``, 0.01 by default: the gain is ``sqrt(2 / (1 + slope**2))``.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> from minigrad.nn import init
    >>> round(init.calculate_gain("relu") ** 2, 6)
    2.0
    """
    if isinstance(nonlinearity, str) and nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else number("calculate_gain", "param", param)
        return math.sqrt(2.0 / (1 + slope**2))
    gain: float = _GAINS[choice("calculate_gain", "nonlinearity", nonlinearity, (*_GAINS, "leaky_relu"))]
    return gain


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output of this weight has, and how many outputs an input has.

    Raises
    ------
    OperationError
        For a tensor of fewer than two dimensions.
    """
    if tensor_of("fans", "tensor", tensor, arrays=False).ndim < 2:
        raise OperationError(
            f"a tensor of shape {tensor.shape} has no fan in and fan out: this initialiser is for weights of "
            "two or more dimensions; for a bias take init.zeros_ or init.uniform_"
        )
    places = math.prod(tensor.shape[2:])
    return tensor.shape[1] * places, tensor.shape[0] * places


def fan(tensor: Tensor, mode: str) -> int:
    """The one of both that ``mode`` names."""
    return fans(tensor)[choice("init", "mode", mode, ("fan_in", "fan_out")) == "fan_out"]


def xavier_std(name: str, tensor: Tensor, gain: float) -> float:
    """``gain * sqrt(2 / (fan_in + fan_out))``; for an empty weight no matter what."""
    return number(name, "gain", gain) * math.sqrt(2.0 / (sum(fans(tensor)) or 1))
