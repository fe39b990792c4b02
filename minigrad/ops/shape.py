"""The same elements in another shape or order: reshape, permute, expand and their kin.

Most of these are one of three nodes. ``Reshape`` reads the elements in the same order, ``Permute`` and
``Transpose`` reorder the axes, ``Expand`` repeats along axes without copying.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import integers, tensor, wrong_value
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import Dims, T, axes_of, axis_of, unbroadcast


class Reshape(Node):
    """``x`` in another shape, its elements in the same order. Backward: ``gx = gy.reshape(x.shape)``."""

    makes_view = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        try:
            return x.reshape(self.shape)
        except ValueError:
            raise ValueError(f"{x.size} elements can't be given the shape {self.shape}") from None

    def backward(self, gy: Any) -> Any:
        return gy.reshape(self.from_shape)


class Permute(Node):
    """Axis ``i`` of the result is axis ``dims[i]`` of ``x``. Backward: the inverse permutation of ``gy``."""

    makes_view = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Any) -> Any:
        return x.transpose(self.dims)

    def backward(self, gy: Any) -> Any:
        inverse = sorted(range(len(self.dims)), key=self.dims.__getitem__)
        return Permute(tuple(inverse)).apply_to(gy)


class Transpose(Node):
    """Two axes swapped. Backward: swap them back, ``gx = gy.swapaxes(dim0, dim1)``."""

    makes_view = True

    def __init__(self, dim0: int, dim1: int) -> None:
        self.dim0, self.dim1 = dim0, dim1

    def forward(self, x: Any) -> Any:
        return x.swapaxes(self.dim0, self.dim1)

    def backward(self, gy: Any) -> Any:
        return gy.swapaxes(self.dim0, self.dim1)


class Expand(Node):
    """``x`` repeated along axes of size 1, without a copy. Backward: ``gx = gy`` summed over those axes."""

    makes_view = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        try:
            return np.broadcast_to(x, self.shape)
        except ValueError:
            raise ValueError(f"only axes of size 1 can be repeated: {x.shape} can't become {self.shape}") from None

    def backward(self, gy: Any) -> Any:
        return unbroadcast(gy, self.from_shape)


def as_sizes(operation: str, given: Any, name: str = "sizes") -> tuple[int, ...]:
    """One tuple of integers, from ``f(2, 3)``, ``f((2, 3))``, ``f([2, 3])`` or ``f(2)``.

    Raises
    ------
    TypeError
        For what are no integers.
    """
    if type(given) is tuple:
        if len(given) == 1 and (isinstance(given[0], (tuple, list)) or getattr(given[0], "ndim", None)):
            given = given[0]
        elif all(type(n) is int and -(1 << 31) < n < 1 << 31 for n in given):  # as it usually is
            return given
    return tuple(integers(operation, name, given))


def _new_shape(operation: str, sizes: Any) -> tuple[int, ...]:
    """The shape for a ``Reshape``."""
    shape = as_sizes(operation, sizes, "shape")
    if min(shape, default=0) < -1:
        raise wrong_value(operation, "shape", "sizes, of which one may be -1", shape)
    return shape


def reshape(input: T, *sizes: Any, shape: Any = None) -> T:
    """Give the same elements in another shape.

    Parameters
    ----------
    sizes
        The new shape: ``x.reshape(2, -1)`` or ``x.reshape((2, -1))``. One size may be -1: it is found
        from the others.
    shape
        The same, by PyTorch's keyword.
    """
    return Reshape(_new_shape("reshape", sizes if shape is None else shape)).apply_to(tensor("reshape", "input", input))


def view(input: T, *sizes: Any) -> T:
    """Give the same elements in another shape; as ``reshape``, it copies where it must."""
    return Reshape(_new_shape("view", sizes)).apply_to(tensor("view", "input", input))


def view_as(input: T, other: Any) -> T:
    """Give the same elements in the shape of ``other``."""
    return Reshape(tensor("view_as", "other", other).shape).apply_to(input)


def reshape_as(input: T, other: Any) -> T:
    """Give the same elements in the shape of ``other``."""
    return Reshape(tensor("reshape_as", "other", other).shape).apply_to(input)


def permute(input: T, *axes: Any, dims: Any = None) -> T:
    """Reorder the axes: ``x.permute(0, 2, 3, 1)`` or ``permute(x, (0, 2, 3, 1))``.

    Raises
    ------
    OperationError
        If the dims don't name every axis once.
    """
    order = as_sizes("permute", axes if dims is None else dims, "dims")
    ndim = tensor("permute", "input", input).ndim
    if len(order) != ndim:
        raise OperationError(f"permute: dims={order} names {len(order)} axes, the tensor has {ndim}")
    return Permute(axes_of(order, ndim, "permute")).apply_to(input)


def transpose(input: T, dim0: int, dim1: int) -> T:
    """Swap two axes."""
    ndim = tensor("transpose", "input", input).ndim
    first, second = axis_of(dim0, ndim, "transpose"), axis_of(dim1, ndim, "transpose")
    return Transpose(first, second).apply_to(input) if ndim else input


def swapaxes(input: T, axis0: int, axis1: int) -> T:
    """Swap two axes; NumPy's name for ``transpose``."""
    ndim = tensor("swapaxes", "input", input).ndim
    first, second = axis_of(axis0, ndim, "swapaxes"), axis_of(axis1, ndim, "swapaxes")
    return Transpose(first, second).apply_to(input) if ndim else input


def t(input: T) -> T:
    """Transpose a matrix; a vector and a scalar stay as they are.

    Raises
    ------
    OperationError
        For more than two dimensions.
    """
    ndim = tensor("t", "input", input).ndim
    if ndim > 2:
        raise OperationError(f"t() is for matrices, this tensor has {ndim} dimensions: say transpose(dim0, dim1)")
    return Transpose(0, 1).apply_to(input) if ndim == 2 else input


def movedim(input: T, source: int | Sequence[int], destination: int | Sequence[int]) -> T:
    """Move axes to other positions; the others keep their order.

    Raises
    ------
    OperationError
        If ``source`` and ``destination`` name different numbers of axes.
    """
    ndim = tensor("movedim", "input", input).ndim
    moved, places = (
        axes_of(as_sizes("movedim", given, name), ndim, "movedim")
        for given, name in ((source, "source"), (destination, "destination"))
    )
    if len(moved) != len(places):
        raise OperationError(f"movedim: source={source} and destination={destination} differ in length")
    if ndim == 0:
        return input
    order = [axis for axis in range(ndim) if axis not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        order.insert(place, axis)
    return Permute(tuple(order)).apply_to(input)


def squeeze(input: T, dim: Dims = None, *, axis: Dims = None) -> T:
    """Drop axes of size 1: all of them, or those that ``dim`` names."""
    shape = tensor("squeeze", "input", input).shape
    dim = axis if dim is None else dim
    if isinstance(dim, (tuple, list)) and not dim:
        return input
    named = axes_of(dim, len(shape), "squeeze")
    return Reshape(tuple(n for i, n in enumerate(shape) if n != 1 or i not in named)).apply_to(input)


def unsqueeze(input: T, dim: int) -> T:
    """Insert an axis of size 1, so that it is axis ``dim`` of the result."""
    shape = tensor("unsqueeze", "input", input).shape
    place = axis_of(dim, len(shape) + 1, "unsqueeze")
    return Reshape((*shape[:place], 1, *shape[place:])).apply_to(input)


def flatten(input: T, start_dim: int = 0, end_dim: int = -1) -> T:
    """Merge the axes from ``start_dim`` to ``end_dim`` into one.

    Raises
    ------
    OperationError
        If ``start_dim`` comes after ``end_dim``.
    """
    shape = tensor("flatten", "input", input).shape
    start, end = axis_of(start_dim, len(shape), "flatten"), axis_of(end_dim, len(shape), "flatten")
    if start > end:
        raise OperationError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}")
    merged = math.prod(shape[start : end + 1])
    return Reshape((*shape[:start], merged, *shape[end + 1 :])).apply_to(input)


def unflatten(input: T, dim: int, sizes: Sequence[int]) -> T:
    """Split axis ``dim`` into axes of the given sizes; one of them may be -1.

    Raises
    ------
    OperationError
        If the sizes don't multiply to the size of the axis.
    """
    shape = tensor("unflatten", "input", input).shape
    place = axis_of(dim, len(shape), "unflatten")
    if not shape:
        raise OperationError("unflatten: a tensor without dimensions has no axis to split")
    parts = as_sizes("unflatten", sizes)
    known = math.prod(n for n in parts if n != -1)
    if -1 in parts and known and shape[place] % known == 0:
        parts = tuple(shape[place] // known if n == -1 else n for n in parts)
    if math.prod(parts) != shape[place] or min(parts, default=0) < 0:
        raise OperationError(f"unflatten: sizes={parts} don't multiply to {shape[place]}, the size of dim {dim}")
    return Reshape((*shape[:place], *parts, *shape[place + 1 :])).apply_to(input)


def expand(input: T, *sizes: Any, size: Any = None) -> T:
    """Repeat along axes of size 1, without a copy.

    Parameters
    ----------
    sizes
        The new shape, in which -1 keeps an axis as it is; it may have more axes, in front.
    size
        The same, by PyTorch's keyword.

    Raises
    ------
    OperationError
        If an axis that isn't of size 1 would change.
    """
    target = as_sizes("expand", sizes if size is None else size)
    shape = tensor("expand", "input", input).shape
    extra = len(target) - len(shape)
    if extra < 0:
        raise OperationError(f"expand: {target} has fewer dimensions than the tensor's shape {shape}")
    if -1 in target[:extra]:
        raise OperationError(f"expand: -1 keeps a size, but in {target} it stands for an axis that {shape} lacks")
    return Expand(tuple(shape[i - extra] if n == -1 else n for i, n in enumerate(target))).apply_to(input)


def broadcast_to(input: T, size: Sequence[int]) -> T:
    """Repeat along axes of size 1, without a copy; as ``expand``."""
    return expand(input, size)


def expand_as(input: T, other: Any) -> T:
    """Repeat along axes of size 1, to the shape of ``other``."""
    return Expand(tensor("expand_as", "other", other).shape).apply_to(input)


def contiguous(input: T, memory_format: Any = None) -> T:
    """Give back the tensor itself: operations here take any memory layout."""
    return tensor("contiguous", "input", input)
