"""Gather and scatter: one element picked, or added, for each element of an index.

``Gather`` and ``ScatterAdd`` are each other's adjoint: the gradient of the one is the other, so
derivatives of any order need no further rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag, tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.kernels import scatter
from minigrad.ops.common import T, axis_of, broadcast_shape, shape_of
from minigrad.ops.index import Index, integers
from minigrad.ops.shape import Expand, Reshape


class Gather(Node):
    """``y[i, j] = x[index[i, j], j]``, along one axis. Backward: ``gy`` added at the places it was read from."""

    def __init__(self, axis: int, places: Any) -> None:
        self.axis, self.places = axis, places

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        if self.places.size == 0:
            return np.empty(self.places.shape, x.dtype)
        _check_gather(self.from_shape, self.places, self.axis)
        return np.take_along_axis(x[_corner(self.places.shape, self.axis)], self.places, self.axis)

    def put(self, whole: Any, value: Any) -> None:
        _check_gather(whole.shape, self.places, self.axis)
        np.put_along_axis(whole[_corner(self.places.shape, self.axis)], self.places, value, self.axis)

    def backward(self, gy: Any) -> Any:
        return ScatterAdd(self.axis, self.places, self.from_shape).apply_to(gy)


class ScatterAdd(Node):
    """Zeros with ``y[index[i, j], j] += x[i, j]``, along one axis: the adjoint of ``Gather``, which is its backward."""

    def __init__(self, axis: int, index: Any, shape: tuple[int, ...]) -> None:
        self.axis, self.places, self.shape = axis, index, shape

    def forward(self, x: Any) -> Any:
        if self.places.size == 0:
            return np.zeros(self.shape, x.dtype)
        _check_gather(self.shape, self.places, self.axis)
        return scatter.scatter_add(self.shape, self.places, x, self.axis)

    def backward(self, gy: Any) -> Any:
        return Gather(self.axis, self.places).apply_to(gy)


def _corner(shape: tuple[int, ...], axis: int) -> tuple[slice, ...]:
    """The part of a tensor that an index of this shape reaches: all of the axis, the corner of the others."""
    return tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(shape))


def _check_gather(shape: tuple[int, ...], index: Any, axis: int) -> None:
    if len(shape) != index.ndim:
        raise ValueError(f"the index has {index.ndim} dimensions, the tensor {len(shape)}: they must be as many")
    for i, (n, m) in enumerate(zip(index.shape, shape, strict=True)):
        if i != axis and n > m:
            raise ValueError(f"the index has shape {index.shape}: along dim {i} it is larger than the tensor's {shape}")
    low, high = int(index.min()), int(index.max())
    if low < 0 or high >= shape[axis]:
        raise IndexError(f"index {low if low < 0 else high} is out of range for dim {axis}, of size {shape[axis]}")


def _gathered(input: Any, place: int, positions: Any) -> Any:
    """Gather; a tensor without dimensions counts as one of shape (1,)."""
    if input.shape != () or positions.ndim > 1:
        return Gather(place, positions).apply_to(input)
    return Reshape(positions.shape).apply_to(Gather(0, positions.reshape(-1)).apply_to(Reshape((1,)).apply_to(input)))


def positions(input: Any, dim: int, index: Any) -> tuple[int, Any]:
    """The axis and the integers that say where along it."""
    return axis_of(dim, len(shape_of(input))), integers(index)


def gather(input: T, dim: int, index: Any, *, sparse_grad: bool = False) -> T:
    """Pick one element along ``dim`` for each element of ``index``: ``y[i, j] = x[index[i, j], j]`` for ``dim=0``.

    Parameters
    ----------
    dim
        The axis along which to pick.
    index
        Integers, of as many dimensions as ``input``, and no larger along the other axes.
    sparse_grad
        Accepted for PyTorch's sake; gradients here are dense.

    Raises
    ------
    IndexError
        For an index out of range.
    """
    shape = tensor("gather", "input", input).shape
    flag("gather", "sparse_grad", sparse_grad)
    return _gathered(input, axis_of(dim, len(shape), "gather"), integers(index, "gather"))


def scatter_add(input: T, dim: int, index: Any, src: T) -> T:
    """Add every element of ``src`` where ``index`` says: ``y[index[i, j], j] += src[i, j]`` for ``dim=0``.

    Parameters
    ----------
    dim
        The axis along which the index counts.
    index
        Integers, of as many dimensions as ``input`` and ``src``.
    src
        What is added; at least as large as ``index``.

    Raises
    ------
    IndexError
        For an index out of range.
    """
    x, values = tensor("scatter_add", "input", input), tensor("scatter_add", "src", src)
    shape = x.shape
    place = axis_of(dim, len(shape), "scatter_add")
    positions = integers(index, "scatter_add")
    if values.dtype != x.dtype:
        raise OperationError(f"scatter_add: src is {values.dtype}, the tensor {x.dtype}; they must agree")
    if positions.shape != values.shape:
        if positions.size and (
            positions.ndim != len(values.shape)
            or any(n > m for n, m in zip(positions.shape, values.shape, strict=True))
        ):
            raise OperationError(f"scatter_add: index of shape {positions.shape} is larger than src, {values.shape}")
        values = Index(tuple(map(slice, positions.shape))).apply_to(values) if positions.size else values
    if positions.size == 0:
        return x + 0
    if shape == () and positions.ndim <= 1:
        added = Reshape(()).apply_to(ScatterAdd(0, positions.reshape(-1), (1,)).apply_to(values.reshape(-1)))
    else:
        added = ScatterAdd(place, positions, shape).apply_to(values)
    return x + added


def take_along_dim(input: T, indices: Any, dim: int | None = None, *, axis: int | None = None) -> T:
    """Pick elements along ``dim``, as the indices of ``argsort`` and ``argmax`` name them.

    Parameters
    ----------
    indices
        Integers; broadcast with ``input`` over the other axes.
    dim
        The axis; None for the place in the flattened tensor.
    axis
        NumPy's name for ``dim``.
    """
    positions = integers(indices, "take_along_dim")
    source: Any = tensor("take_along_dim", "input", input)
    dim = axis if dim is None else dim
    if dim is None:
        source, positions, dim = Reshape((-1,)).apply_to(source), positions.reshape(-1), 0
    shape = source.shape
    place = axis_of(dim, len(shape), "take_along_dim")
    if len(shape) != positions.ndim:
        raise OperationError(
            f"take_along_dim: the indices have {positions.ndim} dimensions, the tensor {len(shape)}: it must be as many"
        )
    others = ((*sizes[:place], 1, *sizes[place + 1 :]) for sizes in (shape, positions.shape))
    rest = broadcast_shape("take_along_dim", *others)
    full = (*rest[:place], *shape[place : place + 1], *rest[place + 1 :])
    if full != shape:
        source = Expand(full).apply_to(source)
    if shape:
        positions = np.broadcast_to(positions, (*rest[:place], positions.shape[place], *rest[place + 1 :]))
        positions = np.where(positions < 0, positions + shape[place], positions)
    return _gathered(source, place, positions)
