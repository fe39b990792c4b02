"""Pieces of tensors, and tensors from pieces: narrow, select, diff, hstack, rot90, sliding windows and their kin.

They are spellings of the nodes in ``shape.py``, ``index.py``, ``join.py`` and ``rearrange.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments import dtype as dtype_of
from minigrad.arguments import integer, integers, room, sequence, tensor, tensor_or_none, wrong_value
from minigrad.arguments import tensors as check_tensors
from minigrad.engine.base import array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.common import along, axis_of, broadcast_shape, shape_of, unbroadcast
from minigrad.ops.index import getitem
from minigrad.ops.join import cat, split, stack
from minigrad.ops.rearrange import flip
from minigrad.ops.select import where
from minigrad.ops.shape import as_sizes, broadcast_to, movedim, reshape, transpose
from minigrad.tensors.devices import check_device


def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """``length`` slices along ``dim``, from ``start`` on.

    Raises
    ------
    OperationError
        If there are not so many.
    """
    shape = tensor("narrow", "input", input).shape
    axis = axis_of(dim, len(shape), "narrow")
    if not shape:
        raise OperationError("narrow: a tensor without dimensions can't be cut")
    size, first, length = shape[axis], integer("narrow", "start", start), integer("narrow", "length", length)
    first += size if first < 0 else 0
    if not 0 <= first <= first + length <= size:
        raise OperationError(f"narrow: start={start}, length={length} don't fit into {size} along dim={dim}")
    return getitem(input, along(axis, slice(first, first + length)))


def select(input: Any, dim: int, index: int) -> Any:
    """One slice along ``dim``, without that axis."""
    axis = axis_of(dim, len(tensor("select", "input", input).shape), "select")
    return getitem(input, along(axis, integer("select", "index", index)))


def ravel(input: Any) -> Any:
    """All elements in one axis."""
    return reshape(input, -1)


def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along ``dim``, taken ``n`` times."""
    axis = axis_of(dim, len(tensor("diff", "input", input).shape), "diff")
    if not shape_of(input):
        raise OperationError("diff: a tensor without dimensions has no neighbours")
    for name, part in (("prepend", prepend), ("append", append)):
        if tensor_or_none("diff", name, part) is not None and part.ndim != len(shape_of(input)):
            raise wrong_value("diff", name, f"of as many dimensions as the input, {len(shape_of(input))}", part)
    parts = [part for part in (prepend, input, append) if part is not None]
    x = cat(parts, axis) if len(parts) > 1 else input
    for _ in range(min(integer("diff", "n", n, 0), shape_of(x)[axis])):  # then nothing is left
        x = getitem(x, along(axis, slice(1, None))) - getitem(x, along(axis, slice(None, -1)))
    return x


def windows(input: Any, dimension: int, size: int, step: int) -> Any:
    """Every window of ``size`` elements along an axis, ``step`` apart; the places in a window are a new last axis.

    This is ``Tensor.unfold``; ``nn.functional.unfold`` lays out patches of images.

    Raises
    ------
    OperationError
        If no window fits.
    """
    axis = axis_of(dimension, len(tensor("unfold", "input", input).shape), "unfold")
    size, step = integer("unfold", "size", size), integer("unfold", "step", step)
    length = shape_of(input)[axis] if shape_of(input) else 1
    if not 0 < size <= length or step < 1:
        raise OperationError(f"unfold: windows of {size}, {step} apart, don't fit into {length} along axis {axis}")
    places = np.arange(0, length - size + 1, step)[:, None] + np.arange(size)
    return movedim(getitem(input, along(axis, places)), axis + 1, -1)


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Parts along ``dim``: so many, the first ones longer by one where it doesn't come out; or cut at indices."""
    axis = axis_of(dim, len(tensor("tensor_split", "input", input).shape), "tensor_split")
    if not shape_of(input):
        raise OperationError("tensor_split: a tensor without dimensions can't be cut")
    size = shape_of(input)[axis]
    if not isinstance(indices_or_sections, (tuple, list)) and not getattr(indices_or_sections, "ndim", 0):
        count = integer("tensor_split", "indices_or_sections", indices_or_sections, 1)
        room("tensor_split", (count,), np.int64)
        least, longer = divmod(size, count)
        sizes = [least + (i < longer) for i in range(count)]
    else:
        given = integers("tensor_split", "indices_or_sections", indices_or_sections)
        cuts = [slice(i).indices(size)[1] for i in given]
        return tuple(getitem(input, along(axis, slice(a, b))) for a, b in zip((0, *cuts), (*cuts, size), strict=True))
    return split(input, sizes, axis)


def _with_axes(name: str, tensors: Sequence[Any], least: int) -> list[Any]:
    given = sequence(name, "tensors", tensors)
    return [reshape(x, *(1,) * (least - len(shape_of(x))), *shape_of(x)) for x in given]


def hstack(tensors: Sequence[Any]) -> Any:
    """Side by side: along the second axis, or the only one."""
    given = _with_axes("hstack", tensors, 1)
    return cat(given, 0 if len(shape_of(given[0])) == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """One below the other: along the first axis, of matrices at least."""
    return cat(_with_axes("vstack", tensors, 2), 0)


def column_stack(tensors: Sequence[Any]) -> Any:
    """Vectors as columns, side by side; matrices as they are."""
    return cat(
        [reshape(x, -1, 1) if len(shape_of(x)) < 2 else x for x in sequence("column_stack", "tensors", tensors)], 1
    )


def dstack(tensors: Sequence[Any]) -> Any:
    """One behind the other: along the third axis."""
    behind = [reshape(x, *shape_of(x), 1) if len(shape_of(x)) == 2 else x for x in _with_axes("dstack", tensors, 2)]
    return cat(behind, 2)


def fliplr(input: Any) -> Any:
    """Mirrored along the second axis."""
    return flip(input, 1)


def flipud(input: Any) -> Any:
    """Mirrored along the first axis."""
    return flip(input, 0)


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """Turned by 90 degrees, ``k`` times, from the first of two axes towards the second."""
    first, second = (
        axis_of(d, len(tensor("rot90", "input", input).shape), "rot90") for d in integers("rot90", "dims", dims, (2,))
    )
    if first == second:
        raise OperationError(f"rot90: dims={dims} must be two different dimensions")
    for _ in range(integer("rot90", "k", k) % 4):
        input = flip(transpose(input, first, second), first)
    return input


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """All in the shape in which they meet."""
    shape = broadcast_shape("broadcast_tensors", *(tensor("broadcast_tensors", "tensors", x).shape for x in tensors))
    return tuple(broadcast_to(x, shape) for x in tensors)


def take(input: Any, index: Any) -> Any:
    """The elements of the flattened tensor that integers name, in the shape of ``index``."""
    return getitem(ravel(input), tensor("take", "index", index))


def cartesian_prod(*tensors: Any) -> Any:
    """Every choice of one element from each vector, a row each."""
    for x in sequence("cartesian_prod", "tensors", tensors):
        if len(shape_of(x)) != 1:
            raise OperationError(f"cartesian_prod: takes vectors, not shape {shape_of(x)}")
    if len(tensors) == 1:
        return tensors[0]
    room("cartesian_prod", (*(len(x) for x in tensors), len(tensors)), np.int64)
    places = np.meshgrid(*(np.arange(len(x)) for x in tensors), indexing="ij")
    return stack([getitem(x, place.reshape(-1)) for x, place in zip(tensors, places, strict=True)], 1)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Any:
    """Rows and columns of the elements on and below a diagonal, as a (2, n) tensor."""
    return _triangle("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Any:
    """Rows and columns of the elements on and above a diagonal, as a (2, n) tensor."""
    return _triangle("triu_indices", np.triu_indices, row, col, offset, dtype, device)


def _triangle(name: str, places: Any, row: Any, col: Any, offset: Any, dtype: Any, device: Any) -> Any:
    """The indices of a triangle, which is looked at as a whole for a moment."""
    check_device(device)
    rows, columns = integer(name, "row", row, 0), integer(name, "col", col, 0)
    room(name, (rows, columns), np.int64)
    return as_tensor(np.stack(places(rows, integer(name, "offset", offset), columns)).astype(dtype_of(name, dtype)))


def block_diag(*tensors: Any) -> Any:
    """Matrices along the diagonal of a larger one, zeros around them."""
    given = _with_axes("block_diag", tensors, 2)
    for x in given:
        if len(shape_of(x)) > 2:
            raise OperationError(f"block_diag: takes matrices, vectors and numbers, not shape {shape_of(x)}")
    columns = sum(shape_of(x)[1] for x in given)
    rows, before = [], 0
    for x in given:
        height, width = shape_of(x)
        zeros = [as_tensor(np.zeros((height, n), array_of(x).dtype)) for n in (before, columns - before - width)]
        rows.append(cat([zeros[0], x, zeros[1]], 1))
        before += width
    return cat(rows, 0)


def positive(input: Any) -> Any:
    """The tensor itself, as ``+x``."""
    return tensor("positive", "input", input)


def is_same_size(input: Any, other: Any) -> bool:
    """Whether the shapes are the same."""
    check_tensors("is_same_size", input=input, other=other)
    return bool(shape_of(input) == shape_of(other))


def sum_to_size(input: Any, *size: Any) -> Any:
    """Sum over the axes along which a tensor of this size would be broadcast to ``input``'s."""
    target = as_sizes("sum_to_size", size, "size")
    shape = tensor("sum_to_size", "input", input).shape
    if len(target) > len(shape) or broadcast_shape("sum_to_size", shape, target) != shape:
        raise OperationError(f"sum_to_size: size={target} doesn't broadcast to the input's shape {shape}")
    return unbroadcast(input, target)


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Vectors along the last axis as diagonals of matrices, zeros around them."""
    shape = tensor("diag_embed", "input", input).shape
    if not shape:
        raise OperationError("diag_embed: the input needs at least one dimension")
    offset = integer("diag_embed", "offset", offset)
    dims = tuple(axis_of(d, len(shape) + 1, "diag_embed") for d in (dim1, dim2))
    if dims[0] == dims[1]:
        raise OperationError(f"diag_embed: dim1={dim1} and dim2={dim2} must be two different dimensions")
    n = shape[-1]
    size = n + abs(offset)
    room("diag_embed", (*shape[:-1], size, size), np.int64)
    rows, columns = np.arange(n) + max(-offset, 0), np.arange(n) + max(offset, 0)
    places = np.zeros((size, size), np.int64)
    there = np.zeros((size, size), bool)
    places[rows, columns], there[rows, columns] = np.arange(n), True
    y = where(as_tensor(there), getitem(input, (..., places)), 0)
    return movedim(y, (-2, -1), dims)
