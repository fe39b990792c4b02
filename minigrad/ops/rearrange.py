"""Elements copied or moved along axes: repeat, flip, roll; and the parts of a matrix: tril, triu, diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import integer, room, tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T, axes_of, axis_of, shape_of
from minigrad.ops.shape import as_sizes


class Repeat(Node):
    """``x`` laid side by side, ``repeats[i]`` times along axis ``i``. Backward: ``gx`` sums ``gy`` over the copies."""

    def __init__(self, repeats: tuple[int, ...]) -> None:
        self.repeats = repeats

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        return np.tile(x, self.repeats)

    def backward(self, gy: Any) -> Any:
        shape = (1,) * (len(self.repeats) - len(self.from_shape)) + self.from_shape
        pairs = [n for pair in zip(self.repeats, shape, strict=True) for n in pair]  # (copies, size) for each axis
        return gy.reshape(tuple(pairs)).sum(axis=tuple(range(0, len(pairs), 2))).reshape(self.from_shape)


class Flip(Node):
    """``x`` in reverse along some axes. Backward: ``gy`` in reverse along the same ones."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes = axes

    def forward(self, x: Any) -> Any:
        return np.flip(x, self.axes)

    def backward(self, gy: Any) -> Any:
        return Flip(self.axes).apply_to(gy)


class Roll(Node):
    """``x`` shifted along axes, what leaves at one end entering at the other. Backward: ``gy`` shifted back."""

    def __init__(self, shifts: tuple[int, ...], axes: tuple[int, ...] | None) -> None:
        self.shifts, self.axes = shifts, axes

    def forward(self, x: Any) -> Any:
        return np.roll(x, self.shifts if self.axes is not None else self.shifts[0], self.axes)

    def backward(self, gy: Any) -> Any:
        return Roll(tuple(-shift for shift in self.shifts), self.axes)(gy)


class Tril(Node):
    """``x`` with zeros above a diagonal of its last two axes. Backward: the same of ``gy``."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def forward(self, x: Any) -> Any:
        if x.ndim < 2:
            raise ValueError("a triangle needs at least two dimensions")
        return np.tril(x, self.offset)

    def backward(self, gy: Any) -> Any:
        return Tril(self.offset).apply_to(gy)


class Triu(Node):
    """``x`` with zeros below a diagonal of its last two axes. Backward: the same of ``gy``."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def forward(self, x: Any) -> Any:
        if x.ndim < 2:
            raise ValueError("a triangle needs at least two dimensions")
        return np.triu(x, self.offset)

    def backward(self, gy: Any) -> Any:
        return Triu(self.offset).apply_to(gy)


class Diagonal(Node):
    """A diagonal of two axes, as the last axis. Backward: ``gy`` on that diagonal of zeros."""

    makes_view = True

    def __init__(self, offset: int, dim1: int, dim2: int) -> None:
        self.offset, self.dim1, self.dim2 = offset, dim1, dim2

    def forward(self, x: Any) -> Any:
        self.from_shape = x.shape
        y = np.diagonal(x, self.offset, self.dim1, self.dim2)
        if x.flags.writeable:
            y.flags.writeable = True  # a view that can be written to, as in PyTorch
        return y

    def backward(self, gy: Any) -> Any:
        return DiagonalPut(self.from_shape, self.offset, self.dim1, self.dim2).apply_to(gy)


class DiagonalPut(Node):
    """Zeros with ``x`` on a diagonal: the adjoint of ``Diagonal``. Backward: that diagonal of ``gy``."""

    def __init__(self, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> None:
        self.shape, self.offset, self.dim1, self.dim2 = shape, offset, dim1, dim2

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.shape, x.dtype)
        rows = np.arange(x.shape[-1]) + max(-self.offset, 0)
        np.moveaxis(y, (self.dim1, self.dim2), (-2, -1))[..., rows, rows + self.offset] = x
        return y

    def backward(self, gy: Any) -> Any:
        return Diagonal(self.offset, self.dim1, self.dim2).apply_to(gy)


def repeat(input: T, *sizes: Any, repeats: Any = None) -> T:
    """Lay copies side by side: ``x.repeat(2, 3)`` twice along axis 0 and three times along axis 1.

    Parameters
    ----------
    sizes
        How often along each axis; more numbers than axes add axes in front.
    repeats
        The same, by PyTorch's keyword.

    Raises
    ------
    OperationError
        If there are fewer numbers than axes, or a negative one.
    """
    times = as_sizes("repeat", sizes if repeats is None else repeats, "repeats")
    ndim = tensor("repeat", "input", input).ndim
    if len(times) < ndim:
        raise OperationError(f"repeat: {times} gives {len(times)} numbers, the tensor has {ndim} dimensions: say tile")
    if min(times, default=0) < 0:
        raise OperationError(f"repeat: the numbers of copies {times} can't be negative")
    shape = (1,) * (len(times) - ndim) + tuple(shape_of(input))
    room("repeat", tuple(n * k for n, k in zip(shape, times, strict=True)), np.int8)
    return Repeat(times).apply_to(input)


def tile(input: T, *sizes: Any, dims: Any = None) -> T:
    """Lay copies side by side; where there are fewer numbers than axes, they count for the last axes."""
    times = as_sizes("tile", sizes if dims is None else dims, "dims")
    return repeat(input, (1,) * (len(shape_of(input)) - len(times)) + times)


def flip(input: T, *axes: Any, dims: Any = None) -> T:
    """Reverse the order of the elements along axes: ``x.flip(0)`` or ``flip(x, (0, 1))``."""
    named = as_sizes("flip", axes if dims is None else dims, "dims")
    ndim = tensor("flip", "input", input).ndim
    return Flip(axes_of(named, ndim, "flip") if named else ()).apply_to(input)


def roll(input: T, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> T:
    """Shift the elements along axes; what leaves at one end enters at the other.

    Parameters
    ----------
    shifts
        How far, for each of ``dims``.
    dims
        The axes; with None the flattened tensor is shifted.

    Raises
    ------
    OperationError
        If there aren't as many shifts as dims.
    """
    steps = as_sizes("roll", shifts, "shifts")
    named = () if dims is None else as_sizes("roll", dims, "dims")
    if len(steps) != (len(named) or 1):
        raise OperationError(f"roll: shifts={shifts} and dims={dims} must be as many")
    ndim = tensor("roll", "input", input).ndim
    axes = tuple(axis_of(d, ndim, "roll") for d in named)
    return Roll(steps, axes if axes and ndim else None).apply_to(input)


def tril(input: T, diagonal: int = 0) -> T:
    """Keep the lower triangle of the last two axes, up to a diagonal; the rest is 0."""
    return Tril(integer("tril", "diagonal", diagonal)).apply_to(input)


def triu(input: T, diagonal: int = 0) -> T:
    """Keep the upper triangle of the last two axes, from a diagonal on; the rest is 0."""
    return Triu(integer("triu", "diagonal", diagonal)).apply_to(input)


def diagonal(input: T, offset: int = 0, dim1: int = 0, dim2: int = 1) -> T:
    """Give a diagonal of two axes, as the last axis of the result.

    Parameters
    ----------
    offset
        0 is the main diagonal, positive ones are above it.
    dim1, dim2
        The two axes.
    """
    ndim = len(shape_of(input))
    first, second = axis_of(dim1, ndim, "diagonal"), axis_of(dim2, ndim, "diagonal")
    if first == second:
        raise OperationError(f"diagonal: dim1={dim1} and dim2={dim2} must be two different dimensions")
    return Diagonal(integer("diagonal", "offset", offset), first, second).apply_to(input)


def diag(input: T, diagonal: int = 0) -> T:
    """Give the diagonal of a matrix, or the matrix that has a vector on its diagonal."""
    shape = tensor("diag", "input", input).shape
    diagonal = integer("diag", "diagonal", diagonal)
    if len(shape) not in (1, 2):
        raise OperationError(f"diag takes a vector or a matrix, not shape {shape}: say diagonal(dim1=, dim2=)")
    size = shape[0] + abs(diagonal)
    if len(shape) == 1:
        room("diag", (size, size), np.int8)
    node = DiagonalPut((size, size), diagonal, 0, 1) if len(shape) == 1 else Diagonal(diagonal, 0, 1)
    return node.apply_to(input)
