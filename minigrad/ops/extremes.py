"""The largest and the smallest: amax, amin, max, min, argmax, argmin; and of booleans: all, any.

The gradient goes back to where the value came from. ``amax``, and ``max`` without a dim, share it evenly
among equal values; ``max`` along a dim gives it all to the one whose index it returns, as in PyTorch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.arguments import flag, tensor
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.node import Node
from minigrad.ops.common import Dims, T, axis_of
from minigrad.ops.reduction import Reduction
from minigrad.ops.select import masked, maximum, minimum


class ValuesIndices(NamedTuple):
    """Values, and where they were along the dimension."""

    values: Any
    indices: Any


class Amax(Reduction):
    """The largest value over some axes. Backward: ``gy`` is shared evenly among the values equal to it."""

    def forward(self, x: Any) -> Any:
        self.x = x
        self.y = x.max(axis=self.look_at(x), keepdims=self.keepdim)
        return self.y

    def backward(self, gy: Any) -> Any:
        x, y = array_of(self.x), array_of(self.y).reshape(self.kept_shape)
        taken = (x == y) | ((x != x) & (y != y))  # NaN, which isn't equal to itself, wins too
        ties = taken.sum(axis=self.axes, dtype=x.dtype, keepdims=True)
        return masked(gy.reshape(self.kept_shape) / ties, taken)


class Amin(Amax):
    """The smallest value over some axes. Backward: ``gy`` is shared evenly among the values equal to it."""

    def forward(self, x: Any) -> Any:
        self.x = x
        self.y = x.min(axis=self.look_at(x), keepdims=self.keepdim)
        return self.y


class Max(Node):
    """The largest value along one axis, and its index. Backward: ``gy`` goes to that place, 0 elsewhere."""

    find: Any = staticmethod(np.argmax)

    def __init__(self, dim: int, keepdim: bool) -> None:
        self.dim, self.keepdim = dim, flag(type(self).__name__, "keepdim", keepdim)

    def forward(self, x: Any) -> Any:
        axis = axis_of(self.dim, x.ndim)
        self.kept_shape = x.shape[:axis] + (1,) * (x.ndim > 0) + x.shape[axis + 1 :]
        if not x.ndim:
            self.taken = np.True_
            return x.copy(), np.zeros((), np.int64)
        index = self.find(x, axis, keepdims=True)
        self.taken = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - axis - 1)) == index
        values = np.take_along_axis(x, index, axis)
        return (values, index) if self.keepdim else (values.squeeze(axis), index.squeeze(axis))

    def backward(self, gy: Any, gindex: Any) -> Any:
        return masked(gy.reshape(self.kept_shape), self.taken)


class Min(Max):
    """The smallest value along one axis, and its index. Backward: ``gy`` goes to that place, 0 elsewhere."""

    find: Any = staticmethod(np.argmin)


class Position(Node):
    """The index of the largest or smallest value (``np.argmax``, ``np.argmin``); it has no gradient."""

    def __init__(self, function: Any, dim: int | None, keepdim: bool) -> None:
        self.function, self.dim, self.keepdim = function, dim, flag(function.__name__, "keepdim", keepdim)

    def forward(self, x: Any) -> Any:
        axis = None if self.dim is None else axis_of(self.dim, x.ndim)
        return np.asarray(self.function(x, axis=axis if x.ndim else None, keepdims=self.keepdim))


class Quantifier(Reduction):
    """Whether all or any of the values are true (``np.all``, ``np.any``); it has no gradient."""

    def __init__(self, function: Any, dim: Dims, keepdim: bool) -> None:
        super().__init__(dim, keepdim)
        self.function = function

    def forward(self, x: Any) -> Any:
        y = self.function(x, axis=self.look_at(x), keepdims=self.keepdim)
        return np.asarray(y, dtype=np.uint8 if x.dtype == np.uint8 else np.bool_)


def amax(input: T, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None, keepdims: bool | None = None) -> T:
    """The largest value over all dimensions or those given; equal ones share its gradient."""
    return Amax(dim if axis is None else axis, keepdim if keepdims is None else keepdims).apply_to(input)


def amin(input: T, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None, keepdims: bool | None = None) -> T:
    """The smallest value over all dimensions or those given; equal ones share its gradient."""
    return Amin(dim if axis is None else axis, keepdim if keepdims is None else keepdims).apply_to(input)


def max(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> Any:
    """The largest value: of all, along one dimension, or of two tensors.

    Parameters
    ----------
    dim
        A dimension; or a second tensor, and then this is ``maximum(input, dim)``.
    keepdim
        Keep the dimension, with length 1.
    other
        The second tensor, by its name.
    axis, keepdims
        NumPy's names for ``dim`` and ``keepdim``.

    Returns
    -------
    Tensor, or ValuesIndices
        With a dim: ``values`` and ``indices``, where the first of equal values counts.
    """
    dim = dim if axis is None else axis
    if other is not None or isinstance(dim, (TensorBase, np.ndarray)):
        return maximum(input, dim if other is None else other)
    if dim is None:
        return Amax(None, keepdim if keepdims is None else keepdims).apply_to(input)
    return ValuesIndices(*Max(dim, keepdim if keepdims is None else keepdims).apply_to(input))


def min(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> Any:
    """The smallest value: of all, along one dimension, or of two tensors; see ``max``."""
    dim = dim if axis is None else axis
    if other is not None or isinstance(dim, (TensorBase, np.ndarray)):
        return minimum(input, dim if other is None else other)
    if dim is None:
        return Amin(None, keepdim if keepdims is None else keepdims).apply_to(input)
    return ValuesIndices(*Min(dim, keepdim if keepdims is None else keepdims).apply_to(input))


def argmax(
    input: T,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> T:
    """The index of the first largest value along a dimension; without one, in the flattened tensor."""
    node = Position(np.argmax, dim if axis is None else axis, keepdim if keepdims is None else keepdims)
    return node.apply_to(tensor("argmax", "input", input))


def argmin(
    input: T,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> T:
    """The index of the first smallest value along a dimension; without one, in the flattened tensor."""
    node = Position(np.argmin, dim if axis is None else axis, keepdim if keepdims is None else keepdims)
    return node.apply_to(tensor("argmin", "input", input))


def all(input: T, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None, keepdims: bool | None = None) -> T:
    """Whether all values are true (not 0), over all dimensions or those given."""
    node = Quantifier(np.all, dim if axis is None else axis, keepdim if keepdims is None else keepdims)
    return node.apply_to(tensor("all", "input", input))


def any(input: T, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None, keepdims: bool | None = None) -> T:
    """Whether any value is true (not 0), over all dimensions or those given."""
    node = Quantifier(np.any, dim if axis is None else axis, keepdim if keepdims is None else keepdims)
    return node.apply_to(tensor("any", "input", input))
