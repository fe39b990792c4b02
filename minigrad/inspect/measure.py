"""Norms and inner products of gradients that may be as small as 1e-200, and what can be wrong with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.base import Array
from minigrad.kernels import sums
from minigrad.kernels.sums import norm

__all__ = ["TwoWays", "condition", "cosine", "inner", "norm", "same", "two_ways"]


def inner(a: Array, b: Array) -> float:
    """The inner product of two arrays of one shape."""
    if a.dtype == np.float32 and b.dtype == np.float32:
        found = sums.inner(a, b)
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


def same(a: Array, b: Array) -> bool:
    """Whether two arrays are equal to the bit, NaNs included."""
    return np.array_equal(a, b) or np.array_equal(a, b, equal_nan=True)


class TwoWays(NamedTuple):
    """What is to be known of two gradients and their sum.

    Attributes
    ----------
    norm_a, norm_b, norm_sum
        Their norms.
    inner, cosine
        The inner product of the two, and the cosine of the angle between them (None where it has none).
    share_a
        The part of the sum that the first one is: ``<a, sum> / |sum|^2``; None where that is no number.
    same
        Whether the sum is the expected one, to the bit.
    """

    norm_a: float
    norm_b: float
    norm_sum: float
    inner: float
    cosine: float | None
    share_a: float | None
    same: bool


def two_ways(a: Array, b: Array, expected: Array, sizes: Sequence[float | None] = (None, None, None)) -> TwoWays:
    """Measure two gradients and their sum, and compare the sum with what it should be.

    Parameters
    ----------
    a, b, expected
        Of one shape.
    sizes
        The norms of the three, where they are known.

    Examples
    --------
    >>> two_ways(np.array([1.0, 2.0]), np.array([3.0, -1.0]), np.array([4.0, 1.0]))[2:]
    (4.12..., 1.0, 0.14..., 0.35..., True)
    """
    product, equal = sums.inner_and_sum(a, b, expected)
    equal = equal or same(a + b, expected)  # (there may be NaNs in both)
    if not 1e-28 < abs(product) < math.inf:
        product = inner(a, b)
    norm_a = norm(a) if sizes[0] is None else sizes[0]
    norm_b = norm(b) if sizes[1] is None else sizes[1]
    norm_sum = sizes[2] if equal and sizes[2] is not None else norm(a + b)
    share = None
    if 0 < norm_sum < math.inf:
        ratio = norm_a / norm_sum
        share = ratio * ratio + product / norm_sum / norm_sum
        if not ratio < 10 or min(norm_sum, norm_a) < 1e-100:  # rounding, or underflow, would show
            along = cosine(a, a + b, norm_a, norm_sum)
            share = 0.0 if along is None else along * ratio
    return TwoWays(norm_a, norm_b, norm_sum, product, cosine(a, b, norm_a, norm_b, product), share, equal)


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
