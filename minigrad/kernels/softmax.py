"""Softmax and its logarithm, over the rows of a (rows, d) array.

The largest element of a row is subtracted first, so no exponential overflows: with ``m = max(x)``::

    logsumexp(x) = m + log(sum(exp(x - m)))
    log_softmax(x) = x - logsumexp(x)            softmax(x) = exp(log_softmax(x))

``-inf`` is a probability of 0. A row of nothing else has no maximum to subtract, and gives NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.kernels.checks import check_shape
from minigrad.kernels.compile import Array, jit, replaced_by
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.vector_math import exp_neg, less_both, log

#: What an element of a row costs, beside an addition.
COST = 3


@jit
def _row_max(x: Array) -> Any:
    """Find the largest element. A NaN may go unseen here: it shows in the sum that follows."""
    largest = x[0]
    for i in range(1, x.size):
        largest = x[i] if x[i] > largest else largest
    return largest


# --- softmax ----------------------------------------------------------------------------------------------


@row_kernel
def _softmax(first: int, last: int, x: Array, y: Array) -> None:
    d = x.shape[1]
    for r in range(first, last):
        top = _row_max(x[r])
        total = x.dtype.type(0)
        for i in range(d):
            e = exp_neg(x[r, i] - top)
            y[r, i] = e
            total += e
        scale = x.dtype.type(1) / total
        for i in range(d):
            y[r, i] *= scale


def _fast_softmax(x2: Array) -> Array:
    y = np.empty(x2.shape, dtype=x2.dtype)
    if y.size:
        _softmax(COST * y.size, len(y), np.ascontiguousarray(x2), y)
    return y


@replaced_by(_fast_softmax)
def softmax(x2: Array) -> Array:
    """``exp(x) / sum(exp(x))`` of each row."""
    if x2.size == 0:
        return np.empty_like(x2)
    with np.errstate(invalid="ignore"):  # -inf less -inf, where a row is nothing else
        e = np.exp(x2 - x2.max(axis=1, keepdims=True))
    y: Array = e / e.sum(axis=1, keepdims=True)
    return y


@row_kernel
def _softmax_backward(first: int, last: int, gy: Array, y: Array, gx: Array) -> None:
    d = y.shape[1]
    for r in range(first, last):
        mean = y.dtype.type(0)
        for i in range(d):
            mean += gy[r, i] * y[r, i]
        for i in range(d):
            gx[r, i] = y[r, i] * (gy[r, i] - mean)


def _fast_softmax_backward(gy: Array, y: Array) -> Array:
    check_shape("the gradient", gy, y.shape)
    gx = np.empty(y.shape, dtype=y.dtype)
    _softmax_backward(2 * y.size, len(y), np.ascontiguousarray(gy), np.ascontiguousarray(y), gx)
    return gx


@replaced_by(_fast_softmax_backward)
def softmax_backward(gy: Array, y: Array) -> Array:
    """Gradient of ``softmax``, by its output: ``y * (gy - sum(gy * y))``; the sum is gy's mean under y."""
    gx: Array = y * (gy - (gy * y).sum(axis=1, keepdims=True))
    return gx


# --- its logarithm ----------------------------------------------------------------------------------------


@row_kernel
def _log_softmax(first: int, last: int, x: Array, y: Array, together: int, tops: Array, rests: Array) -> None:
    rows, d = x.shape
    for block in range(first, last):
        start, end = block * together, min((block + 1) * together, rows)
        for r in range(start, end):
            top, total = _row_max(x[r]), x.dtype.type(0)
            for i in range(d):
                y[r, i] = exp_neg(x[r, i] - top)
                total += y[r, i]
            tops[r], rests[r] = top, total
        for r in range(start, end):
            rests[r] = log(rests[r])
        for r in range(start, end):
            for i in range(d):
                y[r, i] = less_both(x[r, i], tops[r], rests[r])


def _fast_log_softmax(x2: Array) -> Array:
    y = np.empty(x2.shape, dtype=x2.dtype)
    if y.size:
        rows, d = x2.shape
        together = max(1, min(64, 4096 // d))  # some rows at a time: the compiler can do their logarithms at once too
        tops, rests = np.empty((2, rows), dtype=x2.dtype)
        _log_softmax(COST * y.size, -(-rows // together), np.ascontiguousarray(x2), y, together, tops, rests)
    return y


@replaced_by(_fast_log_softmax)
def log_softmax(x2: Array) -> Array:
    """``x - logsumexp(x)`` of each row."""
    if x2.size == 0:
        return np.empty_like(x2)
    with np.errstate(invalid="ignore"):
        shifted = x2 - x2.max(axis=1, keepdims=True)
    y: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return y


@row_kernel
def _log_softmax_backward(first: int, last: int, gy: Array, y: Array, gx: Array) -> None:
    d = y.shape[1]
    for r in range(first, last):
        total = y.dtype.type(0)
        for i in range(d):
            total += gy[r, i]
        for i in range(d):
            gx[r, i] = gy[r, i] - exp_neg(y[r, i]) * total


def _fast_log_softmax_backward(gy: Array, y: Array) -> Array:
    check_shape("the gradient", gy, y.shape)
    gx = np.empty(y.shape, dtype=y.dtype)
    _log_softmax_backward(COST * y.size, len(y), np.ascontiguousarray(gy), np.ascontiguousarray(y), gx)
    return gx


@replaced_by(_fast_log_softmax_backward)
def log_softmax_backward(gy: Array, y: Array) -> Array:
    """Gradient of ``log_softmax``, by its output: ``gy - exp(y) * sum(gy)``."""
    gx: Array = gy - np.exp(y) * gy.sum(axis=1, keepdims=True)
    return gx


@jit
def _infinite_or_nan(x: Array) -> Any:
    """Find the largest element, or a NaN, in a row that has no finite maximum."""
    largest = x[0]
    for i in range(1, x.size):
        largest = largest if largest >= x[i] or math.isnan(largest) else x[i]
    return largest


@row_kernel
def _logsumexp(first: int, last: int, x: Array, y: Array) -> None:
    for r in range(first, last):
        top = _row_max(x[r])
        total = x.dtype.type(0)
        for i in range(x.shape[1]):
            total += exp_neg(x[r, i] - top)
        norm = top + log(total)
        y[r] = _infinite_or_nan(x[r]) if math.isnan(norm) else norm


def _fast_logsumexp(x2: Array) -> Array:
    y = np.full(x2.shape[0], -np.inf, dtype=x2.dtype)
    if x2.size:
        _logsumexp(COST * x2.size, len(y), np.ascontiguousarray(x2), y)
    return y


@replaced_by(_fast_logsumexp)
def logsumexp(x2: Array) -> Array:
    """``log(sum(exp(x)))`` of each row, (rows,); its gradient is ``softmax``. An infinite maximum is it."""
    top = x2.max(axis=1, initial=-np.inf)
    finite = np.where(np.isinf(top), 0, top)
    with np.errstate(divide="ignore", over="ignore"):
        y: Array = finite + np.log(np.exp(x2 - finite[:, None]).sum(axis=1))
    return y
