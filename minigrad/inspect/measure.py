"""Norms and inner products of gradients that may be as small as 1e-200, and what can be wrong with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.engine.base import Array

#: Outside these, squares have begun to underflow or overflow in the array's own precision.
_SAFE = {"f4": (1e-28, 1e37), "f8": (1e-280, 1e300)}


def norm(x: Array) -> float:
    """The Euclidean norm, also where the squares underflow; NaN and infinity stay what they are.

    Examples
    --------
    >>> norm(np.array([3e-200, 4e-200]))
    5e-200
    """
    lo, hi = _SAFE.get(x.dtype.str[1:], (math.inf, 0.0))
    square = float(np.vdot(x, x)) if lo < hi else 0.0
    if lo < square < hi:
        return math.sqrt(square)
    wide = np.abs(x).astype(np.float64, copy=False)
    largest = float(wide.max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    wide = (wide / largest).ravel()
    return largest * math.sqrt(float(np.dot(wide, wide)))


def inner(a: Array, b: Array) -> float:
    """The inner product of two arrays of one shape."""
    if a.dtype == np.float32 and b.dtype == np.float32:
        found = float(np.vdot(a, b))
        if abs(found) > 1e-28 and math.isfinite(found):
            return found
    return float(np.vdot(a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)))


def cosine(
    a: Array, b: Array, size_a: float | None = None, size_b: float | None = None, product: float | None = None
) -> float | None:
    """The cosine of the angle between two arrays; None where one of them is zero or not finite.

    Parameters
    ----------
    a, b
        Of one shape.
    size_a, size_b, product
        Their norms and their inner product, where they are known.

    Examples
    --------
    >>> cosine(np.array([1e-200, 0.0]), np.array([2.0, 0.0]))
    1.0
    """
    size_a = norm(a) if size_a is None else size_a
    size_b = norm(b) if size_b is None else size_b
    if not all(size > 0 and math.isfinite(size) for size in (size_a, size_b)):
        return None
    if min(size_a, size_b) > 1e-100 and max(size_a, size_b) < 1e100:
        return (inner(a, b) if product is None else product) / size_a / size_b
    return inner(a.astype(np.float64) / size_a, b.astype(np.float64) / size_b)


def condition(size: float | None, dtype: Any = np.float64) -> str:
    """What is wrong with a gradient of this norm: empty if nothing is.

    Examples
    --------
    >>> condition(None), condition(0.0), condition(1e-40, np.float32), condition(1.0)
    ('not reached', 'zero', 'underflow', '')
    """
    if size is None:
        return "not reached"
    if math.isnan(size):
        return "NaN"
    if math.isinf(size):
        return "infinite"
    if size == 0.0:
        return "zero"
    return "underflow" if size < float(np.finfo(dtype).tiny) else ""


def read_only(x: Array) -> Array:
    """The array, or a view of it, that can't be written to."""
    if x.flags.writeable:
        x = x.view()
        x.flags.writeable = False
    return x
