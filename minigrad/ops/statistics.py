"""Order and counts: median, kthvalue, quantile, mode, unique, bincount, histc, searchsorted, nonzero, isclose.

What picks an element passes its gradient to that element; what counts has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag, floats, integer, number, room, tensor, tensor_or_none, tensors, wrong_value
from minigrad.engine.base import TensorBase, array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops import reduce
from minigrad.ops.common import along, axis_of, broadcast_shape, clone, shape_of
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
    shape = tensor("kthvalue", "input", input).shape
    axis = axis_of(dim, len(shape), "kthvalue")
    size = shape[axis] if shape else 1
    k, keepdim = integer("kthvalue", "k", k), flag("kthvalue", "keepdim", keepdim)
    if not 1 <= k <= size:
        raise OperationError(f"kthvalue: k={k} must be between 1 and the {size} values along dim={dim}")
    both = (narrow(part, axis, k - 1, 1) for part in sort(input, axis))
    return ValuesIndices(*(part if keepdim else squeeze(part, axis) for part in both))


def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle value: of all, or along ``dim`` with its place; of an even number the lower one, as in PyTorch."""
    shape = tensor("median", "input", input).shape
    keepdim = flag("median", "keepdim", keepdim)
    if dim is None:
        flat = ravel(input)
        return kthvalue(flat, (shape_of(flat)[0] + 1) // 2).values
    axis = axis_of(dim, len(shape), "median")
    return kthvalue(input, ((shape[axis] if shape else 1) + 1) // 2, dim, keepdim)


def mode(input: Any, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent value along ``dim`` (of several the smallest), and its last place."""
    axis = axis_of(dim, len(tensor("mode", "input", input).shape), "mode")
    keepdim = flag("mode", "keepdim", keepdim)
    if not shape_of(input):
        return ValuesIndices(input, as_tensor(np.int64(0)))
    x = np.moveaxis(array_of(input), axis, -1)
    if not x.shape[-1]:
        raise OperationError(f"mode: there is no value along dim={dim} of shape {shape_of(input)}")
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
    x = floats("quantile", "input", input)
    shares = q if isinstance(q, (TensorBase, np.ndarray)) else np.asarray(number("quantile", "q", q))
    share = array_of(floats("quantile", "q", shares)).astype(np.float64)
    if share.ndim > 1 or (array_of(shares).dtype != x.dtype and shares is q):
        raise wrong_value("quantile", "q", f"a number, or a vector of the input's dtype, {x.dtype}", q)
    keepdim = flag("quantile", "keepdim", keepdim)
    if not ((share >= 0) & (share <= 1)).all():
        raise OperationError(f"quantile: q={q} must be between 0 and 1")
    axis = 0 if dim is None else axis_of(dim, len(shape_of(input)), "quantile")
    if dim is None or not shape_of(x):
        x = ravel(x)
    if not shape_of(x)[axis]:
        raise OperationError(f"quantile: there is no value in an input of shape {shape_of(input)}")
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
    if dim is not None:
        dim = axis_of(dim, len(tensor("aminmax", "input", input).shape), "aminmax")
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different values in order; on wish where each element is among them, and how often each comes."""
    flag("unique", "sorted", sorted)
    return_inverse = flag("unique", "return_inverse", return_inverse)
    return_counts = flag("unique", "return_counts", return_counts)
    axis = None if dim is None else axis_of(dim, len(tensor("unique", "input", input).shape), "unique")
    how: Any = {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis}
    found: Any = np.unique(array_of(tensor("unique", "input", input)), **how)  # one array, or a tuple
    if not isinstance(found, tuple):
        return as_tensor(found)
    parts = list(found)
    if return_inverse:
        parts[1] = parts[1].reshape(shape_of(input) if dim is None else -1)
    return tuple(map(as_tensor, parts))


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each integer comes, or the sum of its weights."""
    x = array_of(tensor("bincount", "input", input))
    w = None if tensor_or_none("bincount", "weights", weights) is None else array_of(weights)
    minlength = integer("bincount", "minlength", minlength, 0)
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x < 0).any():
        raise wrong_value("bincount", "input", "a vector of integers of at least 0", input)
    if w is not None and w.shape != x.shape:
        raise wrong_value("bincount", "weights", f"a vector of {len(x)} numbers, one an element of input", weights)
    room("bincount", (max(int(x.max(initial=0)), minlength),), np.int64)
    counted = np.bincount(x, w, minlength)
    return as_tensor(counted if weights is None else counted.astype(array_of(weights).dtype))


def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many values lie in each of so many equal intervals, by default from the smallest value to the largest."""
    x = array_of(floats("histc", "input", input))
    bins = integer("histc", "bins", bins, 1)
    room("histc", (bins,), x.dtype)
    low, high = number("histc", "min", min), number("histc", "max", max)
    if low == high == 0 and x.size:
        low, high = float(x.min()), float(x.max())
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise OperationError(f"histc: the range must be finite and in order, it is from {low} to {high}")
    return as_tensor(np.histogram(x, bins, (low, high))[0].astype(x.dtype))


def searchsorted(sorted_sequence: Any, values: Any, *, right: bool = False) -> Any:
    """Where values would be put into a sorted vector: before equal ones, or with ``right`` behind them."""
    side: Any = "right" if flag("searchsorted", "right", right) else "left"
    if not isinstance(values, (int, float)):
        tensor("searchsorted", "values", values)
    if tensor("searchsorted", "sorted_sequence", sorted_sequence).ndim != 1:
        raise wrong_value("searchsorted", "sorted_sequence", "a vector", sorted_sequence)
    return as_tensor(np.asarray(np.searchsorted(array_of(sorted_sequence), array_of(values), side)))


def bucketize(input: Any, boundaries: Any, *, right: bool = False) -> Any:
    """In which interval between sorted boundaries each element lies."""
    return searchsorted(boundaries, input, right=right)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Where the elements aren't 0: a row of indices each, or a vector for each dimension."""
    x = array_of(tensor("nonzero", "input", input))
    if flag("nonzero", "as_tuple", as_tuple):
        return tuple(map(as_tensor, np.nonzero(np.atleast_1d(x))))
    return as_tensor(np.stack(np.nonzero(x), 1) if x.ndim else np.zeros((int(x != 0), 0), np.int64))


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether ``|input - other| <= atol + rtol * |other|``."""
    close: Any = _close("isclose", input, other, rtol, atol, equal_nan)
    return as_tensor(close)


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether that holds for all elements."""
    return bool(_close("allclose", input, other, rtol, atol, equal_nan).all())


def _close(name: str, input: Any, other: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    tensors(name, input=input, other=other)
    broadcast_shape(name, shape_of(input), shape_of(other))
    bounds = number(name, "rtol", rtol, 0), number(name, "atol", atol, 0)
    return np.asarray(np.isclose(array_of(input), array_of(other), *bounds, flag(name, "equal_nan", equal_nan)))


def equal(input: Any, other: Any) -> bool:
    """Whether shapes and all elements are the same."""
    tensors("equal", input=input, other=other)
    return np.array_equal(array_of(input), array_of(other))


def isin(elements: Any, test_elements: Any, *, invert: bool = False) -> Any:
    """Whether each element is one of others."""
    for name, value in (("elements", elements), ("test_elements", test_elements)):
        if not isinstance(value, (int, float)):
            tensor("isin", name, value)
    there = np.isin(array_of(elements), array_of(test_elements), invert=flag("isin", "invert", invert))
    return as_tensor(there)


def cumprod(input: Any, dim: int) -> Any:
    """The running product along ``dim``."""
    axis = axis_of(dim, len(tensor("cumprod", "input", input).shape), "cumprod")
    if not shape_of(input):
        return clone(input)
    product, so_far = None, []
    for place in range(shape_of(input)[axis]):
        factor = select(input, axis, place)
        product = factor if product is None else product * factor
        so_far.append(product)
    return stack(so_far, axis) if so_far else input


def nansum(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum of what isn't NaN."""
    tensor("nansum", "input", input)
    return reduce.sum(where(input != input, 0.0, input), dim, keepdim)


def nanmean(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The mean of what isn't NaN."""
    floats("nanmean", "input", input)
    count = reduce.sum(input == input, dim, keepdim)
    return nansum(input, dim, keepdim) / count


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of the difference."""
    tensors("dist", input=input, other=other)
    return norm(input - other, number("dist", "p", p))


def msort(input: Any) -> Any:
    """Sorted along the first axis."""
    return sort(input, 0).values


def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """The flattened values, those that repeat their neighbour left out."""
    x = array_of(tensor("unique_consecutive", "input", input)).reshape(-1)
    first = np.concatenate([np.ones(min(len(x), 1), bool), x[1:] != x[:-1]])
    parts = [as_tensor(x[first])]
    if flag("unique_consecutive", "return_inverse", return_inverse):
        parts.append(as_tensor((np.cumsum(first) - 1).reshape(shape_of(input))))
    if flag("unique_consecutive", "return_counts", return_counts):
        parts.append(as_tensor(np.diff(np.append(np.flatnonzero(first), len(x)))))
    return parts[0] if len(parts) == 1 else tuple(parts)
