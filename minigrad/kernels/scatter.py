"""Adding into an array at indices that may repeat: the gradients of indexing.

What an index read from several places, its gradient adds to each of them: ``gx[index] += gy`` in NumPy
would keep only one of a repeated index, and ``np.add.at``, which keeps all, is slow. The sums are always
taken in the order of the index.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.kernels.checks import check_places, check_shape
from minigrad.kernels.compile import Array, replaced_by
from minigrad.kernels.threads import row_kernel

#: A thread owns this many columns of the result.
COLUMNS = 64


def _from_the_start(index: Array, size: int) -> Array:
    """An index that may count from the end as one that counts from the start, checked."""
    index = np.ascontiguousarray(index, dtype=np.int64)
    if index.size and index.min() < 0:
        index = np.where(index < 0, index + size, index)
    check_places("index", index, size)
    return index


@row_kernel
def _add_at_rows(first: int, last: int, index: Array, rows: Array, out: Array) -> None:
    width = out.shape[1]
    for block in range(first, last):
        left, right = block * COLUMNS, min((block + 1) * COLUMNS, width)
        for i in range(index.size):
            row = index[i]
            for c in range(left, right):
                out[row, c] += rows[i, c]


def _fast_add_at_rows(shape: tuple[int, ...], index: Array, rows: Array) -> Array:
    check_shape("the rows", rows, (*index.shape, *shape[1:]))
    index = _from_the_start(index, shape[0])
    out = np.zeros(shape, dtype=rows.dtype)
    if rows.size:
        flat = np.ascontiguousarray(rows).reshape(index.size, -1)
        _add_at_rows(
            rows.size,
            -(-flat.shape[1] // COLUMNS),
            index,
            flat,
            out.reshape(shape[0], -1),
        )
    return out


@replaced_by(_fast_add_at_rows)
def add_at_rows(shape: tuple[int, ...], index: Array, rows: Array) -> Array:
    """Zeros of ``shape`` with ``rows[i]`` added to row ``index[i]``: the gradient of ``table[index]``.

    Parameters
    ----------
    shape
        (height, ...), the table's.
    index
        (n,), integers from -height to height - 1.
    rows
        (n, ...).
    """
    out = np.zeros(shape, dtype=rows.dtype)
    np.add.at(out, index, rows)
    return out


@row_kernel
def _scatter_add(first: int, last: int, index: Array, src: Array, out: Array) -> None:
    _, count, inner = index.shape
    for a in range(first, last):
        if inner == 1:  # along the last axis: the one loop there is had better be this
            for i in range(count):
                j = index[a, i, 0]
                out[a, j, 0] += src[a, i, 0]
            continue
        for i in range(count):
            for b in range(inner):
                j = index[a, i, b]
                out[a, j, b] += src[a, i, b]


def _fast_scatter_add(shape: tuple[int, ...], index: Array, src: Array, axis: int) -> Array:
    axis %= len(shape)
    if index.shape != src.shape:
        index = np.broadcast_to(index, src.shape)
    if len(shape) != src.ndim or any(n > m for i, (n, m) in enumerate(zip(src.shape, shape, strict=True)) if i != axis):
        raise ValueError(f"values of shape {src.shape} don't fit into {tuple(shape)} along other axes than {axis}")
    index = _from_the_start(index, shape[axis])
    # Where the index doesn't reach the end of another axis, the rest of it stays 0.
    reached = (*src.shape[:axis], shape[axis], *src.shape[axis + 1 :])
    out = np.zeros(reached, dtype=src.dtype)
    if src.size:
        outer = math.prod(src.shape[:axis])
        _scatter_add(
            2 * src.size,
            outer,
            index.reshape(outer, src.shape[axis], -1),
            np.ascontiguousarray(src).reshape(outer, src.shape[axis], -1),
            out.reshape(outer, shape[axis], -1),
        )
    if reached == tuple(shape):
        return out
    whole = np.zeros(shape, dtype=src.dtype)
    whole[tuple(map(slice, reached))] = out
    return whole


@replaced_by(_fast_scatter_add)
def scatter_add(shape: tuple[int, ...], index: Array, src: Array, axis: int) -> Array:
    """Zeros of ``shape`` with each element of ``src`` added at its own place, but ``index`` along ``axis``.

    The gradient of ``take_along_axis``; in two dimensions, with axis 0: ``out[index[i, j], j] += src[i, j]``.

    Parameters
    ----------
    shape
        The result's.
    index
        Integers; broadcast to the shape of ``src``.
    src
        As many axes as ``shape``, and no longer than it but along ``axis``.
    axis
        The axis that ``index`` runs along.
    """
    key: list[Array] = list(np.indices(src.shape, sparse=True))
    key[axis] = np.broadcast_to(index, src.shape)
    out = np.zeros(shape, dtype=src.dtype)
    np.add.at(out, tuple(key), src)
    return out


def _repeats(part: Any) -> bool:
    """Whether this part of a key could name one place twice: an array of integers, or a list of them."""
    if isinstance(part, (slice, int, np.integer)) or part is None or part is Ellipsis:
        return False
    return bool(np.asarray(part).dtype != np.bool_)


def _fast_index_add(shape: tuple[int, ...], key: Any, values: Array, dtype: npt.DTypeLike) -> Array:
    parts = key if isinstance(key, tuple) else (key,)
    repeating = [_repeats(part) for part in parts]
    if repeating == [True]:
        index = np.asarray(parts[0])
        if index.size == 0:
            return np.zeros(shape, dtype=dtype)
        rows = np.asarray(np.broadcast_to(values, (*index.shape, *shape[1:])), dtype=dtype)
        return _fast_add_at_rows(shape, index.reshape(-1), rows.reshape(index.size, *shape[1:]))
    out = np.zeros(shape, dtype=dtype)
    if any(repeating):
        np.add.at(out, key, values)
    else:
        out[key] = values
    return out


@replaced_by(_fast_index_add)
def index_add(shape: tuple[int, ...], key: Any, values: Array, dtype: npt.DTypeLike) -> Array:
    """Zeros of ``shape`` with ``values`` added at ``[key]``: the gradient of ``x[key]``.

    The key can be whatever NumPy takes. Slices, whole numbers and masks name no place twice, so assignment
    does for them; one array of integers goes to ``add_at_rows``.
    """
    out = np.zeros(shape, dtype=dtype)
    np.add.at(out, key, values)
    return out
