"""Activation functions: relu and its smooth and leaky kin. sigmoid and tanh are in ``elementwise.py``.

In an ordinary pass a kernel does forward or backward in one go over the data. When a graph of the
gradient is built, the same derivative is put together from differentiable pieces.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import choice, flag, number
from minigrad.engine.base import array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import elementwise as kernels
from minigrad.ops.common import T, is_array, real
from minigrad.ops.elementwise import Erf, Exp, Sigmoid, Tanh
from minigrad.ops.inplace import apply_in_place
from minigrad.ops.select import Where, masked

#: The constants with which activations keep mean 0 and variance 1 (Klambauer et al., 2017).
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _numbers(x: Any) -> Any:
    """What isn't of booleans."""
    if x.dtype.kind == "b":
        raise TypeError("needs numbers, not booleans: convert them with .float()")
    return x


class ReLU(Node):
    """``max(x, 0)``. Backward: ``gx = gy`` where ``y > 0``, else 0."""

    def forward(self, x: Any) -> Any:
        y = self.y = kernels.relu(x) if x.dtype.kind == "f" else np.maximum(_numbers(x), 0)
        return y

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.relu_backward(gy, self.y)
        return masked(gy, ~(array_of(self.y) <= 0))


class LeakyReLU(Node):
    """``x`` where it is above 0, else ``slope * x``. Backward: ``gx = gy``, or ``slope * gy``."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return kernels.leaky_relu(x, self.slope)

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.leaky_relu_backward(gy, self.x, self.slope)
        return Where().apply_to(array_of(self.x) > 0, gy, gy * self.slope)


class ELU(Node):
    """``x`` above 0, else ``alpha * (exp(x) - 1)``. Backward: ``gx = gy``, or ``gy * alpha * exp(x)``."""

    def __init__(self, alpha: float, scale: float = 1.0) -> None:
        self.alpha, self.scale = alpha, scale

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        y = kernels.elu(x, self.alpha)
        return y if self.scale == 1 else y * self.scale

    def backward(self, gy: Any) -> Any:
        if self.scale != 1:
            gy = gy * self.scale
        if is_array(gy):
            return kernels.elu_backward(gy, self.x, self.alpha)
        below = gy * (self.alpha * Exp().apply_to(Hardtanh(-math.inf, 0).apply_to(self.x)))
        return Where().apply_to(array_of(self.x) > 0, gy, below)


class SELU(ELU):
    """ELU with the two constants of self-normalising networks, alpha and a scale. Backward: ELU's, scaled."""

    def __init__(self) -> None:
        super().__init__(SELU_ALPHA, SELU_SCALE)


class GELU(Node):
    """``x * P(x)``, P the normal distribution. Backward: ``gx = gy * (P(x) + x * p(x))``, p its density."""

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return kernels.gelu(x)

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.gelu_backward(gy, self.x)
        distribution = 0.5 * (1 + Erf().apply_to(self.x * math.sqrt(0.5)))
        density = Exp().apply_to(-0.5 * (self.x * self.x)) * (1 / math.sqrt(2 * math.pi))
        return gy * (distribution + self.x * density)


class GELUTanh(Node):
    """``x * (1 + t) / 2``, ``t = tanh(u)``, ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``.

    Backward: ``gx = gy * ((1 + t) + x * (1 - t**2) * du/dx) / 2``.
    """

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return kernels.gelu_tanh(x)

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.gelu_tanh_backward(gy, self.x)
        x, c = self.x, math.sqrt(2 / math.pi)
        square = x * x
        t = Tanh().apply_to(c * x * (1 + 0.044715 * square))
        slope = c * (1 + 3 * 0.044715 * square)
        return gy * (0.5 * ((1 + t) + x * (1 - t * t) * slope))


class SiLU(Node):
    """``x * s``, ``s = sigmoid(x)``. Backward: ``gx = gy * s * (1 + x * (1 - s))``."""

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return kernels.silu(x)

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.silu_backward(gy, self.x)
        s = Sigmoid().apply_to(self.x)
        return gy * (s * (1 + self.x * (1 - s)))


class Softplus(Node):
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``.

    Backward: ``gx = gy * sigmoid(beta * x)``, or ``gy``.
    """

    def __init__(self, beta: float, threshold: float) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return kernels.softplus(x, self.beta, self.threshold)

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.softplus_backward(gy, self.x, self.beta, self.threshold)
        z = self.x * self.beta
        return Where().apply_to(array_of(z) > self.threshold, gy, gy * Sigmoid().apply_to(z))


class LogSigmoid(Node):
    """``-log(1 + exp(-x))``. Backward: ``gx = gy * sigmoid(-x)``."""

    def forward(self, x: Any) -> Any:
        self.x = real(x)
        return -kernels.softplus(-x, 1.0, math.inf)

    def backward(self, gy: Any) -> Any:
        return gy * Sigmoid().apply_to(-self.x)


class Hardtanh(Node):
    """``x`` held between two bounds. Backward: ``gx = gy`` strictly between them, else 0."""

    def __init__(self, low: float, high: float) -> None:
        if low > high:
            raise OperationError(f"hardtanh: min_val={low} is above max_val={high}")
        self.low, self.high = low, high

    def forward(self, x: Any) -> Any:
        self.x = _numbers(x)
        low, high = np.asarray((self.low, self.high)).astype(x.dtype)
        return x.clip(low, high)

    def backward(self, gy: Any) -> Any:
        x = array_of(self.x)
        return masked(gy, (x > self.low) & (x < self.high))


def relu(input: T, inplace: bool = False) -> T:
    """``max(input, 0)``, the rectifier."""
    if inplace is not False and flag("relu", "inplace", inplace):
        return apply_in_place(ReLU(), input)
    return ReLU().apply_to(input)


def leaky_relu(input: T, negative_slope: float = 0.01, inplace: bool = False) -> T:
    """``input`` where it is above 0, else ``negative_slope * input``."""
    negative_slope = number("leaky_relu", "negative_slope", negative_slope)
    if flag("leaky_relu", "inplace", inplace):
        return apply_in_place(LeakyReLU(negative_slope), input)
    return LeakyReLU(negative_slope).apply_to(input)


def elu(input: T, alpha: float = 1.0, inplace: bool = False) -> T:
    """``input`` where it is above 0, else ``alpha * (exp(input) - 1)`` (Clevert et al., 2016)."""
    alpha = number("elu", "alpha", alpha)
    if flag("elu", "inplace", inplace):
        return apply_in_place(ELU(alpha), input)
    return ELU(alpha).apply_to(input)


def selu(input: T, inplace: bool = False) -> T:
    """``elu`` with the two constants of self-normalising networks (Klambauer et al., 2017)."""
    if flag("selu", "inplace", inplace):
        return apply_in_place(SELU(), input)
    return SELU().apply_to(input)


def gelu(input: T, approximate: str = "none") -> T:
    """``input`` times the probability that a normal variable is below it (Hendrycks and Gimpel, 2016).

    Parameters
    ----------
    approximate
        ``"none"``, or ``"tanh"`` for the approximation that GPT-2 uses.
    """
    exact = choice("gelu", "approximate", approximate, ("none", "tanh")) == "none"
    return (GELU() if exact else GELUTanh()).apply_to(input)


def silu(input: T, inplace: bool = False) -> T:
    """``input * sigmoid(input)``, also called swish (Elfwing et al., 2018)."""
    if flag("silu", "inplace", inplace):
        return apply_in_place(SiLU(), input)
    return SiLU().apply_to(input)


def softplus(input: T, beta: float = 1, threshold: float = 20) -> T:
    """``log(1 + exp(beta * input)) / beta``, a smooth relu; ``input`` where ``beta * input > threshold``."""
    beta, threshold = number("softplus", "beta", beta), number("softplus", "threshold", threshold)
    return Softplus(beta, threshold).apply_to(input)


def logsigmoid(input: T) -> T:
    """``log(sigmoid(input))``, without its loss of precision."""
    return LogSigmoid().apply_to(input)


def hardtanh(input: T, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> T:
    """``input`` held between two bounds. At the bounds its gradient is 0; that of ``clamp`` isn't."""
    min_val, max_val = number("hardtanh", "min_val", min_val), number("hardtanh", "max_val", max_val)
    if flag("hardtanh", "inplace", inplace):
        return apply_in_place(Hardtanh(min_val, max_val), input)
    return Hardtanh(min_val, max_val).apply_to(input)


def relu6(input: T, inplace: bool = False) -> T:
    """``input`` held between 0 and 6."""
    if flag("relu6", "inplace", inplace):
        return apply_in_place(Hardtanh(0, 6), input)
    return Hardtanh(0, 6).apply_to(input)
