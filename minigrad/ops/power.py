"""Powers: ``x ** 3``, ``x ** y``, ``2 ** x``, and those with names: square, sqrt, rsqrt, reciprocal."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import array_of
from minigrad.engine.node import Node
from minigrad.ops.common import T, promoted, shape_of, unbroadcast
from minigrad.ops.elementwise import Log, ZerosLike, floating
from minigrad.ops.select import masked


class Sqrt(Node):
    """The square root. Backward: ``gx = gy / (2 * y)``."""

    def forward(self, x: Any) -> Any:
        with np.errstate(invalid="ignore"):
            self.y = np.sqrt(floating(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        return gy / (2 * self.y)


class Rsqrt(Node):
    """``1 / sqrt(x)``. Backward: ``gx = -gy / 2 * y**3``."""

    def forward(self, x: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            self.y = 1 / np.sqrt(floating(x))
        return self.y

    def backward(self, gy: Any) -> Any:
        return gy * -0.5 * (self.y * self.y * self.y)


class Reciprocal(Node):
    """``1 / x``. Backward: ``gx = -gy * y**2``."""

    def forward(self, x: Any) -> Any:
        with np.errstate(divide="ignore"):
            self.y = 1 / floating(x)
        return self.y

    def backward(self, gy: Any) -> Any:
        return -gy * (self.y * self.y)


#: Powers that NumPy has faster and exacter functions for.
_ROOTS: dict[float, Any] = {0.5: np.sqrt, -0.5: lambda x: 1 / np.sqrt(x), -1: lambda x: 1 / x}


class PowConstant(Node):
    """``x ** exponent``, the exponent a number. Backward: ``gx = gy * exponent * x**(exponent - 1)``."""

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent

    def forward(self, x: Any) -> Any:
        self.x = x
        p = self.exponent
        with np.errstate(all="ignore"):
            if p == 2:
                return x * x
            if p == 3:
                return x * x * x
            if x.dtype.kind == "f" and p in _ROOTS:
                return _ROOTS[p](x)
            return np.power(x, p)

    def backward(self, gy: Any) -> Any:
        p = self.exponent
        if p == 0:
            return ZerosLike().apply_to(gy)  # also at x = 0, where the formula gives 0 * inf
        if p == 2:
            return gy * (2 * self.x)
        return gy * (p * PowConstant(p - 1).apply_to(self.x))


class Square(PowConstant):
    """``x * x``. Backward: ``gx = gy * 2 * x``."""

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Any) -> Any:
        return super().forward(x.astype(np.int64) if x.dtype.kind == "b" else x)


class Pow(Node):
    """``a ** b``. Backward: ``ga = gy * b * a**(b - 1)``, ``gb = gy * y * log(a)``, summed where broadcast.

    As in PyTorch, ``ga`` is 0 where ``b`` is 0, and ``gb`` is 0 where ``a`` is 0 and ``b`` isn't negative.
    """

    reads = {"a": ("a", "b"), "b": ("a", "y")}

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        with np.errstate(all="ignore"):
            if a.dtype.kind == "i" and np.any(b < 0):  # rounded to 0, as in PyTorch, but for 1 and -1
                return np.where(b < 0, np.where(np.abs(a) == 1, a ** (b % 2), 0), a ** np.maximum(b, 0))
            self.y = np.power(a, b)
        return self.y

    def backward(self, gy: Any) -> Any:
        a, b = self.a, self.b
        ga = gb = None
        if self.wants[0]:
            flat = array_of(b) == 0
            ga = unbroadcast(masked(gy * (b * Pow().apply_to(a, b - 1)), ~flat), shape_of(a))
        if self.wants[1]:
            flat = (array_of(a) == 0) & (array_of(b) >= 0)
            gb = unbroadcast(masked(gy * (self.y * Log().apply_to(a)), ~flat), shape_of(b))
        return ga, gb


def pow(input: Any, exponent: Any) -> Any:
    """``input ** exponent``; either may be a number.

    Raises
    ------
    OperationError
        For an integer tensor with a negative integer exponent: the result would be no integer.
    """
    base, power = promoted(input, exponent)
    if getattr(exponent, "dtype", None) is None:
        return PowConstant(exponent).apply_to(base)
    if isinstance(base, complex):
        raise TypeError("unsupported operand: a complex number to the power of a tensor")
    if getattr(base, "dtype", None) is None:
        base = np.asarray(base, dtype=power.dtype)
    return Pow().apply_to(base, power)


def sqrt(input: T) -> T:
    """The square root; NaN below 0. Its gradient at 0 is infinite."""
    return Sqrt().apply_to(input)


def rsqrt(input: T) -> T:
    """The reciprocal of the square root."""
    return Rsqrt().apply_to(input)


def reciprocal(input: T) -> T:
    """``1 / input``."""
    return Reciprocal().apply_to(input)


def square(input: T) -> T:
    """``input * input``."""
    return Square().apply_to(input)
