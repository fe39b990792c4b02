"""Making tensors: from data, filled with a value, or counted up. Those drawn at random are in ``draws.py``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, array_of
from minigrad.engine.errors import OperationError
from minigrad.ops.common import get_default_dtype
from minigrad.tensors.devices import check_device
from minigrad.tensors.making import dtype_or, filled, gradient_flag, numbers, shape_from, values_of
from minigrad.tensors.tensor import Tensor, from_array


def _made(operation: str, array: Array, requires_grad: Any) -> Tensor:
    """A new array as a tensor."""
    return from_array(array, gradient_flag(operation, requires_grad, array.dtype))


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """Make a tensor with a copy of ``data``.

    Parameters
    ----------
    data
        A number, nested lists, an array, or a tensor.
    dtype
        By default that of an array or tensor; for Python numbers float32, int64 or bool.
    device, pin_memory
        Accepted; the only device is the CPU.
    requires_grad
        Whether gradients are to reach it.

    Raises
    ------
    ValueError
        If the rows have different lengths.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0])
    Tensor([1., 2.], shape=(2,), float32)
    >>> print(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    check_device(device)
    arguments.flag("tensor", "pin_memory", pin_memory)
    return _made("tensor", values_of("tensor", data, dtype), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Like ``tensor``, but a tensor or array of that dtype already is not copied."""
    check_device(device)
    wanted = None if dtype is None else arguments.dtype("as_tensor", dtype)
    if isinstance(data, Tensor):
        return data if wanted is None else data.to(wanted)
    if isinstance(data, np.ndarray) and wanted in (None, data.dtype):
        return from_array(numbers(data, "as_tensor"))
    return from_array(values_of("as_tensor", data, wanted))


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor that shares its memory with an array.

    Raises
    ------
    TypeError
        If it is no array.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy() takes an array, not {type(ndarray).__name__}: use tensor()")
    if not ndarray.dtype.isnative:
        raise TypeError(f"from_numpy: {ndarray.dtype} has another byte order; tensor() converts it, in a copy")
    return from_array(numbers(ndarray, "from_numpy"))


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of one value."""
    check_device(device)
    kind = None if dtype is None else arguments.dtype("full", dtype)
    return _made("full", filled("full", shape_from("full", (size,), dtype=kind), fill_value, kind), requires_grad)


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    check_device(device)
    kind = dtype_or("zeros", dtype)
    return _made("zeros", np.zeros(shape_from("zeros", sizes, size, kind), kind), requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    check_device(device)
    kind = dtype_or("ones", dtype)
    return _made("ones", np.ones(shape_from("ones", sizes, size, kind), kind), requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose values are to be written; here they are zeros, so that no run differs from the next."""
    return zeros(*sizes, size=size, dtype=dtype, device=device, requires_grad=requires_grad)


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of ``input``."""
    check_device(device)
    x = array_of(arguments.tensor("zeros_like", "input", input))
    return _made("zeros_like", np.zeros(x.shape, dtype_or("zeros_like", dtype, x.dtype)), requires_grad)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of ``input``."""
    check_device(device)
    x = array_of(arguments.tensor("ones_like", "input", input))
    return _made("ones_like", np.ones(x.shape, dtype_or("ones_like", dtype, x.dtype)), requires_grad)


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value in the shape and dtype of ``input``."""
    check_device(device)
    x = array_of(arguments.tensor("full_like", "input", input))
    values = filled("full_like", x.shape, fill_value, dtype_or("full_like", dtype, x.dtype))
    return _made("full_like", values, requires_grad)


def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor in the shape and dtype of ``input``, to be written."""
    return zeros_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix."""
    check_device(device)
    rows = arguments.integer("eye", "n", n, least=0)
    columns = rows if m is None else arguments.integer("eye", "m", m, least=0)
    kind = dtype_or("eye", dtype)
    arguments.room("eye", (rows, columns), kind)
    return _made("eye", np.eye(rows, columns, dtype=kind), requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` (0 if only one number is given) up to, not including, ``end``.

    Raises
    ------
    OperationError
        If ``step`` doesn't lead from ``start`` to ``end``, or they aren't finite.
    """
    check_device(device)
    if end is None:
        start, end = 0, start
    given = {"start": start, "end": end, "step": step}
    first, last, distance = (arguments.scalar("arange", name, value).item() for name, value in given.items())
    kind = None if dtype is None else arguments.dtype("arange", dtype)
    if isinstance(first + last + distance, complex) or not math.isfinite(first + last + distance):
        raise OperationError(f"arange: start={first}, end={last} and step={distance} must be finite")
    if kind is None:
        kind = get_default_dtype() if isinstance(first + last + distance, float) else np.dtype(np.int64)
    elif kind.kind in "iu":
        first, last, distance = int(first), int(last), int(distance)
    if distance == 0 or (last - first) * distance < 0:
        raise OperationError(f"arange: no step of {distance} leads from start={first} to end={last}")
    arguments.room("arange", (math.ceil((last - first) / distance),), kind)
    return _made("arange", np.arange(first, last, distance).astype(kind), requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers at equal distances, both ends included."""
    check_device(device)
    first, last, count, kind = _spaced("linspace", start, end, steps, dtype)
    return _made("linspace", np.linspace(first, last, count).astype(kind), requires_grad)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None) -> Tensor:
    """``base`` to the power of ``steps`` numbers at equal distances."""
    first, last, count, kind = _spaced("logspace", start, end, steps, dtype)
    return from_array(np.logspace(first, last, count, base=arguments.number("logspace", "base", base)).astype(kind))


def _spaced(operation: str, start: Any, end: Any, steps: Any, dtype: Any) -> tuple[float, float, int, np.dtype[Any]]:
    """The checked arguments of numbers at equal distances."""
    first, last = arguments.number(operation, "start", start), arguments.number(operation, "end", end)
    count, kind = arguments.integer(operation, "steps", steps, least=0), dtype_or(operation, dtype)
    arguments.room(operation, (count,), np.float64)
    return first, last, count, kind


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinate grids from one-dimensional tensors, along rows first (``ij``, or None) or columns (``xy``).

    Raises
    ------
    OperationError
        For another indexing, or a tensor of more dimensions.
    """
    arguments.choice("meshgrid", "indexing", indexing, ("ij", "xy", None))
    several: Sequence[Any] = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    given = [as_tensor(arguments.tensor("meshgrid", "tensors", t)) for t in several]
    if any(t.ndim > 1 for t in given):
        raise OperationError(f"meshgrid takes vectors, not shapes {[t.shape for t in given]}")
    if indexing == "xy" and len(given) > 1:
        return tuple(grid.swapaxes(0, 1) for grid in meshgrid(*given))
    sizes = [t.numel() for t in given]
    rows = (t.reshape([-1 if i == axis else 1 for i in range(len(given))]) for axis, t in enumerate(given))
    return tuple(row.expand(sizes).clone() for row in rows)
