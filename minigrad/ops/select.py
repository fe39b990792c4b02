"""Comparing values, and choosing between them: eq, lt, where, masked_fill, clamp, maximum, minimum.

A comparison gives booleans, which have no gradient and no graph. A choice routes: an element of the
output came from one of the inputs, and its gradient goes back there and nowhere else. Where two inputs
tie, ``maximum`` and ``minimum`` give each a half.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import tensor, tensors, wrong_kind
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T, cast, check_fits_dtype, is_array, promoted, result_type, shape_of, unbroadcast


class Compare(Node):
    """A comparison, a logical or a bitwise operation, given as NumPy's function of the same name."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def forward(self, a: Any, b: Any) -> Any:
        return self.function(a, b)


class Predicate(Node):
    """The same of one input: a yes-or-no question to each element, or its negation."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


def masked(gy: Any, mask: Any) -> Any:
    """``gy`` where the mask holds, else 0: what a choice sends back.

    For arrays this is ``np.where(mask, gy, 0)``, which is slow where the mask changes often; clearing bits
    is up to ten times faster, and (where a product with the mask isn't) safe with NaN and infinity.
    """
    if not is_array(gy):
        return Where().apply_to(mask, gy, 0)
    bits = np.dtype(f"i{gy.dtype.itemsize}")
    all_or_none = (-mask.view(np.int8)).astype(bits)  # True is 1, and -1 has all bits set
    return (gy.view(bits) & all_or_none).view(gy.dtype)


class Where(Node):
    """``a`` where the condition holds, else ``b``. Backward: ``gy`` to the one taken, 0 to the other."""

    def forward(self, condition: Any, a: Any, b: Any) -> Any:
        self.condition = condition
        self.shapes = shape_of(a), shape_of(b)
        return np.where(condition, a, b)

    def backward(self, gy: Any) -> Any:
        shape_a, shape_b = self.shapes
        taken = array_of(self.condition)
        ga = unbroadcast(masked(gy, taken), shape_a) if self.wants[1] else None
        gb = unbroadcast(masked(gy, ~taken), shape_b) if self.wants[2] else None
        return None, ga, gb


class MaskedFill(Node):
    """``value`` where the mask holds, else ``x``. Backward: ``gx = gy``, 0 there; the value gets the rest."""

    def forward(self, x: Any, mask: Any, value: Any) -> Any:
        self.mask = mask
        self.shapes = shape_of(x), shape_of(value)
        if getattr(mask, "dtype", None) != np.bool_:
            raise TypeError("the mask must be a boolean tensor, as x > 0 gives")
        if self.shapes[1] != ():
            raise ValueError(f"value must be a number or have no dimensions, its shape is {self.shapes[1]}")
        return np.where(mask, value, x)

    def backward(self, gy: Any) -> Any:
        shape_x, shape_value = self.shapes
        mask = array_of(self.mask)
        gx = unbroadcast(masked(gy, ~mask), shape_x) if self.wants[0] else None
        gvalue = unbroadcast(masked(gy, mask), shape_value) if self.wants[2] else None
        return gx, None, gvalue


class Clamp(Node):
    """``x`` held between two bounds. Backward: ``gy`` to ``x`` if within or at them, else to the bound."""

    def forward(self, x: Any, low: Any, high: Any) -> Any:
        self.x, self.low, self.high = x, low, high
        return x.clip(low, high)

    def backward(self, gy: Any) -> Any:
        x = array_of(self.x)
        low = -np.inf if self.low is None else array_of(self.low)
        high = np.inf if self.high is None else array_of(self.high)
        gx = glow = ghigh = None
        if self.wants[0]:
            gx = unbroadcast(masked(gy, (x >= low) & (x <= high)), x.shape)
        if self.wants[1]:
            glow = unbroadcast(masked(gy, (x < low) & (low < high)), shape_of(low))
        if self.wants[2]:
            ghigh = unbroadcast(masked(gy, (x > high) | (high < low)), shape_of(high))
        return gx, glow, ghigh


class Maximum(Node):
    """The larger of ``a`` and ``b``. Backward: ``gy`` goes to the larger; where they tie, half to each."""

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        return np.maximum(a, b)

    def backward(self, gy: Any) -> Any:
        a, b = array_of(self.a), array_of(self.b)
        return _share(gy, a, b, a < b, b < a, self.wants)


class Minimum(Node):
    """The smaller of ``a`` and ``b``. Backward: ``gy`` goes to the smaller; where they tie, half to each."""

    def forward(self, a: Any, b: Any) -> Any:
        self.a, self.b = a, b
        return np.minimum(a, b)

    def backward(self, gy: Any) -> Any:
        a, b = array_of(self.a), array_of(self.b)
        return _share(gy, a, b, a > b, b > a, self.wants)


def _share(gy: Any, a: Any, b: Any, a_loses: Any, b_loses: Any, wants: tuple[bool, ...]) -> Any:
    tie = a == b
    if tie.any():
        gy = Where().apply_to(tie, gy * 0.5, gy)
    ga = unbroadcast(masked(gy, ~a_loses), a.shape) if wants[0] else None
    gb = unbroadcast(masked(gy, ~b_loses), b.shape) if wants[1] else None
    return ga, gb


class Nonzero(Node):
    """The indices of the elements that aren't 0, one array a dimension; they have no gradient."""

    def forward(self, x: Any) -> Any:
        return tuple(np.nonzero(np.atleast_1d(x)))


def eq(input: Any, other: Any) -> Any:
    """``input == other``, element by element; False for a value that is no number, such as None."""
    if other is None or isinstance(other, str):
        return NotImplemented  # Python then compares identities
    return Compare(np.equal).apply_to(*promoted(input, other))


def ne(input: Any, other: Any) -> Any:
    """``input != other``, element by element; True for a value that is no number, such as None."""
    if other is None or isinstance(other, str):
        return NotImplemented
    return Compare(np.not_equal).apply_to(*promoted(input, other))


def lt(input: Any, other: Any) -> Any:
    """``input < other``, element by element."""
    return Compare(np.less).apply_to(*promoted(input, other))


def le(input: Any, other: Any) -> Any:
    """``input <= other``, element by element."""
    return Compare(np.less_equal).apply_to(*promoted(input, other))


def gt(input: Any, other: Any) -> Any:
    """``input > other``, element by element."""
    return Compare(np.greater).apply_to(*promoted(input, other))


def ge(input: Any, other: Any) -> Any:
    """``input >= other``, element by element."""
    return Compare(np.greater_equal).apply_to(*promoted(input, other))


def logical_and(input: Any, other: Any) -> Any:
    """Whether both elements are true (not 0)."""
    return Compare(np.logical_and).apply_to(*tensors("logical_and", input=input, other=other))


def logical_or(input: Any, other: Any) -> Any:
    """Whether either element is true (not 0)."""
    return Compare(np.logical_or).apply_to(*tensors("logical_or", input=input, other=other))


def logical_xor(input: Any, other: Any) -> Any:
    """Whether just one of the elements is true (not 0)."""
    return Compare(np.logical_xor).apply_to(*tensors("logical_xor", input=input, other=other))


def logical_not(input: Any) -> Any:
    """Whether the element is 0."""
    return Predicate(np.logical_not).apply_to(tensor("logical_not", "input", input))


def _bits(operation: str, *operands: Any) -> tuple[Any, ...]:
    """The operands, which must have bits to speak of."""
    for x in operands:
        if x.dtype.kind not in "biu":
            raise wrong_kind(operation, "an operand", "of booleans or integers", x)
    return operands


def bitwise_and(input: Any, other: Any) -> Any:
    """``input & other``, for booleans and integers."""
    return Compare(np.bitwise_and).apply_to(*_bits("bitwise_and", *promoted(input, other)))


def bitwise_or(input: Any, other: Any) -> Any:
    """``input | other``, for booleans and integers."""
    return Compare(np.bitwise_or).apply_to(*_bits("bitwise_or", *promoted(input, other)))


def bitwise_xor(input: Any, other: Any) -> Any:
    """``input ^ other``, for booleans and integers."""
    return Compare(np.bitwise_xor).apply_to(*_bits("bitwise_xor", *promoted(input, other)))


def bitwise_not(input: Any) -> Any:
    """``~input``, for booleans and integers."""
    return Predicate(np.invert).apply_to(*_bits("bitwise_not", tensor("bitwise_not", "input", input)))


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where the condition holds, else ``other``.

    Parameters
    ----------
    condition
        A boolean tensor.
    input, other
        Tensors or numbers, broadcast against the condition. With neither given, the result is a tuple
        with the indices of the elements that hold, one tensor a dimension.
    """
    if input is None and other is None:
        return Nonzero().apply_to(tensor("where", "condition", condition))
    if input is None or other is None:
        raise TypeError("where takes a condition alone, or a condition and two values")
    if array_of(condition).dtype != np.bool_:
        raise TypeError("where: the condition must be a boolean tensor, as x > 0 gives")
    if getattr(input, "dtype", None) is None and getattr(other, "dtype", None) is None:
        input = np.asarray(input, dtype=result_type(input, other))
    return Where().apply_to(condition, *promoted(input, other))


def masked_fill(input: T, mask: Any, value: Any) -> T:
    """``input`` with ``value`` wherever the mask holds.

    Parameters
    ----------
    mask
        A boolean tensor that can be broadcast with ``input``.
    value
        A number or a tensor without dimensions.
    """
    dtype = tensor("masked_fill", "input", input).dtype
    fill = array_of(value)
    if fill.dtype.kind not in "biuf":
        raise wrong_kind("masked_fill", "value", "a number, or a tensor without dimensions", value)
    if dtype.kind in "iu" and fill.dtype.kind == "f" and (isinstance(value, TensorBase) or value != int(value)):
        raise OperationError(f"masked_fill: {value} is no {dtype}: convert the tensor with .float() first")
    check_fits_dtype("masked_fill", fill, dtype)
    value = cast(value, dtype) if isinstance(value, TensorBase) else fill.astype(dtype)
    return MaskedFill().apply_to(input, mask, value)


def clamp(input: T, min: Any = None, max: Any = None) -> T:
    """``input`` held between ``min`` and ``max``; where ``min > max``, the result is ``max``.

    Parameters
    ----------
    min, max
        Numbers, tensors or None; one of them has to be given.
    """
    if min is None and max is None:
        raise OperationError("clamp needs min= or max= (or both)")
    tensor("clamp", "input", input)
    dtype = result_type(*(x for x in (input, min, max) if x is not None))
    bounds = (cast(x, dtype) if hasattr(x, "dtype") else x for x in (min, max))
    return Clamp().apply_to(cast(input, dtype), *bounds)


def maximum(input: T, other: Any) -> T:
    """The larger of two elements; NaN where either is NaN. Where they tie, each gets half the gradient."""
    return Maximum().apply_to(*promoted(input, other))


def minimum(input: T, other: Any) -> T:
    """The smaller of two elements; NaN where either is NaN. Where they tie, each gets half the gradient."""
    return Minimum().apply_to(*promoted(input, other))
