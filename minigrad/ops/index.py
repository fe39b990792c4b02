"""Indexing, as in ``x[2:, None, mask]``, and its adjoint, which adds values back at an index."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.kernels import scatter
from minigrad.ops.common import T, axis_of, shape_of


class Index(Node):
    """``x[key]``. Backward: ``gy`` added at the same key of zeros; a place that was read twice gets the sum."""

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key = key

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        return x[self.key]

    def backward(self, gy: Any) -> Any:
        return IndexAdd(self.key, self.from_shape)(gy)


class IndexAdd(Node):
    """Zeros with the values ``x`` added at ``key``: the adjoint of ``Index``. Backward: ``gx = gy[key]``."""

    def __init__(self, key: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        self.key, self.shape = key, shape

    def forward(self, x: Any) -> Any:
        if any(isinstance(k, np.ndarray) and k.dtype != bool for k in self.key):
            return scatter.index_add(self.shape, self.key, x, x.dtype)
        y = np.zeros(self.shape, x.dtype)
        y[self.key] = x  # slices and masks name no place twice
        return y

    def backward(self, gy: Any) -> Any:
        return Index(self.key)(gy)


def _entry(k: Any) -> Any:
    """One entry of a key, with NumPy arrays for tensors and lists."""
    if isinstance(k, TensorBase):
        k = k.data
    elif isinstance(k, (list, tuple, range)):
        k = np.asarray([np.asarray(e.data) if isinstance(e, TensorBase) else e for e in k])
        if k.size == 0:
            k = k.astype(np.int64)
    elif isinstance(k, slice):
        return slice(*(e.data.item() if isinstance(e, TensorBase) else e for e in (k.start, k.stop, k.step)))
    if isinstance(k, np.ndarray):
        if k.dtype.kind not in "bui":
            raise IndexError(f"an index must be of integers or booleans, this one is {k.dtype}")
        if k.dtype == np.uint8:
            raise IndexError("a uint8 index is ambiguous: say .bool() for a mask, .long() for positions")
        if k.ndim == 0:
            return k.item()
    return k


def index(input: T, key: Any) -> T:
    """Give ``input[key]``, with PyTorch's meaning.

    Parameters
    ----------
    key
        An integer, slice, None, ``...``, an integer array, a boolean mask, a list, or a tuple of such;
        arrays may be tensors.

    Raises
    ------
    IndexError
        For an index out of range or of a wrong kind.
    """
    entries = tuple(map(_entry, key)) if type(key) is tuple else (_entry(key),)
    arrays = [k for k in entries if isinstance(k, np.ndarray)]
    if arrays and any(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in entries):
        # Beside arrays, NumPy takes an integer for an array and may move its axis to the front. PyTorch
        # selects first, and then applies the arrays.
        first, entries = _select_first(entries)
        input = Index(first)(input)
    result: T = Index(entries)(input)
    return result


def _select_first(entries: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Cut a key in two: the integers, slices and new axes first, and then the arrays."""
    first: list[Any] = []
    then: list[Any] = []
    for k in entries:
        if isinstance(k, np.ndarray):
            first.extend([slice(None)] * (k.ndim if k.dtype == bool else 1))
            then.append(k)
        elif isinstance(k, bool):
            then.append(k)
        else:
            first.append(k)
            if k is Ellipsis:
                then.append(k)
            elif k is None or isinstance(k, slice):
                then.append(slice(None))
    return tuple(first), tuple(then)


def index_select(input: T, dim: int, index: Any) -> T:
    """Give the slices along ``dim`` that a vector of integers names, in its order.

    Raises
    ------
    IndexError
        For an index out of range.
    """
    shape = shape_of(input)
    place = axis_of(dim, len(shape))
    wanted = np.atleast_1d(_array(index))
    if not shape:
        source: T = _as_vector(input)
        return _reshaped(Index((wanted,))(source), ())
    result: T = Index((slice(None),) * place + (wanted,))(input)
    return result
