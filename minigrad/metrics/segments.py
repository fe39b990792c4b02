"""Scores of a segmentation: the overlap of what was marked and what is there, and the errors at edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import arguments
from minigrad.engine.base import array_of

Array = npt.NDArray[Any]


def dice(predicted: Any, labels: Any, num_classes: int) -> Array:
    """The Dice coefficient of each class: ``2 |A and B| / (|A| + |B|)`` over all pixels.

    Parameters
    ----------
    predicted, labels
        Integers of one shape.
    num_classes
        How many classes there are, counted from 0.

    Returns
    -------
    array
        Of shape (num_classes,), from 0 to 1; NaN for a class that neither has.

    Raises
    ------
    ValueError
        If the shapes differ, or a label is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.metrics import dice
    >>> dice(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 2)
    array([0.66666667, 0.8       ])
    """
    num_classes = arguments.integer("dice", "num_classes", num_classes, 1, 2**15)
    a, b = _labels(predicted, labels, num_classes)
    table = np.bincount(num_classes * a.ravel() + b.ravel(), minlength=num_classes**2).reshape(num_classes, -1)
    with np.errstate(invalid="ignore"):
        found: Array = 2 * table.diagonal() / (table.sum(0) + table.sum(1))
    return found


def edges(labels: Any) -> Array:
    """The pixels of (..., H, W) beside which, above, below, left or right, another label stands."""
    x = array_of(arguments.tensor("edges", "labels", labels))
    if x.ndim < 2:
        raise arguments.wrong_value("edges", "labels", "of shape (..., height, width)", labels)
    found = np.zeros(x.shape, bool)
    down, across = x[..., 1:, :] != x[..., :-1, :], x[..., 1:] != x[..., :-1]
    found[..., 1:, :] |= down
    found[..., :-1, :] |= down
    found[..., 1:] |= across
    found[..., :-1] |= across
    return found


def edge_error(predicted: Any, labels: Any) -> float:
    """The part of the edge pixels (see :func:`edges`, of ``labels``) that is predicted wrong; NaN without any.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    arguments.tensors("edge_error", predicted=predicted, labels=labels)
    a, b = array_of(predicted), array_of(labels)
    if a.shape != b.shape:
        raise ValueError(f"edge_error: predicted has shape {a.shape}, labels {b.shape}")
    at = edges(b)
    return float((a != b)[at].mean()) if at.any() else float("nan")


def _labels(predicted: Any, labels: Any, num_classes: int) -> tuple[Array, Array]:
    arguments.tensors("dice", predicted=predicted, labels=labels)
    a, b = array_of(predicted), array_of(labels)
    if a.shape != b.shape:
        raise ValueError(f"dice: predicted has shape {a.shape}, labels {b.shape}")
    for name, x in (("predicted", a), ("labels", b)):
        if x.size and not 0 <= x.min() <= x.max() < num_classes:
            raise ValueError(f"dice: {name} go from {x.min()} to {x.max()}, but classes from 0 to {num_classes - 1}")
    return a.astype(np.int64), b.astype(np.int64)
