"""A gradient at a glance: a small picture of its sizes, or a histogram where it has no two axes to draw."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

#: A picture has at most so many rows and columns, a histogram so many bars.
SIDE = 16


@np.errstate(all="ignore")  # a gradient may be infinite
def thumbnail(gradient: Any) -> dict[str, Any]:
    """The mean sizes of a gradient in a picture, or how often each value comes in it.

    Parameters
    ----------
    gradient
        Of any shape. Of two axes both are drawn; of three the last two; of four and more, as of images, also the last
        two. What is drawn is the mean of ``|g|`` over all other axes, and over cells where there are more than 16.

    Returns
    -------
    dict
        ``rows``, ``columns`` and ``cells``, a byte each in base64 (255 is the largest, ``high``); or ``bars`` from
        ``low`` to ``high``. Empty where nothing finite is in it.

    Examples
    --------
    >>> found = thumbnail(np.array([[0.0, 1.0], [2.0, 4.0]]))
    >>> found["high"], list(base64.b64decode(found["cells"]))
    (4.0, [0, 64, 128, 255])
    >>> thumbnail(np.array([0.0, 1.0, 1.0]))["bars"][-1]
    2
    """
    array = np.asarray(gradient, dtype=np.float64)
    if array.size == 0 or not np.isfinite(array).all():
        return {}
    if array.ndim < 2 or min(array.shape[-2:]) == 1:
        low, high = float(array.min()), float(array.max())
        if high - low <= SIDE * np.spacing(max(abs(low), abs(high))):  # too close for bins of their own
            return {"bars": [array.size], "low": _rounded(low), "high": _rounded(high)}
        counts, ends = np.histogram(array, bins=min(SIDE, array.size))
        return {"bars": [int(count) for count in counts], "low": _rounded(ends[0]), "high": _rounded(ends[-1])}
    sizes = np.abs(array).reshape(-1, *array.shape[-2:]).mean(0)
    for axis in 0, 1:
        count = sizes.shape[axis]
        starts = np.arange(min(count, SIDE)) * count // min(count, SIDE)
        widths = np.diff([*starts, count])
        sizes = np.add.reduceat(sizes, starts, axis) / np.expand_dims(widths, 1 - axis)
    high = float(sizes.max())
    cells = np.rint(255 * sizes / high) if high > 0 else np.zeros_like(sizes)
    text = base64.b64encode(cells.astype(np.uint8).tobytes()).decode()
    return {"rows": sizes.shape[0], "columns": sizes.shape[1], "cells": text, "high": _rounded(high)}


def _rounded(value: Any) -> float:
    return float(f"{float(value):.3g}")
