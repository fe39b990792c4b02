"""Functions of one number, applied to every element: exp, log, sin, tanh, sigmoid, erf and their kin.

A function of one number has a one-number derivative, so each rule here is one product. Where the
derivative is simple in terms of the output (``exp``, ``tanh``), the rule keeps the output.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import tensor
from minigrad.engine.node import Node
from minigrad.kernels import elementwise as kernels
from minigrad.ops.common import T, get_default_dtype, is_array
from minigrad.ops.select import masked


def floating(x: Any) -> Any:
    """An array of floats: integers and booleans take the default dtype, as in PyTorch."""
    return x if x.dtype.kind in "fc" else x.astype(get_default_dtype())


class Exp(Node):
    """``exp(x)``. Backward: ``gx = gy * y``; exp is its own derivative."""

    def forward(self, x: Any) -> Any:
        with np.errstate(over="ignore"):
            self.y = np.exp(floating(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        return gy * self.y


class Expm1(Node):
    """``exp(x) - 1``, exact near 0. Backward: ``gx = gy * (y + 1)``."""

    def forward(self, x: Any) -> Any:
        with np.errstate(over="ignore"):
            self.y = np.expm1(floating(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        return gy * (self.y + 1)


class Log(Node):
    """``log(x)``, the natural one. Backward: ``gx = gy / x``."""

    def forward(self, x: Any) -> Any:
        self.x = x
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(floating(x))

    def backward(self, gy: Any) -> Any:
        return gy / self.x


class Log1p(Node):
    """``log(1 + x)``, exact near 0. Backward: ``gx = gy / (x + 1)``."""

    def forward(self, x: Any) -> Any:
        self.x = x
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log1p(floating(x))

    def backward(self, gy: Any) -> Any:
        return gy / (self.x + 1)


class Sin(Node):
    """The sine. Backward: ``gx = gy * cos(x)``."""

    def forward(self, x: Any) -> Any:
        self.x = x
        with np.errstate(invalid="ignore"):
            return np.sin(floating(x))

    def backward(self, gy: Any) -> Any:
        return gy * Cos().apply_to(self.x)


class Cos(Node):
    """The cosine. Backward: ``gx = -gy * sin(x)``."""

    def forward(self, x: Any) -> Any:
        self.x = x
        with np.errstate(invalid="ignore"):
            return np.cos(floating(x))

    def backward(self, gy: Any) -> Any:
        return -gy * Sin().apply_to(self.x)


class Tanh(Node):
    """The hyperbolic tangent. Backward: ``gx = gy * (1 - y**2)``."""

    def forward(self, x: Any) -> Any:
        self.y = np.tanh(floating(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.tanh_backward(gy, self.y)
        return gy * (1 - self.y * self.y)


class Sigmoid(Node):
    """``1 / (1 + exp(-x))``. Backward: ``gx = gy * y * (1 - y)``."""

    def forward(self, x: Any) -> Any:
        self.y = kernels.sigmoid(floating(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            return kernels.sigmoid_backward(gy, self.y)
        return gy * (self.y * (1 - self.y))


class Erf(Node):
    """The error function. Backward: ``gx = gy * 2 / sqrt(pi) * exp(-x**2)``."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return kernels.erf(floating(x))

    def backward(self, gy: Any) -> Any:
        return gy * (2 / math.sqrt(math.pi) * Exp().apply_to(-(self.x * self.x)))


class Abs(Node):
    """The absolute value. Backward: ``gx = gy * sign(x)``; at 0 that is 0, as in PyTorch."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return np.abs(x)

    def backward(self, gy: Any) -> Any:
        return gy * Sign().apply_to(self.x)


class Sign(Node):
    """-1, 0 or 1. Backward: 0, it is flat on both sides."""

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "b":
            return x.copy()
        y = np.sign(x)
        return masked(y, y == y) if x.dtype.kind == "f" else y  # 0 for NaN, as in PyTorch

    def backward(self, gy: Any) -> Any:
        return ZerosLike().apply_to(gy)


class ZerosLike(Node):
    """Zeros of the shape of ``x``: the gradient of whatever is flat. Backward: zeros again."""

    def forward(self, x: Any) -> Any:
        return np.zeros_like(x)

    def backward(self, gy: Any) -> Any:
        return ZerosLike().apply_to(gy)


def exp(input: T) -> T:
    """``e`` to the power of each element."""
    return Exp().apply_to(input)


def expm1(input: T) -> T:
    """``exp(input) - 1``, exact for small elements."""
    return Expm1().apply_to(input)


def log(input: T) -> T:
    """The natural logarithm; ``-inf`` at 0 and NaN below."""
    return Log().apply_to(input)


def log1p(input: T) -> T:
    """``log(1 + input)``, exact for small elements."""
    return Log1p().apply_to(input)


def sin(input: T) -> T:
    """The sine of each element, in radians."""
    return Sin().apply_to(input)


def cos(input: T) -> T:
    """The cosine of each element, in radians."""
    return Cos().apply_to(input)


def tanh(input: T) -> T:
    """The hyperbolic tangent."""
    return Tanh().apply_to(input)


def sigmoid(input: T) -> T:
    """The logistic function, ``1 / (1 + exp(-input))``, which never overflows."""
    return Sigmoid().apply_to(input)


def erf(input: T) -> T:
    """The error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``input``."""
    return Erf().apply_to(input)


def abs(input: T) -> T:
    """The absolute value."""
    return Abs().apply_to(tensor("abs", "input", input))


def sign(input: T) -> T:
    """-1, 0 or 1, by the sign of each element."""
    return Sign().apply_to(input)
