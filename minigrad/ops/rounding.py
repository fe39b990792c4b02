"""Rounding, and what isn't a number: floor, ceil, round, trunc, remainder, isnan, isinf, isfinite.

What rounds is flat between its steps, so its gradient is 0 there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import integer, tensor
from minigrad.engine.node import Node
from minigrad.ops.arithmetic import RoundedDiv, check_divisor
from minigrad.ops.common import T, promoted, shape_of, unbroadcast
from minigrad.ops.elementwise import ZerosLike
from minigrad.ops.select import Predicate


class Rounding(Node):
    """NumPy's ``floor``, ``ceil``, ``rint`` or ``trunc``. Backward: 0, it is flat between steps."""

    def __init__(self, function: Any, decimals: int = 0) -> None:
        self.function = function
        self.decimals = decimals

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "b":
            raise TypeError("booleans can't be rounded")
        if x.dtype.kind != "f":
            return x.copy()
        if self.decimals:
            unit = 10.0 ** abs(self.decimals)
            return self.function(x * unit) / unit if self.decimals > 0 else self.function(x / unit) * unit
        return self.function(x)

    def backward(self, gy: Any) -> Any:
        return ZerosLike().apply_to(gy)


class Remainder(Node):
    """``a - b * floor(a / b)``. Backward: ``ga = gy``, ``gb = -gy * floor(a / b)``."""

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        check_divisor(a, b)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.remainder(a, b)

    def backward(self, gy: Any) -> Any:
        ga = unbroadcast(gy, shape_of(self.a)) if self.wants[0] else None
        if not self.wants[1]:
            return ga, None
        return ga, unbroadcast(-gy * RoundedDiv("floor").apply_to(self.a, self.b), shape_of(self.b))


def floor(input: T) -> T:
    """The largest integer that isn't above the element."""
    return Rounding(np.floor).apply_to(tensor("floor", "input", input))


def ceil(input: T) -> T:
    """The smallest integer that isn't below the element."""
    return Rounding(np.ceil).apply_to(tensor("ceil", "input", input))


def trunc(input: T) -> T:
    """The element without its fraction: rounded towards 0."""
    return Rounding(np.trunc).apply_to(tensor("trunc", "input", input))


def round(input: T, *, decimals: int = 0) -> T:
    """The nearest integer; halves go to the even one.

    Parameters
    ----------
    decimals
        Digits to keep after the point; before it, where negative.
    """
    return Rounding(np.rint, integer("round", "decimals", decimals)).apply_to(tensor("round", "input", input))


def remainder(input: T, other: Any) -> T:
    """``input`` modulo ``other``, with the sign of ``other``, as Python's ``%``."""
    return Remainder().apply_to(*promoted(input, other))


def floor_divide(input: T, other: Any) -> T:
    """``input / other`` rounded down, as Python's ``//``."""
    return RoundedDiv("floor").apply_to(*promoted(input, other))


def isnan(input: Any) -> Any:
    """Whether the element is NaN."""
    return Predicate(np.isnan).apply_to(tensor("isnan", "input", input))


def isinf(input: Any) -> Any:
    """Whether the element is plus or minus infinity."""
    return Predicate(np.isinf).apply_to(tensor("isinf", "input", input))


def isfinite(input: Any) -> Any:
    """Whether the element is neither infinite nor NaN."""
    return Predicate(np.isfinite).apply_to(tensor("isfinite", "input", input))
