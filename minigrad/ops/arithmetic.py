"""Arithmetic with broadcasting: add, sub, mul, div, neg, pow."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import choice, number, tensor
from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.ops.common import T, promoted, shape_of, unbroadcast, unbroadcast_for
from minigrad.ops.elementwise import ZerosLike


class Add(Node):
    """``a + b``. Backward: ``ga = gy``, ``gb = gy``, each summed over broadcast axes."""

    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def backward(self, gy: Any) -> Any:
        a, b = self.inputs
        return unbroadcast_for(a, gy), unbroadcast_for(b, gy)


class Sub(Node):
    """``a - b``. Backward: ``ga = gy``, ``gb = -gy``, each summed over broadcast axes."""

    def forward(self, a: Any, b: Any) -> Any:
        return a - b

    def backward(self, gy: Any) -> Any:
        a, b = self.inputs
        return unbroadcast_for(a, gy), -unbroadcast_for(b, gy) if self.wants[1] else None


class Mul(Node):
    """``a * b``. Backward: ``ga = gy * b``, ``gb = gy * a``, each summed over broadcast axes."""

    reads = {"a": ("b",), "b": ("a",)}

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        return a * b

    def backward(self, gy: Any) -> Any:
        ga = unbroadcast(gy * self.b, self.a.shape) if self.wants[0] else None
        gb = unbroadcast(gy * self.a, self.b.shape) if self.wants[1] else None
        return ga, gb


class Div(Node):
    """``a / b``. Backward: ``ga = gy / b``, ``gb = -gy * a / b**2``, each summed over broadcast axes."""

    reads = {"a": ("b",), "b": ("a", "b")}

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # x / 0 is quietly inf or NaN
            return np.true_divide(a, b)

    def backward(self, gy: Any) -> Any:
        ga = gy / self.b
        gb = unbroadcast(-ga * (self.a / self.b), self.b.shape) if self.wants[1] else None
        return unbroadcast(ga, self.a.shape) if self.wants[0] else None, gb


class Neg(Node):
    """``-x``. Backward: ``gx = -gy``."""

    def forward(self, x: Any) -> Any:
        return -x

    def backward(self, gy: Any) -> Any:
        return -gy


class RoundedDiv(Node):
    """``a / b`` rounded down (``floor``) or towards zero (``trunc``). Backward: 0, it is flat between steps."""

    def __init__(self, rounding_mode: str) -> None:
        self.rounding_mode = choice("div", "rounding_mode", rounding_mode, (None, "floor", "trunc"))

    def forward(self, a: Any, b: Any) -> Any:
        check_divisor(a, b)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.rounding_mode == "floor":
                return np.floor_divide(a, b)
            return np.trunc(np.true_divide(a, b)).astype(np.result_type(a, b))

    def backward(self, gy: Any) -> Any:
        flat = ZerosLike().apply_to(gy)
        return tuple(
            unbroadcast(flat, shape_of(x)) if wanted else None
            for x, wanted in zip(self.inputs, self.wants, strict=True)
        )


def check_divisor(a: Any, b: Any) -> None:
    """Refuse what integers have no quotient for.

    Raises
    ------
    TypeError
        If both are booleans, or one is complex.
    ZeroDivisionError
        If an integer is divided by 0.
    """
    kinds = np.asarray(a).dtype.kind, np.asarray(b).dtype.kind
    if kinds == ("b", "b"):
        raise TypeError("booleans can't be divided: convert them with .int() or .float()")
    if "c" in kinds:
        raise TypeError("complex numbers have no remainder")
    if "f" not in kinds and not np.all(b):
        raise ZeroDivisionError("an integer is divided by 0")


def _not_booleans(input: Any, other: Any) -> None:
    for x in (input, other):
        if isinstance(x, TensorBase) and x.array.dtype.kind == "b":
            raise TypeError(
                "subtraction, the - operator, with a bool tensor is not supported: to invert a mask, use ~ or "
                "logical_not(); to count, convert it with .int()"
            )


def _times(operation: str, other: Any, alpha: float) -> Any:
    number(operation, "alpha", alpha)  # (an integer stays one)
    return mul(other, alpha)


def add(input: T, other: Any, *, alpha: float = 1) -> T:
    """``input + alpha * other``, with broadcasting and PyTorch's type promotion."""
    if type(alpha) is not int or alpha != 1:
        other = _times("add", other, alpha)
    a, b = promoted(input, other)
    return Add().apply_to(a, b)


def sub(input: T, other: Any, *, alpha: float = 1) -> T:
    """``input - alpha * other``, with broadcasting and PyTorch's type promotion."""
    _not_booleans(input, other)
    if type(alpha) is not int or alpha != 1:
        other = _times("sub", other, alpha)
    a, b = promoted(input, other)
    return Sub().apply_to(a, b)


def mul(input: T, other: Any) -> T:
    """``input * other``, with broadcasting and PyTorch's type promotion."""
    a, b = promoted(input, other)
    return Mul().apply_to(a, b)


def div(input: T, other: Any, *, rounding_mode: str | None = None) -> T:
    """``input / other``, with broadcasting and PyTorch's type promotion.

    Parameters
    ----------
    rounding_mode
        None for true division; ``"floor"`` or ``"trunc"`` to round the quotient (its gradient is 0).
    """
    if rounding_mode is not None:
        return RoundedDiv(rounding_mode).apply_to(*promoted(input, other))
    a, b = promoted(input, other, true_division=True)
    return Div().apply_to(a, b)


def neg(input: T) -> T:
    """``-input``."""
    return Neg().apply_to(tensor("neg", "input", input))
