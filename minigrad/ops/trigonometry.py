"""More functions of one number: tan, the inverse and the hyperbolic ones, other logarithms, and atan2, of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import floats, number, tensor, tensors
from minigrad.engine.node import Node
from minigrad.kernels import elementwise as kernels
from minigrad.ops.common import T, cast, clone, promoted, shape_of, unbroadcast
from minigrad.ops.elementwise import abs, cos, erf, exp, floating, log, log1p, sin
from minigrad.ops.power import pow, rsqrt, sqrt
from minigrad.ops.rounding import trunc
from minigrad.ops.select import clamp, maximum, where


class Asin(Node):
    """The arc sine. Backward: ``gx = gy / sqrt(1 - x**2)``."""

    def forward(self, x: Any) -> Any:
        self.x = floating(x)
        with np.errstate(invalid="ignore"):
            return np.arcsin(self.x)

    def backward(self, gy: Any) -> Any:
        return gy * rsqrt(1 - self.x * self.x)


class Acos(Node):
    """The arc cosine. Backward: ``gx = -gy / sqrt(1 - x**2)``."""

    def forward(self, x: Any) -> Any:
        self.x = floating(x)
        with np.errstate(invalid="ignore"):
            return np.arccos(self.x)

    def backward(self, gy: Any) -> Any:
        return -gy * rsqrt(1 - self.x * self.x)


class Atan(Node):
    """The arc tangent. Backward: ``gx = gy / (1 + x**2)``."""

    def forward(self, x: Any) -> Any:
        self.x = floating(x)
        return np.arctan(self.x)

    def backward(self, gy: Any) -> Any:
        return gy / (1 + self.x * self.x)


class Atan2(Node):
    """The angle of the point ``(b, a)``. Backward: ``ga = gy * b / (a**2 + b**2)``, ``gb = -gy * a / (...)``."""

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = floating(a), floating(b)
        return np.arctan2(self.a, self.b)

    def backward(self, gy: Any) -> Any:
        a, b = self.a, self.b
        g = gy / (a * a + b * b)
        ga = unbroadcast(g * b, shape_of(a)) if self.wants[0] else None
        gb = unbroadcast(-g * a, shape_of(b)) if self.wants[1] else None
        return ga, gb


class Sinh(Node):
    """The hyperbolic sine. Backward: ``gx = gy * cosh(x)``."""

    def forward(self, x: Any) -> Any:
        self.x = floating(x)
        with np.errstate(over="ignore"):
            return np.sinh(self.x)

    def backward(self, gy: Any) -> Any:
        return gy * Cosh().apply_to(self.x)


class Cosh(Node):
    """The hyperbolic cosine. Backward: ``gx = gy * sinh(x)``."""

    def forward(self, x: Any) -> Any:
        self.x = floating(x)
        with np.errstate(over="ignore"):
            return np.cosh(self.x)

    def backward(self, gy: Any) -> Any:
        return gy * Sinh().apply_to(self.x)


class Erfinv(Node):
    """The inverse of erf. Backward: ``gx = gy * sqrt(pi) / 2 * exp(y**2)``."""

    def forward(self, x: Any) -> Any:
        x = floating(x)
        with np.errstate(all="ignore"):
            # Winitzki's formula is right to some digits, and Newton's method doubles them with each step.
            t = np.log1p(-np.square(x.astype(np.float64)))
            b = 2 / (math.pi * 0.147) + t / 2
            y = np.copysign(np.sqrt(np.sqrt(b * b - t / 0.147) - b), x)
            for _ in range(4):
                y = y - (kernels.erf(np.asarray(y)) - x) * (math.sqrt(math.pi) / 2) * np.exp(y * y)
            y = np.where(np.abs(x) < 1, y, np.where(np.abs(x) == 1, x * np.inf, np.nan))
        self.y = y.astype(x.dtype)
        return self.y

    def backward(self, gy: Any) -> Any:
        return gy * (math.sqrt(math.pi) / 2) * exp(self.y * self.y)


def tan(input: Any) -> Any:
    """The tangent of each element, in radians."""
    return sin(input) / cos(input)


def asin(input: T) -> T:
    """The arc sine; NaN outside of -1 to 1."""
    return Asin().apply_to(input)


def acos(input: T) -> T:
    """The arc cosine; NaN outside of -1 to 1."""
    return Acos().apply_to(input)


def atan(input: T) -> T:
    """The arc tangent."""
    return Atan().apply_to(input)


def atan2(input: Any, other: Any) -> Any:
    """The angle of the point ``(other, input)``, from -pi to pi."""
    return Atan2().apply_to(*promoted(input, other))


def sinh(input: T) -> T:
    """The hyperbolic sine."""
    return Sinh().apply_to(input)


def cosh(input: T) -> T:
    """The hyperbolic cosine."""
    return Cosh().apply_to(input)


def atanh(input: Any) -> Any:
    """The inverse of the hyperbolic tangent."""
    return (log1p(input) - log1p(-input)) * 0.5


def log2(input: Any) -> Any:
    """The logarithm to base 2."""
    return log(input) * (1 / math.log(2))


def log10(input: Any) -> Any:
    """The logarithm to base 10."""
    return log(input) * (1 / math.log(10))


def exp2(input: Any) -> Any:
    """2 to the power of each element."""
    tensor("exp2", "input", input)
    return exp(input * math.log(2))


def erfc(input: Any) -> Any:
    """``1 - erf(input)``."""
    return 1 - erf(input)


def erfinv(input: T) -> T:
    """The inverse of erf: infinite at 1 and -1, NaN beyond."""
    return Erfinv().apply_to(input)


def frac(input: Any) -> Any:
    """The part behind the point, with the sign of the element."""
    floats("frac", "input", input)
    return input - trunc(input)


def fmod(input: Any, other: Any) -> Any:
    """The rest of the division rounded towards 0, with the sign of ``input``."""
    tensor("fmod", "input", input)
    return input - trunc(input / other) * other


def logit(input: Any, eps: float | None = None) -> Any:
    """``log(p / (1 - p))``, the inverse of the sigmoid; with ``eps``, of ``input`` held in ``[eps, 1 - eps]``."""
    p = tensor("logit", "input", input)
    if eps is not None:
        eps = number("logit", "eps", eps)
        p = clamp(p, eps, 1 - eps)
    return log(p / (1 - p))


def logaddexp(input: Any, other: Any) -> Any:
    """``log(exp(input) + exp(other))``, without overflow."""
    tensors("logaddexp", input=input, other=other)
    return maximum(input, other) + log1p(exp(-abs(input - other)))


def hypot(input: Any, other: Any) -> Any:
    """``sqrt(input**2 + other**2)``."""
    tensors("hypot", input=input, other=other)
    return sqrt(input * input + other * other)


def xlogy(input: Any, other: Any) -> Any:
    """``input * log(other)``; 0 where ``input`` is 0."""
    for name, value in (("input", input), ("other", other)):
        if not isinstance(value, (int, float)):
            tensor("xlogy", name, value)
    nothing = input == 0
    return where(nothing, 0.0, input * log(where(nothing, 1.0, other)))


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """The part ``weight`` of the way from ``input`` to ``end``."""
    tensors("lerp", input=input, end=end)
    return input + (end - input) * weight


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """``input + value * tensor1 * tensor2``."""
    tensors("addcmul", input=input, tensor1=tensor1, tensor2=tensor2)
    return input + tensor1 * tensor2 * number("addcmul", "value", value)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """``input + value * tensor1 / tensor2``."""
    tensors("addcdiv", input=input, tensor1=tensor1, tensor2=tensor2)
    return input + tensor1 / tensor2 * number("addcdiv", "value", value)


def deg2rad(input: Any) -> Any:
    """Degrees as radians."""
    tensor("deg2rad", "input", input)
    return input * (math.pi / 180)


def rad2deg(input: Any) -> Any:
    """Radians as degrees."""
    tensor("rad2deg", "input", input)
    return input * (180 / math.pi)


def float_power(input: Any, exponent: Any) -> Any:
    """``input ** exponent`` in float64."""
    return pow(cast(tensor("float_power", "input", input), np.float64), exponent)


def nan_to_num(input: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """``input`` with numbers in place of NaN and the infinities: by default 0, and the largest and smallest float."""
    if tensor("nan_to_num", "input", input).dtype.kind != "f":
        return clone(input)
    limits = np.finfo(input.dtype)
    high = float(limits.max) if posinf is None else number("nan_to_num", "posinf", posinf)
    low = float(limits.min) if neginf is None else number("nan_to_num", "neginf", neginf)
    y = where(input != input, 0.0 if nan is None else number("nan_to_num", "nan", nan), input)
    return where(y == np.inf, high, where(y == -np.inf, low, y))


def clamp_min(input: Any, min: Any) -> Any:
    """``input``, or ``min`` where it is below."""
    return clamp(input, min=min)


def clamp_max(input: Any, max: Any) -> Any:
    """``input``, or ``max`` where it is above."""
    return clamp(input, max=max)
