"""Cross-entropy, over the rows of a (rows, d) array: softmax, logarithm and choice of the label as one."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad.kernels.checks import check_places, check_shape
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.softmax import COST, log_softmax
from minigrad.kernels.threads import row_kernel
from minigrad.kernels.vector_math import exp_neg


@row_kernel
def _cross_entropy(
    first: int, last: int, log_probs: Array, labels: Array, weight: Array, ignore: int, smoothing: float, losses: Array
) -> None:
    d = log_probs.shape[1]
    on_label, on_each = losses.dtype.type(1 - smoothing), losses.dtype.type(smoothing / d)
    for r in range(first, last):
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
    labels = _checked(logits2, labels, weight, ignore_index)
    log_probs = log_softmax(logits2)
    losses = np.zeros(logits2.shape[0], dtype=logits2.dtype)
    if log_probs.size:
        work = log_probs.size if label_smoothing > 0 else losses.size
        _cross_entropy(
            work,
            len(losses),
            log_probs,
            labels,
            _class_weights(logits2, weight),
            int(ignore_index),
            float(label_smoothing),
            losses,
        )
    return losses, log_probs


def _checked(logits2: Array, labels: Array, weight: Array | None, ignore_index: int) -> Array:
    """The labels as the kernels want them, none out of range."""
    rows, d = logits2.shape
    check_shape("labels", labels, (rows,))
    check_shape("weight", weight, (d,))
    labels = np.ascontiguousarray(labels, dtype=np.int64)
    check_places("label", labels, d, ignore_index)
    return labels


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
    first: int,
    last: int,
    g: Array,
    log_probs: Array,
    labels: Array,
    weight: Array,
    ignore: int,
    smoothing: float,
    gx: Array,
) -> None:
    d = log_probs.shape[1]
    on_label, on_each = gx.dtype.type(1 - smoothing), gx.dtype.type(smoothing / d)
    for r in range(first, last):
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
    labels = _checked(log_probs, labels, weight, ignore_index)
    check_shape("the gradient", g_rows, labels.shape)
    gx = np.empty(log_probs.shape, dtype=log_probs.dtype)
    if gx.size:
        _cross_entropy_backward(
            COST * gx.size,
            len(gx),
            np.ascontiguousarray(g_rows),
            np.ascontiguousarray(log_probs),
            labels,
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
