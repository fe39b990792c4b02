"""Softmax over what a causal mask leaves: of the scores of query t, those of keys 0 to t.

One kernel in the place of a mask and a softmax; it never looks at the other half of the scores.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.softmax import COST
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.vector_math import exp_neg


@row_kernel
def _causal_softmax(first: int, last: int, x: Array, queries: int, y: Array) -> None:
    keys = x.shape[1]
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for r in range(first, last):
        seen = min(r % queries + 1, keys)
        top = x[r, 0]
        for i in range(seen):
            top = x[r, i] if x[r, i] > top else top
        total = zero
        for i in range(seen):
            e = exp_neg(x[r, i] - top)
            y[r, i] = e
            total += e
        scale = one / total
        for i in range(seen):
            y[r, i] *= scale
        for i in range(seen, keys):
            y[r, i] = zero


def _hidden(shape: tuple[int, ...]) -> Array:
    """(queries, keys): the keys that come after a query."""
    queries, keys = shape[-2:]
    return np.arange(keys) > np.arange(queries)[:, None]


def _rows(x: Array) -> Array:
    *outer, keys = x.shape
    return np.ascontiguousarray(x).reshape(math.prod(outer), keys)


def _queries(x: Array) -> int:
    queries, _ = x.shape[-2:]
    return int(queries)


def _fast_causal_softmax(x: Array) -> Array:
    y = np.empty(x.shape, x.dtype)
    if y.size:
        filled = _rows(y)
        _causal_softmax(COST * y.size // 2, len(filled), _rows(x), _queries(x), filled)
    return y


@replaced_by(_fast_causal_softmax)
def causal_softmax(x: Array) -> Array:
    """Softmax of each row of (..., queries, keys) over keys 0 to the query's number; 0 for later keys."""
    if not x.size:
        return np.empty_like(x)
    hidden = _hidden(x.shape)
    with np.errstate(invalid="ignore"):  # -inf less -inf, where a row is nothing else
        e = np.where(hidden, 0, np.exp(x - np.where(hidden, -np.inf, x).max(axis=-1, keepdims=True)))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


@row_kernel
def _causal_softmax_backward(first: int, last: int, gy: Array, y: Array, queries: int, gx: Array) -> None:
    keys = y.shape[1]
    zero = y.dtype.type(0)
    for r in range(first, last):
        seen = min(r % queries + 1, keys)
        mean = zero
        for i in range(seen):
            mean += gy[r, i] * y[r, i]
        for i in range(seen):
            gx[r, i] = y[r, i] * (gy[r, i] - mean)
        for i in range(seen, keys):
            gx[r, i] = zero


def _fast_causal_softmax_backward(gy: Array, y: Array) -> Array:
    gx = np.empty(y.shape, y.dtype)
    if gx.size:
        filled = _rows(gx)
        _causal_softmax_backward(gx.size, len(filled), _rows(gy), _rows(y), _queries(y), filled)
    return gx


@replaced_by(_fast_causal_softmax_backward)
def causal_softmax_backward(gy: Array, y: Array) -> Array:
    """Gradient of ``causal_softmax``, by its output: ``y * (gy - sum(gy * y))``, over the keys that are seen."""
    hidden = _hidden(y.shape)
    seen = np.where(hidden, 0, gy)
    gx: Array = y * (seen - (seen * y).sum(axis=-1, keepdims=True))
    return gx
