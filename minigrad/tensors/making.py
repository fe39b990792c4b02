"""What all makers of tensors share: how sizes, values and dtypes are read, and what fits into memory."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.errors import OperationError, located
from minigrad.engine.source import user_line
from minigrad.ops.common import check_fits_dtype, get_default_dtype


def shape_from(operation: str, size: tuple[Any, ...], by_name: Any = None, dtype: Any = None) -> tuple[int, ...]:
    """``(2, 3)`` from ``f(2, 3)`` as well as from ``f((2, 3))`` and ``f(size=(2, 3))``.

    Raises
    ------
    TypeError
        If the sizes are no integers.
    OperationError
        If one is negative.
    MemoryError
        If a tensor of that shape and dtype is too large.
    """
    given: Any = size if by_name is None else by_name
    if by_name is None and len(size) == 1 and isinstance(size[0], (tuple, list)):
        given = size[0]
    shape: tuple[int, ...] = arguments.integers(operation, "size", given, least=0)
    held(operation, shape, dtype or get_default_dtype())
    return shape


def values_of(operation: str, data: Any, dtype: Any = None) -> Array:
    """``data`` as an array of PyTorch's choice of dtype: Python floats are float32, integers int64.

    Raises
    ------
    TypeError
        For what a tensor can't hold: objects, texts, dates, records, and floats of more than 8 bytes.
    ValueError
        If the rows have different lengths.
    OperationError
        If a number doesn't fit into the dtype.
    """
    wanted = None if dtype is None else arguments.dtype(operation, dtype)
    if isinstance(data, (TensorBase, np.ndarray, np.generic)):
        array = numbers(np.array(array_of(data)), operation)
        return array if wanted is None else array.astype(wanted)
    try:
        array = np.array([values_of(operation, item) for item in data] if _holds_tensors(data) else data)
    except (ValueError, RecursionError):
        array = np.array(None)
    if array.dtype == object:
        raise ValueError(
            f"{operation}(): the rows have different lengths, or hold something that is no number: "
            f"{arguments.shown(data)}"
        )
    array = numbers(array, operation)
    if wanted is None and array.dtype.kind in "fiu" and not _holds_arrays(data):
        wanted = get_default_dtype() if array.dtype.kind == "f" else np.dtype(np.int64)
    if wanted is None:
        return array
    check_fits_dtype(operation, array, wanted)
    return array.astype(wanted)


def numbers(array: Array, operation: str) -> Array:
    """An array that a tensor can hold: of numbers or booleans that kernels know, in this machine's byte order.

    Raises
    ------
    TypeError
        For objects, texts, dates, records, and floats of more than 8 bytes.
    """
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
        raise TypeError(f"{operation}: a tensor can't hold {array.dtype}: it holds booleans, integers and floats")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _holds_tensors(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and any(isinstance(x, TensorBase) or _holds_tensors(x) for x in data)


def _holds_arrays(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and any(isinstance(x, (np.ndarray, np.generic)) for x in data)


def filled(operation: str, shape: tuple[int, ...], fill_value: Any, dtype: Any) -> Array:
    """An array of one value; ``dtype`` None takes that of the value, as ``tensor`` does."""
    fill = arguments.scalar(operation, "fill_value", fill_value)
    if dtype is None:
        dtype = {"b": np.dtype(bool), "i": np.dtype(np.int64), "c": fill.dtype}.get(
            fill.dtype.kind, get_default_dtype()
        )
    check_fits_dtype(operation, fill, dtype)
    return np.full(shape, fill, dtype)


def gradient_flag(operation: str, value: Any, dtype: Any) -> bool:
    """Whether a new tensor of that dtype requires a gradient.

    Raises
    ------
    TypeError
        If it is neither True nor False.
    OperationError
        If it is True, and the dtype is no floating-point one.
    """
    wanted = value is not None and arguments.flag(operation, "requires_grad", value)
    if wanted and np.dtype(dtype).kind not in "fc":
        told = f"{operation}: only floating-point tensors can require gradients, this one is {np.dtype(dtype)}"
        raise OperationError(located(told, user_line()))
    return wanted


def dtype_or(operation: str, dtype: Any, default: Any = None) -> np.dtype[Any]:
    """The dtype that was given, or the default one."""
    if dtype is None:
        return get_default_dtype() if default is None else np.dtype(default)
    return arguments.dtype(operation, dtype)


def held(operation: str, shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """The shape of an array, if one of that dtype is no larger than this machine's memory.

    Raises
    ------
    MemoryError
        If it is larger; it says how many bytes it would take.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > _MEMORY or max(shape, default=0) > _MEMORY:
        told = f"{operation}: a tensor of shape {tuple(shape)} takes {size:,} bytes, and this machine has {_MEMORY:,}"
        raise MemoryError(located(told, user_line()))
    return shape


def _memory() -> int:
    """How many bytes of memory there are; a number that none has, where the system doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 2**48


_MEMORY = _memory()
