"""Comparisons and logic: their results are booleans (or integers), which have no gradient and no graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.node import Node
from minigrad.ops.common import promoted


class Compare(Node):
    """A comparison, a logical or a bitwise operation, given as NumPy's function of the same name."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def forward(self, a: Any, b: Any) -> Any:
        return self.function(a, b)


class Test(Node):
    """A yes-or-no question to each element, given as NumPy's function of the same name."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


def eq(input: Any, other: Any) -> Any:
    """``input == other``, element by element."""
    return Compare(np.equal)(*promoted(input, other))


def ne(input: Any, other: Any) -> Any:
    """``input != other``, element by element."""
    return Compare(np.not_equal)(*promoted(input, other))


def lt(input: Any, other: Any) -> Any:
    """``input < other``, element by element."""
    return Compare(np.less)(*promoted(input, other))


def le(input: Any, other: Any) -> Any:
    """``input <= other``, element by element."""
    return Compare(np.less_equal)(*promoted(input, other))


def gt(input: Any, other: Any) -> Any:
    """``input > other``, element by element."""
    return Compare(np.greater)(*promoted(input, other))


def ge(input: Any, other: Any) -> Any:
    """``input >= other``, element by element."""
    return Compare(np.greater_equal)(*promoted(input, other))


def logical_and(input: Any, other: Any) -> Any:
    """Whether both elements are true (not 0)."""
    return Compare(np.logical_and)(input, other)


def logical_or(input: Any, other: Any) -> Any:
    """Whether either element is true (not 0)."""
    return Compare(np.logical_or)(input, other)


def logical_xor(input: Any, other: Any) -> Any:
    """Whether just one of the elements is true (not 0)."""
    return Compare(np.logical_xor)(input, other)


def logical_not(input: Any) -> Any:
    """Whether the element is 0."""
    return Test(np.logical_not)(input)


def bitwise_and(input: Any, other: Any) -> Any:
    """``input & other``, for booleans and integers."""
    return Compare(np.bitwise_and)(*promoted(input, other))


def bitwise_or(input: Any, other: Any) -> Any:
    """``input | other``, for booleans and integers."""
    return Compare(np.bitwise_or)(*promoted(input, other))


def bitwise_xor(input: Any, other: Any) -> Any:
    """``input ^ other``, for booleans and integers."""
    return Compare(np.bitwise_xor)(*promoted(input, other))


def bitwise_not(input: Any) -> Any:
    """``~input``, for booleans and integers."""
    return Test(np.invert)(input)


def isnan(input: Any) -> Any:
    """Whether the element is NaN."""
    return Test(np.isnan)(input)


def isinf(input: Any) -> Any:
    """Whether the element is plus or minus infinity."""
    return Test(np.isinf)(input)


def isfinite(input: Any) -> Any:
    """Whether the element is neither infinite nor NaN."""
    return Test(np.isfinite)(input)
