"""Values put at places of a tensor: item assignment, scatter, index_fill and their kin, each in place or of a copy.

What says where is the operation that would read there: an index, a gather along an axis, a diagonal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.views import Part
from minigrad.ops.common import T, axis_of, clone, shape_of
from minigrad.ops.gather import Gather, ScatterAdd, positions
from minigrad.ops.index import Index, IndexAdd, integers, keys_of
from minigrad.ops.inplace import WHOLE, before, overwrite, write
from minigrad.ops.rearrange import Diagonal


def setitem(x: Any, key: Any, value: Any) -> None:
    """``x[key] = value``, with PyTorch's meaning of the key; the value broadcasts to the place.

    Raises
    ------
    IndexError
        For an index out of range or of a wrong kind.
    OperationError
        If the value doesn't fit, or ``x`` can't be written to.
    """
    part = Part(tuple(Index(each) for each in keys_of(key, len(shape_of(x)))))
    if not _is_that_part(x, part, value):
        overwrite(x, part, _written("setitem", value))


def _written(operation: str, value: Any) -> Any:
    """What is to be written: a tensor, or an array of numbers.

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, TensorBase):
        return value
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biufc":
        raise arguments.wrong_kind(operation, "value", "a tensor, an array or a number", value)
    return array


def _is_that_part(x: Any, part: Part, value: Any) -> bool:
    """Whether the value is this very part of ``x``: so ``x[key] += y`` ends, which has written through a view."""
    if not isinstance(value, TensorBase) or value._view is None or not isinstance(x, TensorBase):
        return False
    if value._view.base is not (x if x._view is None else x._view.base):
        return False
    place = x.array
    for cut in part.cuts:
        place = cut.forward(place)
    theirs, ours = (a.__array_interface__["data"][0] for a in (value.array, place))
    return theirs == ours and value.array.shape == place.shape and value.array.strides == place.strides


def copy_(input: T, src: Any, non_blocking: bool = False) -> T:
    """Overwrite all of ``input`` with ``src``, which broadcasts and takes its dtype."""
    return overwrite(
        input, WHOLE, src if isinstance(src, (TensorBase, np.ndarray)) else arguments.scalar("copy_", "src", src)
    )


def fill_(input: T, value: Any) -> T:
    """Set every element to ``value``, a number or a tensor without dimensions."""
    return overwrite(input, WHOLE, _number("fill_", value))


def _number(operation: str, value: Any) -> Any:
    """A number to be written; a tensor of one keeps its history."""
    checked = arguments.scalar(operation, "value", value)
    return value if isinstance(value, TensorBase) else checked


def _beside(operation: str, name: str, value: Any, input: Any, ndim: int | None = None) -> Any:
    """A tensor to be put into ``input``: of its dtype, and of so many dimensions.

    Raises
    ------
    TypeError
        If it is no tensor.
    OperationError
        If it doesn't fit.
    """
    array, dtype = array_of(arguments.tensor(operation, name, value)), array_of(input).dtype
    if array.dtype != dtype or (ndim is not None and array.ndim != ndim):
        wanted = f"a tensor of {dtype}" + ("" if ndim is None else f" with {ndim} dimensions")
        raise arguments.wrong_value(operation, name, wanted, value)
    return value


def zero_(input: T) -> T:
    """Set every element to 0."""
    return overwrite(input, WHOLE, 0)


def _along(operation: str, input: Any, dim: int, index: Any) -> Part:
    """The slices along ``dim`` that a vector of integers names."""
    places = np.atleast_1d(integers(arguments.tensor(operation, "index", index)))
    return Part((Index((slice(None),) * axis_of(dim, len(shape_of(input))) + (places,)),))


def _masked(operation: str, input: Any, mask: Any) -> Part:
    array = array_of(arguments.tensor(operation, "mask", mask))
    if array.dtype != np.bool_:
        raise OperationError(f"{operation}: the mask must be a boolean tensor, as x > 0 gives, not {array.dtype}")
    shape = shape_of(input)
    try:
        return Part((Index((np.broadcast_to(array, shape),)),))
    except ValueError:
        raise OperationError(f"{operation}: a mask of shape {array.shape} doesn't fit a tensor of {shape}") from None


def index_fill_(input: T, dim: int, index: Any, value: Any) -> T:
    """Set the slices along ``dim`` that ``index`` names to ``value``."""
    return overwrite(input, _along("index_fill_", input, dim, index), _number("index_fill_", value))


def index_copy_(input: T, dim: int, index: Any, source: T) -> T:
    """Overwrite the slices along ``dim`` that ``index`` names with those of ``source``, in order."""
    part = _along("index_copy_", input, dim, index)
    return overwrite(input, part, _beside("index_copy_", "source", source, input, len(shape_of(input))))


def index_add_(input: T, dim: int, index: Any, source: T, *, alpha: float = 1) -> T:
    """Add ``alpha * source`` to the slices along ``dim`` that ``index`` names; a slice named twice gets both."""
    _beside("index_add_", "source", source, input, len(shape_of(input)))
    alpha = arguments.number("index_add_", "alpha", alpha)
    added = IndexAdd(_along("index_add_", input, dim, index).cuts[0].key, shape_of(input)).apply_to(source)
    old: Any = before(input)
    return write(input, old, old + (added if alpha == 1 else added * alpha))


def index_put_(input: T, indices: Any, values: Any, accumulate: bool = False) -> T:
    """Overwrite ``input[indices]`` with ``values``; with ``accumulate``, add them."""
    if not isinstance(indices, (tuple, list)):
        raise arguments.wrong_kind("index_put_", "indices", "a tuple of tensors", indices)
    _beside("index_put_", "values", values, input)
    if not arguments.flag("index_put_", "accumulate", accumulate):
        setitem(input, tuple(indices), values)
        return input
    (key,) = keys_of(tuple(indices), len(shape_of(input)))
    old: Any = before(input)
    return write(input, old, old + IndexAdd(key, shape_of(input)).apply_to(values))


def masked_fill_(input: T, mask: Any, value: Any) -> T:
    """Set the elements where ``mask``, which broadcasts, holds to ``value``."""
    return overwrite(input, _masked("masked_fill_", input, mask), _number("masked_fill_", value))


def masked_scatter_(input: T, mask: Any, source: Any) -> T:
    """Set the elements where ``mask`` holds to those of ``source``, in order."""
    part = _masked("masked_scatter_", input, mask)
    count = int(part.cuts[0].key[0].sum())
    available = array_of(arguments.tensor("masked_scatter_", "source", source)).size
    if available < count:
        raise OperationError(f"masked_scatter_: the mask holds at {count} places, source has {available} elements")
    return overwrite(input, part, source.reshape(-1)[:count])


def scatter_(input: T, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> T:
    """Set ``input[index[i, j], j] = src[i, j]`` (for ``dim=0``); ``src`` may be a number.

    Parameters
    ----------
    dim
        The axis along which ``index`` says where.
    index
        Integers, of as many dimensions as ``input``.
    src, value
        A tensor at least as large as ``index``, or a number. Where a place is named twice, the last one stays.
    reduce
        ``"add"`` or ``"multiply"``: combine with what is there.
    """
    if (src is None) == (value is None):
        raise OperationError("scatter_: give src or value, one of the two")
    arguments.choice("scatter_", "reduce", reduce, (None, "add", "multiply"))
    given = value if src is None else src
    axis, places = positions(input, dim, index)
    if isinstance(src, (TensorBase, np.ndarray)):
        given = _beside("scatter_", "src", src, input, places.ndim)
    else:
        given = _number("scatter_", given)
    if isinstance(given, TensorBase) and given.array.ndim:
        given = given[tuple(slice(n) for n in places.shape)]  # type: ignore[index]  # a Tensor, which has methods
    part = Part((Gather(axis, places),))
    if reduce is None:
        return overwrite(input, part, given)
    there = part.of(before(input))
    return overwrite(input, part, there + given if reduce == "add" else there * given)


def scatter_add_(input: T, dim: int, index: Any, src: Any) -> T:
    """Add ``src[i, j]`` to ``input[index[i, j], j]`` (for ``dim=0``); a place that is named twice gets both."""
    axis, places = positions(input, dim, index)
    if len(arguments.tensor("scatter_add_", "src", src).shape) != places.ndim:
        raise arguments.wrong_value("scatter_add_", "src", f"a tensor of {places.ndim} dimensions, as the index", src)
    added = ScatterAdd(axis, places, shape_of(input)).apply_to(src[tuple(slice(n) for n in places.shape)])
    old: Any = before(input)
    return write(input, old, old + added)


def fill_diagonal_(input: T, fill_value: Any, wrap: bool = False) -> T:
    """Set the main diagonal of a matrix to a number."""
    if len(shape_of(input)) != 2 or arguments.flag("fill_diagonal_", "wrap", wrap):
        raise OperationError("fill_diagonal_: takes a matrix, and wrap=False")
    return overwrite(input, Part((Diagonal(0, 0, 1),)), arguments.scalar("fill_diagonal_", "fill_value", fill_value))


def scatter(input: T, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> T:
    """`scatter_` on a copy of ``input``."""
    return scatter_(clone(input), dim, index, src, value=value, reduce=reduce)


def index_fill(input: T, dim: int, index: Any, value: Any) -> T:
    """`index_fill_` on a copy of ``input``."""
    return index_fill_(clone(input), dim, index, value)


def index_copy(input: T, dim: int, index: Any, source: T) -> T:
    """`index_copy_` on a copy of ``input``."""
    return index_copy_(clone(input), dim, index, source)


def index_add(input: T, dim: int, index: Any, source: T, *, alpha: float = 1) -> T:
    """`index_add_` on a copy of ``input``."""
    return index_add_(clone(input), dim, index, source, alpha=alpha)


def index_put(input: T, indices: Any, values: Any, accumulate: bool = False) -> T:
    """`index_put_` on a copy of ``input``."""
    return index_put_(clone(input), indices, values, accumulate)


def masked_scatter(input: T, mask: Any, source: Any) -> T:
    """`masked_scatter_` on a copy of ``input``."""
    return masked_scatter_(clone(input), mask, source)
