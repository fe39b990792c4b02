"""Making tensors: from data, filled with a value, or counted up. Those drawn at random are in ``draws.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.errors import OperationError
from minigrad.ops.common import check_fits_dtype, get_default_dtype
from minigrad.ops.shape import as_sizes
from minigrad.tensors.devices import check_device
from minigrad.tensors.tensor import Tensor, from_array


def _numbers(array: Array, name: str) -> Array:
    """An array that a tensor can hold: of numbers or booleans that kernels know, in this machine's byte order.

    Raises
    ------
    TypeError
        For objects, texts, dates, records, and floats of more than 8 bytes.
    """
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
        raise TypeError(f"{name}: a tensor can't hold {array.dtype}: it holds booleans, integers and floats")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _array(data: Any, dtype: Any) -> Array:
    """``data`` as an array of PyTorch's choice of dtype: Python floats are float32, integers int64."""
    if isinstance(data, (TensorBase, np.ndarray, np.generic)):
        return np.array(array_of(data), dtype=dtype)
    if _holds_tensors(data):
        data = [_array(item, None) for item in data]
    array = np.array(data)
    if array.dtype == object:
        raise ValueError("tensor(): the rows have different lengths, or hold something that is no number")
    if dtype is None and array.dtype.kind in "fiu" and not _holds_arrays(data):
        dtype = get_default_dtype() if array.dtype.kind == "f" else np.int64
    return array if dtype is None else array.astype(dtype)


def _holds_tensors(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and any(isinstance(x, TensorBase) or _holds_tensors(x) for x in data)


def _holds_arrays(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and any(isinstance(x, (np.ndarray, np.generic)) for x in data)


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
    return from_array(_numbers(_array(data, dtype), "tensor"), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Like ``tensor``, but a tensor or array of that dtype already is not copied."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == np.dtype(dtype)):
        return from_array(_numbers(data, "as_tensor"))
    return from_array(_numbers(_array(data, dtype), "as_tensor"))


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
    return from_array(_numbers(ndarray, "from_numpy"))


def shape_from(size: tuple[Any, ...], by_name: Any = None) -> tuple[int, ...]:
    """``(2, 3)`` from ``f(2, 3)`` as well as from ``f((2, 3))`` and ``f(size=(2, 3))``."""
    return as_sizes("a new tensor", size if by_name is None else by_name, "size")


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of one value."""
    check_device(device)
    fill = array_of(fill_value)
    if dtype is None:
        dtype = {"b": np.dtype(bool), "i": np.dtype(np.int64)}.get(fill.dtype.kind, get_default_dtype())
    check_fits_dtype("full", fill, dtype)
    return from_array(np.full(shape_from((size,)), fill, dtype), requires_grad)


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    check_device(device)
    return from_array(np.zeros(shape_from(sizes, size), dtype or get_default_dtype()), requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    check_device(device)
    return from_array(np.ones(shape_from(sizes, size), dtype or get_default_dtype()), requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose values are to be written; here they are zeros, so that no run differs from the next."""
    return zeros(*sizes, size=size, dtype=dtype, device=device, requires_grad=requires_grad)


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of ``input``."""
    check_device(device)
    return from_array(np.zeros_like(array_of(input), dtype=dtype, order="C"), requires_grad)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of ``input``."""
    check_device(device)
    return from_array(np.ones_like(array_of(input), dtype=dtype, order="C"), requires_grad)


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value in the shape and dtype of ``input``."""
    check_device(device)
    return from_array(np.full_like(array_of(input), array_of(fill_value), dtype=dtype, order="C"), requires_grad)


def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor in the shape and dtype of ``input``, to be written."""
    return zeros_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix."""
    check_device(device)
    return from_array(np.eye(n, m, dtype=dtype or get_default_dtype()), requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` (0 if only one number is given) up to, not including, ``end``."""
    check_device(device)
    if end is None:
        start, end = 0, start
    if dtype is None:
        whole = all(isinstance(x, (int, np.integer)) for x in (start, end, step))
        dtype = np.int64 if whole else get_default_dtype()
    elif np.dtype(dtype).kind in "iu":
        start, end, step = int(start), int(end), int(step)
    return from_array(np.arange(start, end, step).astype(dtype), requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers at equal distances, both ends included."""
    check_device(device)
    return from_array(np.linspace(start, end, steps).astype(dtype or get_default_dtype()), requires_grad)


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None) -> Tensor:
    """``base`` to the power of ``steps`` numbers at equal distances."""
    return from_array(np.logspace(start, end, steps, base=base).astype(dtype or get_default_dtype()))


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinate grids from one-dimensional tensors, along rows first (``ij``) or columns (``xy``).

    Raises
    ------
    OperationError
        For another indexing, or a tensor of more dimensions.
    """
    if indexing not in ("ij", "xy"):
        raise OperationError(f"meshgrid: indexing={indexing!r}; it can be 'ij' or 'xy'")
    given: Sequence[Any] = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if any(t.ndim > 1 for t in given):
        raise OperationError(f"meshgrid takes vectors, not shapes {[t.shape for t in given]}")
    if indexing == "xy" and len(given) > 1:
        return tuple(grid.swapaxes(0, 1) for grid in meshgrid(*given))
    sizes = [t.numel() for t in given]
    rows = (t.reshape([-1 if i == axis else 1 for i in range(len(given))]) for axis, t in enumerate(given))
    return tuple(row.expand(sizes).clone() for row in rows)
