"""Several values to one, and one to several: cat and split, stack and unbind are each other's adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import integer, integers, sequence, tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.ops.common import T, along, axis_of, cast, result_type


class Cat(Node):
    """Values one after another along an existing axis. Backward: each gets its slice of ``gy``."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, *xs: Any) -> Any:
        self.sizes = tuple(x.shape[self.axis] for x in xs)
        return np.concatenate(xs, self.axis)

    def backward(self, gy: Any) -> Any:
        return Split(self.axis, self.sizes).apply_to(gy)


class Split(Node):
    """Slices of ``x`` along an axis, one after another. Backward: ``gx`` is the gradients, joined again."""

    makes_view = True

    def __init__(self, axis: int, sizes: tuple[int, ...]) -> None:
        self.axis, self.sizes = axis, sizes

    def forward(self, x: Any) -> Any:
        parts = []
        start = 0
        for size in self.sizes:
            parts.append(x[along(self.axis, slice(start, start + size))])
            start += size
        return tuple(parts)

    def backward(self, *gys: Any) -> Any:
        return Cat(self.axis).apply_to(*gys)


class Stack(Node):
    """Values side by side along a new axis. Backward: each gets its place along that axis of ``gy``."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, *xs: Any) -> Any:
        return np.stack(xs, self.axis)

    def backward(self, gy: Any) -> Any:
        return Unbind(self.axis).apply_to(gy)


class Unbind(Node):
    """Every place along an axis as a value of its own. Backward: ``gx`` is the gradients, stacked again."""

    makes_view = True

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return tuple(x[along(self.axis, i, ...)] for i in range(x.shape[self.axis]))

    def backward(self, *gys: Any) -> Any:
        return Stack(self.axis).apply_to(*gys)


def _alike(tensors: Sequence[Any]) -> Sequence[Any]:
    """All tensors in one dtype."""
    dtype = tensors[0].dtype
    if all(x.dtype is dtype for x in tensors):
        return tensors
    dtype = result_type(*tensors)
    return [cast(x, dtype) for x in tensors]


def cat(tensors: Sequence[T], dim: int = 0, *, axis: int | None = None) -> T:
    """Join tensors along an existing axis; all other axes must agree.

    Parameters
    ----------
    tensors
        What is joined. An empty vector, of shape (0,), fits anywhere, as in PyTorch.
    dim
        The axis.
    axis
        NumPy's name for ``dim``.

    Raises
    ------
    OperationError
        If there is nothing to join, or shapes disagree.
    """
    given = list(_alike(sequence("cat", "tensors", tensors)))
    shapes = [x.shape for x in given]
    if len(dict.fromkeys(map(len, shapes))) > 1:  # an empty vector joins tensors of any number of dimensions
        given = [x for x in given if x.shape != (0,)]
        shapes = [x.shape for x in given]
    if () in shapes:
        raise OperationError("cat: a tensor without dimensions can't be joined: say stack, or reshape it to (1,)")
    place = axis_of(dim if axis is None else axis, len(shapes[0]), "cat")
    for position, shape in enumerate(shapes):
        if len(shape) != len(shapes[0]) or any(
            n != m for i, (n, m) in enumerate(zip(shape, shapes[0], strict=True)) if i != place
        ):
            raise OperationError(
                f"cat along dim {place}: tensor {position} has shape {tuple(shape)}, the first one "
                f"{tuple(shapes[0])}; all axes but that one must agree"
            )
    return Cat(place).apply_to(*given)


concat = cat


def stack(tensors: Sequence[T], dim: int = 0, *, axis: int | None = None) -> T:
    """Join tensors of one shape along a new axis, which is axis ``dim`` of the result.

    Raises
    ------
    OperationError
        If there is nothing to stack, or shapes disagree.
    """
    given = sequence("stack", "tensors", tensors)
    shape = given[0].shape
    for position, x in enumerate(given):
        if x.shape != shape:
            raise OperationError(
                f"stack: tensor {position} has shape {tuple(x.shape)}, the first one {tuple(shape)}; they must agree"
            )
    place = axis_of(dim if axis is None else axis, len(shape) + 1, "stack")
    return Stack(place).apply_to(*_alike(given))


def split(input: T, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[T, ...]:
    """Cut a tensor into slices along an axis.

    Parameters
    ----------
    split_size_or_sections
        The size of every slice (the last may be smaller), or a list of all sizes.
    dim
        The axis.

    Raises
    ------
    OperationError
        If a list of sizes doesn't add up to the size of the axis.
    """
    shape = tensor("split", "input", input).shape
    place = axis_of(dim, len(shape), "split")
    if not shape:
        raise OperationError("split: a tensor without dimensions can't be cut")
    total = shape[place]
    if not isinstance(split_size_or_sections, (tuple, list)):
        size = integer("split", "split_size_or_sections", split_size_or_sections, 1 if total else 0)
        count = max(-(-total // size), 1) if size else 1
        sizes = tuple(min(size, total - size * i) for i in range(count))
    else:
        sizes = integers("split", "split_size_or_sections", split_size_or_sections, least=0)
        if sum(sizes) != total:
            raise OperationError(f"split: the sizes {sizes} must add up to {total}, the size of dim {dim}")
    return Split(place, sizes).apply_to(input) if sizes else ()


def chunk(input: T, chunks: int, dim: int = 0) -> tuple[T, ...]:
    """Cut a tensor into at most ``chunks`` slices of the same size along an axis; the last may be smaller."""
    chunks = integer("chunk", "chunks", chunks, 1)
    shape = tensor("chunk", "input", input).shape
    axis = axis_of(dim, len(shape), "chunk")
    if not shape:
        raise OperationError("chunk: a tensor without dimensions can't be cut")
    total = shape[axis]
    if total == 0:
        return split(input, (0,) * chunks, dim)
    return split(input, -(-total // chunks), dim)


def unbind(input: T, dim: int = 0) -> tuple[T, ...]:
    """Give every place along an axis as a tensor of its own, without that axis."""
    shape = tensor("unbind", "input", input).shape
    place = axis_of(dim, len(shape), "unbind")
    if not shape:
        raise IndexError("unbind: a tensor without dimensions has no axis to take apart")
    return Unbind(place).apply_to(input) if shape[place] else ()
