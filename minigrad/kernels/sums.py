"""What is asked of large gradients: their norm, their inner product, and whether two add up to a third."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kernels.checks import check_shape
from minigrad.kernels.compile import Array, jit, replaced_by
from minigrad.kernels.threads import SMALL, row_kernel

#: So many elements are summed at a time, in the arrays' own precision; three such pieces fit a core's cache.
PIECE = 8192
#: Outside these, squares have begun to underflow or overflow in the array's own precision.
_SAFE = {"f4": (1e-28, 1e37), "f8": (1e-280, 1e300)}


@jit
def _product(a: Array, b: Array) -> Any:
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit(fastmath=False)  # sums to the bit
def _misses(a: Array, b: Array, total: Array) -> int:
    count = 0
    for i in range(a.size):
        count += a[i] + b[i] != total[i]
    return count


@row_kernel
def _products(first: int, last: int, a: Array, b: Array, products: Array) -> None:
    for piece in range(first, last):
        start, end = piece * PIECE, min(piece * PIECE + PIECE, a.size)
        products[piece] = _product(a[start:end], b[start:end])


@row_kernel
def _products_and_misses(
    first: int, last: int, a: Array, b: Array, total: Array, products: Array, misses: Array
) -> None:
    for piece in range(first, last):
        start, end = piece * PIECE, min(piece * PIECE + PIECE, a.size)
        products[piece] = _product(a[start:end], b[start:end])
        misses[piece] = _misses(a[start:end], b[start:end], total[start:end])


def _fast_inner(a: Array, b: Array) -> float:
    check_shape("b", b, a.shape)
    if a.size < SMALL:  # one thread does it, and BLAS does it best
        return float(np.vdot(a, b))
    products = np.empty(-(-a.size // PIECE))
    _products(a.size, products.size, a.ravel(), b.ravel(), products)
    return float(products.sum())


@replaced_by(_fast_inner)
def inner(a: Array, b: Array) -> float:
    """The inner product of two arrays of one shape."""
    return float(np.vdot(a, b))


def _fast_inner_and_sum(a: Array, b: Array, total: Array) -> tuple[float, bool]:
    check_shape("b", b, a.shape)
    check_shape("total", total, a.shape)
    if a.size <= PIECE:
        return float(np.vdot(a, b)), bool((a + b == total).all())
    products, misses = np.empty((2, -(-a.size // PIECE)))
    _products_and_misses(2 * a.size, products.size, a.ravel(), b.ravel(), total.ravel(), products, misses)
    return float(products.sum()), not misses.any()


@replaced_by(_fast_inner_and_sum)
def inner_and_sum(a: Array, b: Array, total: Array) -> tuple[float, bool]:
    """The inner product of two arrays of one shape, and whether their sum is ``total``, to the bit."""
    return float(np.vdot(a, b)), bool((a + b == total).all())


def norm(x: Array) -> float:
    """The Euclidean norm, also where the squares underflow or overflow; NaN and infinity stay what they are.

    Examples
    --------
    >>> norm(np.array([3e-200, 4e-200]))
    5e-200
    """
    lo, hi = _SAFE.get(x.dtype.str[1:], (math.inf, 0.0))
    square = inner(x, x) if lo < hi else 0.0
    if lo < square < hi:
        return math.sqrt(square)
    wide = np.abs(x).astype(np.float64, copy=False)
    largest = float(wide.max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    wide = (wide / largest).ravel()
    return largest * math.sqrt(float(np.dot(wide, wide)))
