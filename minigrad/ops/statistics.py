"""Order and counts: median, kthvalue, quantile, mode, unique, bincount, histc, searchsorted, nonzero, isclose.

What picks an element passes its gradient to that element; what counts has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops import reduce
from minigrad.ops.common import along, axis_of, shape_of
from minigrad.ops.extremes import ValuesIndices, amax, amin
from minigrad.ops.gather import gather
from minigrad.ops.index import getitem
from minigrad.ops.join import stack
from minigrad.ops.pieces import narrow, ravel, select
from minigrad.ops.select import where
from minigrad.ops.shape import squeeze
from minigrad.ops.sort import sort
from minigrad.ops.vector_norm import norm


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The ``k``-th smallest value along ``dim`` (counted from 1), and where it was.

    Raises
    ------
    OperationError
        If there are fewer.
    """
    axis = axis_of(dim, len(shape_of(input)))
    size = shape_of(input)[axis] if shape_of(input) else 1
    if not 1 <= k <= size:
        raise OperationError(f"kthvalue: k={k} must be between 1 and the {size} values along dim={dim}")
    both = (narrow(part, axis, k - 1, 1) for part in sort(input, axis))
    return ValuesIndices(*(part if keepdim else squeeze(part, axis) for part in both))


def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle value: of all, or along ``dim`` with its place; of an even number the lower one, as in PyTorch."""
    if dim is None:
        flat = ravel(input)
        return kthvalue(flat, (shape_of(flat)[0] + 1) // 2).values
    return kthvalue(input, (shape_of(input)[axis_of(dim, len(shape_of(input)))] + 1) // 2, dim, keepdim)


def mode(input: Any, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent value along ``dim`` (of several the smallest), and its last place."""
    axis = axis_of(dim, len(shape_of(input)))
    x = np.moveaxis(array_of(input), axis, -1)
    alike = x[..., :, None] == x[..., None, :]
    counts = alike.sum(-1)
    best = np.where(counts == counts.max(-1, keepdims=True), x, x.max(-1, keepdims=True)).min(-1, keepdims=True)
    last = x.shape[-1] - 1 - np.argmax(np.flip(x == best, -1), -1)
    places = as_tensor(np.moveaxis(last[..., None], -1, axis))
    values = gather(input, axis, places)
    return ValuesIndices(*(part if keepdim else squeeze(part, axis) for part in (values, places)))


def quantile(input: Any, q: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The value below which the share ``q`` of the others lies, on the line between its two neighbours.

    Raises
    ------
    OperationError
        If ``q`` is not between 0 and 1.
    """
    share = np.asarray(array_of(q), np.float64)
    if not ((share >= 0) & (share <= 1)).all():
        raise OperationError(f"quantile: q={q} must be between 0 and 1")
    x, axis = (ravel(input), 0) if dim is None else (input, axis_of(dim, len(shape_of(input))))
    ordered = sort(x, axis).values
    place = share.reshape(-1) * (shape_of(x)[axis] - 1)
    low = np.floor(place).astype(np.int64)
    weight = (place - low).astype(array_of(x).dtype).reshape(-1, *(1,) * (len(shape_of(x)) - axis - 1))
    below, above = (getitem(ordered, along(axis, at)) for at in (low, np.ceil(place).astype(np.int64)))
    y = (below + (above - below) * as_tensor(weight)).movedim(axis, 0)
    if keepdim:
        y = y.reshape(len(low), *(1,) * len(shape_of(input))) if dim is None else y.unsqueeze(axis + 1)
    return y if share.ndim else y.squeeze(0)


def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> tuple[Any, Any]:
    """The smallest and the largest value."""
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different values in order; on wish where each element is among them, and how often each comes."""
    how: Any = {"return_inverse": return_inverse, "return_counts": return_counts, "axis": dim}
    found: Any = np.unique(array_of(input), **how)  # one array, or a tuple
    if not isinstance(found, tuple):
        return as_tensor(found)
    parts = list(found)
    if return_inverse:
        parts[1] = parts[1].reshape(shape_of(input) if dim is None else -1)
    return tuple(map(as_tensor, parts))


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each integer comes, or the sum of its weights."""
    counted = np.bincount(array_of(input), None if weights is None else array_of(weights), minlength)
    return as_tensor(counted if weights is None else counted.astype(array_of(weights).dtype))


def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many values lie in each of so many equal intervals, by default from the smallest value to the largest."""
    x = array_of(input)
    low, high = (float(x.min()), float(x.max())) if min == max == 0 else (min, max)
    return as_tensor(np.histogram(x, bins, (low, high))[0].astype(x.dtype))


def searchsorted(sorted_sequence: Any, values: Any, *, right: bool = False) -> Any:
    """Where values would be put into a sorted vector: before equal ones, or with ``right`` behind them."""
    side: Any = "right" if right else "left"
    return as_tensor(np.asarray(np.searchsorted(array_of(sorted_sequence), array_of(values), side)))


def bucketize(input: Any, boundaries: Any, *, right: bool = False) -> Any:
    """In which interval between sorted boundaries each element lies."""
    return searchsorted(boundaries, input, right=right)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Where the elements aren't 0: a row of indices each, or a vector for each dimension."""
    x = array_of(input)
    if as_tuple:
        return tuple(map(as_tensor, np.nonzero(np.atleast_1d(x))))
    return as_tensor(np.stack(np.nonzero(x), 1) if x.ndim else np.zeros((int(x != 0), 0), np.int64))


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether ``|input - other| <= atol + rtol * |other|``."""
    return as_tensor(np.asarray(np.isclose(array_of(input), array_of(other), rtol, atol, equal_nan)))


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether that holds for all elements."""
    return bool(np.allclose(array_of(input), array_of(other), rtol, atol, equal_nan))


def equal(input: Any, other: Any) -> bool:
    """Whether shapes and all elements are the same."""
    return np.array_equal(array_of(input), array_of(other))


def isin(elements: Any, test_elements: Any, *, invert: bool = False) -> Any:
    """Whether each element is one of others."""
    return as_tensor(np.isin(array_of(elements), array_of(test_elements), invert=invert))


def cumprod(input: Any, dim: int) -> Any:
    """The running product along ``dim``."""
    axis = axis_of(dim, len(shape_of(input)))
    product, so_far = None, []
    for place in range(shape_of(input)[axis]):
        factor = select(input, axis, place)
        product = factor if product is None else product * factor
        so_far.append(product)
    return stack(so_far, axis) if so_far else input


def nansum(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum of what isn't NaN."""
    return reduce.sum(where(input != input, 0.0, input), dim, keepdim)


def nanmean(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The mean of what isn't NaN."""
    count = reduce.sum(input == input, dim, keepdim)
    return nansum(input, dim, keepdim) / count


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of the difference."""
    return norm(input - other, p)


def msort(input: Any) -> Any:
    """Sorted along the first axis."""
    return sort(input, 0).values


def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """The flattened values, those that repeat their neighbour left out."""
    x = array_of(input).reshape(-1)
    first = np.concatenate([np.ones(min(len(x), 1), bool), x[1:] != x[:-1]])
    parts = [as_tensor(x[first])]
    if return_inverse:
        parts.append(as_tensor((np.cumsum(first) - 1).reshape(shape_of(input))))
    if return_counts:
        parts.append(as_tensor(np.diff(np.append(np.flatnonzero(first), len(x)))))
    return parts[0] if len(parts) == 1 else tuple(parts)
