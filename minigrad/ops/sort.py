"""Sorting: sort, argsort, topk. The indices are constants; the gradient goes back to where each value was."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.arguments import flag, integer, tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T, axis_of
from minigrad.ops.gather import ScatterAdd
from minigrad.ops.shape import reshape


class Sorted(NamedTuple):
    """Values, and where each of them was."""

    values: Any
    indices: Any


class Sort(Node):
    """The ``k`` first values along an axis in order, and where they were. Backward: ``gy`` goes back there."""

    def __init__(self, axis: int, descending: bool, k: int | None = None) -> None:
        self.axis, self.descending, self.k = axis, descending, k

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        self.places = _order(x, self.axis, self.descending)[(slice(None),) * self.axis + (slice(self.k),)]
        # (A copy, as the caller may change it before backward.)
        return np.take_along_axis(x, self.places, self.axis), self.places.copy()

    def backward(self, gy: Any, gindices: Any) -> Any:
        return ScatterAdd(self.axis, self.places, self.from_shape).apply_to(gy)


class ArgSort(Node):
    """The order that sorts an axis; it has no gradient."""

    def __init__(self, axis: int, descending: bool) -> None:
        self.axis, self.descending = axis, descending

    def forward(self, x: Any) -> Any:
        return _order(x, self.axis, self.descending)


def _order(x: Any, axis: int, descending: bool) -> Any:
    """The places of the elements, in order; equal ones keep theirs, NaN is the largest of all."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    # Reversed before and after: so equal elements keep their order here too.
    return np.flip(x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


def sort(input: T, dim: int = -1, descending: bool = False, stable: bool = False, *, axis: int | None = None) -> Sorted:
    """Sort along a dimension.

    Parameters
    ----------
    dim
        The dimension.
    descending
        The largest first.
    stable
        Accepted for PyTorch's sake; equal elements always keep their order here.
    axis
        NumPy's name for ``dim``.

    Returns
    -------
    Sorted
        ``values`` and ``indices``.
    """
    shape = tensor("sort", "input", input).shape
    place = axis_of(dim if axis is None else axis, len(shape), "sort")
    descending, _ = flag("sort", "descending", descending), flag("sort", "stable", stable)
    if not shape:
        values, indices = Sort(0, descending).apply_to(reshape(input, 1))
        return Sorted(reshape(values, ()), reshape(indices, ()))
    return Sorted(*Sort(place, descending).apply_to(input))


def argsort(input: T, dim: int = -1, descending: bool = False, stable: bool = False, *, axis: int | None = None) -> T:
    """Give the indices that sort a dimension; the parameters are those of ``sort``."""
    shape = tensor("argsort", "input", input).shape
    place = axis_of(dim if axis is None else axis, len(shape), "argsort")
    descending, _ = flag("argsort", "descending", descending), flag("argsort", "stable", stable)
    if not shape:
        return sort(input).indices
    return ArgSort(place, descending).apply_to(input)


def topk(
    input: T, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, axis: int | None = None
) -> Sorted:
    """Give the ``k`` largest (or smallest) elements along a dimension, in order.

    Parameters
    ----------
    k
        How many.
    dim
        The dimension.
    largest
        False for the smallest ones.
    sorted
        Accepted for PyTorch's sake; the elements always come in order.
    axis
        NumPy's name for ``dim``.

    Returns
    -------
    Sorted
        ``values`` and ``indices``.

    Raises
    ------
    OperationError
        If there are fewer than ``k`` elements.
    """
    shape = tensor("topk", "input", input).shape
    place = axis_of(dim if axis is None else axis, len(shape), "topk")
    k, largest = integer("topk", "k", k, 0), flag("topk", "largest", largest)
    flag("topk", "sorted", sorted)
    size = shape[place] if shape else 1
    if k > size:
        raise OperationError(f"topk: k={k} elements are asked for, dim {dim} has {size}")
    if not shape:
        return sort(input)
    return Sorted(*Sort(place, largest, k).apply_to(input))
