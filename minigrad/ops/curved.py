"""Activation functions of smooth curves that are put together from others: mish, celu, softsign, tanhshrink, glu."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import flag, number, tensor
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import elementwise as kernels
from minigrad.ops.activation import Hardtanh, softplus
from minigrad.ops.arithmetic import neg
from minigrad.ops.common import T, axis_of, real
from minigrad.ops.elementwise import Exp, abs, sigmoid, tanh
from minigrad.ops.inplace import apply_in_place
from minigrad.ops.join import chunk
from minigrad.ops.select import Where
from minigrad.ops.softmax import softmax


class Mish(Node):
    """``x * t``, ``t = tanh(softplus(x))``. Backward: ``gx = gy * (t + x * (1 - t**2) * sigmoid(x))``."""

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return self.x * np.tanh(kernels.softplus(self.x, 1.0, 20.0))

    def backward(self, gy: Any) -> Any:
        x = self.x
        t = tanh(softplus(x))
        return gy * (t + x * (1 - t * t) * sigmoid(x))


class CELU(Node):
    """``x`` above 0, else ``alpha * (exp(x / alpha) - 1)``. Backward: ``gx = gy``, or ``gy * exp(x / alpha)``."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        below = np.expm1(np.minimum(self.x, 0) / self.alpha) * self.alpha
        return np.where(self.x > 0, self.x, below)

    def backward(self, gy: Any) -> Any:
        below = gy * Exp().apply_to(Hardtanh(-math.inf, 0).apply_to(self.x) / self.alpha)
        return Where().apply_to(array_of(self.x) > 0, gy, below)


def mish(input: T, inplace: bool = False) -> T:
    """``input * tanh(softplus(input))`` (Misra, 2019)."""
    return apply_in_place(Mish(), input) if flag("mish", "inplace", inplace) else Mish().apply_to(input)


def celu(input: T, alpha: float = 1.0, inplace: bool = False) -> T:
    """``input`` above 0, else ``alpha * (exp(input / alpha) - 1)``, whose slope is continuous (Barron, 2017).

    Raises
    ------
    OperationError
        If ``alpha`` is 0.
    """
    alpha = number("celu", "alpha", alpha)
    if alpha == 0:
        raise OperationError("celu: alpha=0 would divide by 0")
    return apply_in_place(CELU(alpha), input) if flag("celu", "inplace", inplace) else CELU(alpha).apply_to(input)


def softsign(input: T) -> T:
    """``input / (1 + |input|)``."""
    x: Any = tensor("softsign", "input", input)
    y: T = x / (1 + abs(x))
    return y


def tanhshrink(input: T) -> T:
    """``input - tanh(input)``."""
    x: Any = tensor("tanhshrink", "input", input)
    y: T = x - tanh(x)
    return y


def glu(input: T, dim: int = -1) -> T:
    """The first half of ``input`` along ``dim``, times the sigmoid of the second (Dauphin et al., 2017).

    Raises
    ------
    OperationError
        If the size along ``dim`` is odd.
    """
    shape = real(tensor("glu", "input", input)).shape
    axis = axis_of(dim, len(shape), "glu")
    if not shape:
        raise OperationError("glu: a tensor without dimensions has no half")
    size = shape[axis]
    if size % 2:
        raise OperationError(f"glu: the size along dim={dim} is halved, so it must be even, not {size}")
    value: Any
    value, gate = chunk(input, 2, dim)
    y: T = value * sigmoid(gate)
    return y


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The softmax of ``-input``."""
    return softmax(neg(tensor("softmin", "input", input)), dim, dtype=dtype)
