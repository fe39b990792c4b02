"""Softmax and its logarithm, logsumexp; and the running sum, cumsum.

The kernels work along the last axis of a matrix, so other axes are moved there and back.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.node import Node
from minigrad.kernels import softmax as kernels
from minigrad.ops.common import Dims, T, axis_of, converted, is_array, real, shape_of
from minigrad.ops.elementwise import Exp, floating
from minigrad.ops.reduction import Reduction
from minigrad.random import default_generator


def as_rows(x: Any, axes: tuple[int, ...]) -> Any:
    """The values along ``axes`` as the rows of a matrix."""
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    length = math.prod(x.shape[i] for i in axes)
    rows = math.prod(x.shape[i] for i in order[: x.ndim - len(axes)])
    return x.transpose(order).reshape(rows, length)


def from_rows(rows: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Rows as an array of this shape, in which they lie along ``axis``."""
    if axis >= len(shape) - 1:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(*shape[:axis], *shape[axis + 1 :], shape[axis]), -1, axis)


class Softmax(Node):
    """``exp(x) / sum(exp(x))`` along an axis. Backward: ``gx = y * (gy - sum(gy * y))``."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        self.axes = (self.axis,) if x.ndim else ()
        self.y = from_rows(kernels.softmax(as_rows(real(x), self.axes)), x.shape, self.axis)
        return self.y

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            rows = kernels.softmax_backward(as_rows(gy, self.axes), as_rows(self.y, self.axes))
            return from_rows(rows, gy.shape, self.axis)
        weighted = gy * self.y
        return weighted - self.y * weighted.sum(axis=self.axis, keepdims=True)


class LogSoftmax(Node):
    """``x - log(sum(exp(x)))`` along an axis. Backward: ``gx = gy - exp(y) * sum(gy)``."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        self.axes = (self.axis,) if x.ndim else ()
        self.y = from_rows(kernels.log_softmax(as_rows(real(x), self.axes)), x.shape, self.axis)
        return self.y

    def backward(self, gy: Any) -> Any:
        if is_array(gy):
            rows = kernels.log_softmax_backward(as_rows(gy, self.axes), as_rows(self.y, self.axes))
            return from_rows(rows, gy.shape, self.axis)
        return gy - Exp().apply_to(self.y) * gy.sum(axis=self.axis, keepdims=True)


class LogSumExp(Reduction):
    """``log(sum(exp(x)))`` over some axes. Backward: ``gx = gy * exp(x - y)``, ``gy`` times the softmax."""

    def forward(self, x: Any) -> Any:
        self.x = x = floating(x)
        axes = self.look_at(x)
        rows = as_rows(x, tuple(range(x.ndim)) if axes is None else axes)
        y = kernels.logsumexp(rows).reshape(self.kept_shape)
        self.y = y if self.keepdim else y.squeeze(axes)
        return self.y

    def backward(self, gy: Any) -> Any:
        y = self.y.reshape(self.kept_shape)
        return gy.reshape(self.kept_shape) * Exp().apply_to(self.x - y)


class Cumsum(Node):
    """The running sum along an axis, from its start or end. Backward: the running sum from the other end."""

    def __init__(self, axis: int, reverse: bool = False) -> None:
        self.axis, self.reverse = axis, reverse

    def forward(self, x: Any) -> Any:
        if not x.ndim:
            return x.copy()
        if self.reverse:
            return np.flip(np.cumsum(np.flip(x, self.axis), self.axis, x.dtype), self.axis)
        return np.cumsum(x, self.axis, x.dtype)

    def backward(self, gy: Any) -> Any:
        return Cumsum(self.axis, not self.reverse).apply_to(gy)


def _dim_for(name: str, dim: int | None, ndim: int) -> int:
    """The axis; without a dim, the one that PyTorch picks by the number of dimensions."""
    if dim is None:
        dim = 0 if ndim in (0, 1, 3) else 1
        warnings.warn(f"{name} without dim picks dim={dim} for {ndim} dimensions: say which", stacklevel=3)
    return axis_of(dim, ndim, name)


def softmax(input: T, dim: int | None = None, dtype: Any = None, *, axis: int | None = None, _stacklevel: int = 3) -> T:
    """``exp(input)`` scaled to sum to 1 along a dimension.

    Parameters
    ----------
    dim
        The dimension. Say it: the guess for None is 0 for one or three dimensions, and else 1.
    dtype
        Convert the input to this dtype first.
    axis
        NumPy's name for ``dim``.
    """
    input = converted("softmax", input, dtype)
    place = _dim_for("softmax", dim if axis is None else axis, len(shape_of(input)))
    return Softmax(place).apply_to(input)


def log_softmax(
    input: T, dim: int | None = None, dtype: Any = None, *, axis: int | None = None, _stacklevel: int = 3
) -> T:
    """The logarithm of ``softmax``, computed without its underflow; the parameters are the same."""
    input = converted("log_softmax", input, dtype)
    place = _dim_for("log_softmax", dim if axis is None else axis, len(shape_of(input)))
    return LogSoftmax(place).apply_to(input)


def logsumexp(
    input: T, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None, keepdims: bool | None = None
) -> T:
    """``log(sum(exp(input)))`` over dimensions, computed without overflow.

    Parameters
    ----------
    dim
        One dimension or several; all of them by default.
    keepdim
        Keep the reduced dimensions, with length 1.
    axis, keepdims
        NumPy's names for ``dim`` and ``keepdim``.
    """
    return LogSumExp(dim if axis is None else axis, keepdim if keepdims is None else keepdims).apply_to(input)


def cumsum(input: T, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> T:
    """The running sum along a dimension; of integers, an int64."""
    dim = dim if axis is None else axis
    if dim is None:
        raise TypeError("cumsum needs a dim")
    if dtype is None and arguments.tensor("cumsum", "input", input).dtype.kind in "bui":
        dtype = np.int64
    input = converted("cumsum", input, dtype)
    return Cumsum(axis_of(dim, len(shape_of(input)), "cumsum")).apply_to(input)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """Draw from classes by their logits so that the gradient passes: the softmax of noisy logits (Jang et al., 2017).

    ``hard`` gives a one where that is largest and zeros elsewhere, with the gradient of the soft one.
    """
    x = array_of(arguments.floats("gumbel_softmax", "logits", logits))
    tau, axis = arguments.number("gumbel_softmax", "tau", tau), axis_of(dim, x.ndim, "gumbel_softmax")
    hard = arguments.flag("gumbel_softmax", "hard", hard)
    noise = -np.log(default_generator().numpy.exponential(size=x.shape)).astype(x.dtype)
    soft = softmax((logits + as_tensor(noise)) / tau, axis)
    if not hard:
        return soft
    values = array_of(soft)
    place = np.expand_dims(values.argmax(axis), axis)
    one = np.zeros_like(values)
    np.put_along_axis(one, place, 1, axis)
    return as_tensor(one) - soft.detach() + soft
