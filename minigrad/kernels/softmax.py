"""Softmax, its logarithm, and the cross-entropy built on it, over the rows of a (rows, d) array.

The largest element of a row is subtracted first, so no exponential overflows: with ``m = max(x)``::

    logsumexp(x) = m + log(sum(exp(x - m)))
    log_softmax(x) = x - logsumexp(x)            softmax(x) = exp(log_softmax(x))

``-inf`` is a probability of 0. A row of nothing else has no maximum to subtract, and gives NaN.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numba import prange

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
def _softmax(x: Array, y: Array) -> None:
    rows, d = x.shape
    for r in prange(rows):
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
        _softmax(COST * y.size, np.ascontiguousarray(x2), y)
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
def _softmax_backward(gy: Array, y: Array, gx: Array) -> None:
    rows, d = y.shape
    for r in prange(rows):
        mean = y.dtype.type(0)
        for i in range(d):
            mean += gy[r, i] * y[r, i]
        for i in range(d):
            gx[r, i] = y[r, i] * (gy[r, i] - mean)


def _fast_softmax_backward(gy: Array, y: Array) -> Array:
    gx = np.empty(y.shape, dtype=y.dtype)
    _softmax_backward(2 * y.size, np.ascontiguousarray(gy), np.ascontiguousarray(y), gx)
    return gx


@replaced_by(_fast_softmax_backward)
def softmax_backward(gy: Array, y: Array) -> Array:
    """Gradient of ``softmax``, by its output: ``y * (gy - sum(gy * y))``; the sum is gy's mean under y."""
    gx: Array = y * (gy - (gy * y).sum(axis=1, keepdims=True))
    return gx


# --- its logarithm ----------------------------------------------------------------------------------------


@row_kernel
def _log_softmax(x: Array, y: Array, tops: Array, rests: Array) -> None:
    rows, d = x.shape
    together = max(1, min(64, 4096 // d))
    # Some rows at a time, so that the compiler can do their logarithms at once too.
    for block in prange((rows + together - 1) // together):
        first, last = block * together, min((block + 1) * together, rows)
        for r in range(first, last):
            top, total = _row_max(x[r]), x.dtype.type(0)
            for i in range(d):
                y[r, i] = exp_neg(x[r, i] - top)
                total += y[r, i]
            tops[r], rests[r] = top, total
        for r in range(first, last):
            rests[r] = log(rests[r])
        for r in range(first, last):
            for i in range(d):
                y[r, i] = less_both(x[r, i], tops[r], rests[r])


def _fast_log_softmax(x2: Array) -> Array:
    y = np.empty(x2.shape, dtype=x2.dtype)
    if y.size:
        tops, rests = np.empty((2, x2.shape[0]), dtype=x2.dtype)
        _log_softmax(COST * y.size, np.ascontiguousarray(x2), y, tops, rests)
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
def _log_softmax_backward(gy: Array, y: Array, gx: Array) -> None:
    rows, d = y.shape
    for r in prange(rows):
        total = y.dtype.type(0)
        for i in range(d):
            total += gy[r, i]
        for i in range(d):
            gx[r, i] = gy[r, i] - exp_neg(y[r, i]) * total


def _fast_log_softmax_backward(gy: Array, y: Array) -> Array:
    gx = np.empty(y.shape, dtype=y.dtype)
    _log_softmax_backward(COST * y.size, np.ascontiguousarray(gy), np.ascontiguousarray(y), gx)
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
def _logsumexp(x: Array, y: Array) -> None:
    for r in prange(x.shape[0]):
        top = _row_max(x[r])
        total = x.dtype.type(0)
        for i in range(x.shape[1]):
            total += exp_neg(x[r, i] - top)
        norm = top + log(total)
        y[r] = _infinite_or_nan(x[r]) if math.isnan(norm) else norm


def _fast_logsumexp(x2: Array) -> Array:
    y = np.full(x2.shape[0], -np.inf, dtype=x2.dtype)
    if x2.size:
        _logsumexp(COST * x2.size, np.ascontiguousarray(x2), y)
    return y


@replaced_by(_fast_logsumexp)
def logsumexp(x2: Array) -> Array:
    """``log(sum(exp(x)))`` of each row, (rows,); its gradient is ``softmax``. An infinite maximum is it."""
    top = x2.max(axis=1, initial=-np.inf)
    finite = np.where(np.isinf(top), 0, top)
    with np.errstate(divide="ignore", over="ignore"):
        y: Array = finite + np.log(np.exp(x2 - finite[:, None]).sum(axis=1))
    return y


# --- cross-entropy ----------------------------------------------------------------------------------------


@row_kernel
def _cross_entropy(
    log_probs: Array, labels: Array, weight: Array, ignore: int, smoothing: float, losses: Array
) -> None:
    rows, d = log_probs.shape
    on_label, on_each = losses.dtype.type(1 - smoothing), losses.dtype.type(smoothing / d)
    for r in prange(rows):
        label = labels[r]
        losses[r] = 0
        if label != ignore:
            losses[r] = -on_label * weight[label] * log_probs[r, label]
            if smoothing > 0:
                total = losses.dtype.type(0)
                for i in range(d):
                    total += weight[i] * log_probs[r, i]
                losses[r] -= on_each * total


def _fast_cross_entropy(
    logits2: Array, labels: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array]:
    log_probs = _fast_log_softmax(logits2)
    losses = np.zeros(logits2.shape[0], dtype=logits2.dtype)
    if log_probs.size:
        work = log_probs.size if label_smoothing > 0 else losses.size
        _cross_entropy(
            work,
            log_probs,
            _indices(labels),
            _class_weights(logits2, weight),
            int(ignore_index),
            float(label_smoothing),
            losses,
        )
    return losses, log_probs


def _indices(labels: Array) -> Array:
    return np.ascontiguousarray(labels, dtype=np.int64)


@functools.lru_cache(maxsize=16)
def _ones(d: int, dtype: np.dtype[Any]) -> Array:
    return np.ones(d, dtype=dtype)


def _class_weights(logits2: Array, weight: Array | None) -> Array:
    if weight is None:
        return _ones(logits2.shape[1], logits2.dtype)
    return np.ascontiguousarray(weight, dtype=logits2.dtype)


@replaced_by(_fast_cross_entropy)
def cross_entropy(
    logits2: Array, labels: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array]:
    """Cross-entropy of each row's softmax with its label.

    With the smoothing s, the target is ``1 - s`` on the label and ``s / d`` on each of the d classes::

        loss = -(1 - s) * weight[label] * log_probs[label] - s / d * sum(weight * log_probs)

    Parameters
    ----------
    logits2
        (rows, d).
    labels
        (rows,), integers from 0 to d - 1, or ``ignore_index``.
    weight
        (d,), a factor for each class, or None.
    ignore_index
        The loss of rows with this label is 0.
    label_smoothing
        From 0 to 1.

    Returns
    -------
    (losses, log_probs)
        (rows,) and (rows, d).
    """
    log_probs = log_softmax(logits2)
    weight = _class_weights(logits2, weight)
    kept = labels != ignore_index
    label = np.where(kept, labels, 0)[:, None]
    with np.errstate(invalid="ignore"):  # a factor of 0 with a log-probability of -inf
        losses = -(1 - label_smoothing) * weight[label] * np.take_along_axis(log_probs, label, axis=1)
        if label_smoothing > 0:
            mean = (weight * log_probs).sum(axis=1, keepdims=True) / logits2.shape[1]
            losses = losses - label_smoothing * mean
    return np.where(kept, losses[:, 0], 0), log_probs


@row_kernel
def _cross_entropy_backward(
    g: Array, log_probs: Array, labels: Array, weight: Array, ignore: int, smoothing: float, gx: Array
) -> None:
    rows, d = log_probs.shape
    on_label, on_each = gx.dtype.type(1 - smoothing), gx.dtype.type(smoothing / d)
    for r in prange(rows):
        label = labels[r]
        if label == ignore:
            gx[r] = 0
        else:
            at_label = on_label * weight[label]
            total = at_label
            for i in range(d):
                total += on_each * weight[i]
            for i in range(d):
                gx[r, i] = g[r] * (exp_neg(log_probs[r, i]) * total - on_each * weight[i])
            gx[r, label] -= g[r] * at_label


def _fast_cross_entropy_backward(
    g_rows: Array, log_probs: Array, labels: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> Array:
    gx = np.empty(log_probs.shape, dtype=log_probs.dtype)
    if gx.size:
        _cross_entropy_backward(
            COST * gx.size,
            np.ascontiguousarray(g_rows),
            np.ascontiguousarray(log_probs),
            _indices(labels),
            _class_weights(log_probs, weight),
            int(ignore_index),
            float(label_smoothing),
            gx,
        )
    return gx


@replaced_by(_fast_cross_entropy_backward)
def cross_entropy_backward(
    g_rows: Array, log_probs: Array, labels: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> Array:
    """Gradient of ``cross_entropy`` by the logits, (rows, d).

    With the target t, weighted: ``g * (probs * sum(t) - t)``; without weights sum(t) is 1.
    """
    rows, d = log_probs.shape
    weight = _class_weights(log_probs, weight)
    kept = labels != ignore_index
    label = np.where(kept, labels, 0)
    target = np.tile(label_smoothing / max(d, 1) * weight, (rows, 1))
    target[np.arange(rows), label] += (1 - label_smoothing) * weight[label]
    gx = g_rows[:, None] * (np.exp(log_probs) * target.sum(axis=1, keepdims=True) - target)
    return np.where(kept[:, None], gx, 0)
