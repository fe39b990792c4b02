"""What the operations share: summing away broadcasting, bringing two dtypes together, axes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from minigrad import arguments
from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node

#: Functions give back what they were given: arrays for arrays, tensors for tensors.
T = TypeVar("T")

Dims = int | Sequence[int] | None

#: The dtype of ``tensor([1.0])``, ``ones(3)`` and of true division of integers, as in PyTorch.
_default_dtype: np.dtype[Any] = np.dtype(np.float32)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python floats become."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats become.

    Raises
    ------
    TypeError
        If it is no floating-point dtype.
    """
    global _default_dtype
    chosen = arguments.dtype("set_default_dtype", dtype)
    if chosen.kind != "f":
        raise arguments.wrong_kind("set_default_dtype", "dtype", "a floating-point dtype", chosen)
    _default_dtype = chosen


def is_array(x: Any) -> bool:
    """Whether a rule was given arrays (then it runs a kernel) or tensors (then it builds a graph)."""
    return type(x) is ndarray or not isinstance(x, TensorBase)


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, tensor or number."""
    try:
        return x.shape
    except AttributeError:
        return np.shape(x)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which an input of this shape was broadcast.

    Broadcasting copies a value to many places; its gradient is the sum over those places.
    """
    if g.shape == shape:
        return g
    extra = len(g.shape) - len(shape)
    axes = (*range(extra), *(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1))
    if axes:
        g = g.sum(axis=axes, keepdims=True)
    return g.reshape(shape)


def unbroadcast_for(x: Any, g: Any) -> Any:
    """The same, for a rule that kept nothing: ``x`` is one of its node's inputs."""
    shape = x.array.shape if isinstance(x, TensorBase) else np.shape(x)
    return g if g.shape == shape else unbroadcast(g, shape)


def real(x: Any) -> Any:
    """Return ``x``, which has to be of floats: a mean, a slope or an exponential of integers would be lost.

    Raises
    ------
    TypeError
        If it is of another kind.
    """
    if x.dtype.kind != "f":
        raise TypeError(f"needs floating-point values, not {x.dtype}: convert them with .float()")
    return x


def check_fits_dtype(name: str, value: Any, dtype: Any) -> None:
    """Refuse a number that a dtype has no room for.

    Raises
    ------
    OperationError
        If an integer would wrap, or if NaN, infinity or an imaginary part would be lost.
    """
    kind = np.dtype(dtype)
    lost = value.dtype.kind == "c" and kind.kind != "c"
    if lost or (kind.kind in "iu" and value.dtype.kind == "f" and not np.isfinite(value).all()):
        raise OperationError(f"{name}: {value} doesn't fit into {kind}")
    if kind.kind in "iu" and value.dtype.kind in "iu" and value.size:
        limits = np.iinfo(kind)
        if not limits.min <= value.min() <= value.max() <= limits.max:
            raise OperationError(f"{name}: {value} doesn't fit into {kind}, from {limits.min} to {limits.max}")


class Cast(Node):
    """Change the dtype. Backward: cast the gradient back, ``gx = gy.astype(x.dtype)``."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)

    def forward(self, x: Any) -> Any:
        self.from_dtype = x.dtype
        return x.astype(self.dtype)

    def backward(self, gy: Any) -> Any:
        return Cast(self.from_dtype).apply_to(gy)


class Clone(Node):
    """A copy. Backward: ``gx = gy``."""

    def forward(self, x: Any) -> Any:
        return np.array(x)

    def backward(self, gy: Any) -> Any:
        return gy


def clone(input: T, *, memory_format: Any = None) -> T:
    """A copy of ``input``; gradients pass through it."""
    return Clone().apply_to(arguments.tensor("clone", "input", input))


def cast(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype; ``x`` itself if it has it already."""
    return x if x.dtype == np.dtype(dtype) else Cast(dtype).apply_to(x)


def converted(operation: str, x: Any, dtype: Any) -> Any:
    """``x`` in the dtype that an argument asks for; as it is where that is None."""
    return x if dtype is None else cast(arguments.tensor(operation, "input", x), arguments.dtype(operation, dtype))


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_PYTHON_KIND: dict[type, str] = {bool: "b", int: "i", float: "f"}


def result_type(*operands: Any) -> np.dtype[Any]:
    """The dtype in which operands meet, by PyTorch's rules.

    Tensors with dimensions decide first; one without dimensions, and then a Python number, only counts
    if it is of a higher category (bool < integer < float). A Python float beside integers gives the
    default dtype, where NumPy would give float64.
    """
    with_dims: list[Any] = []
    without: list[Any] = []
    numbers: list[str] = []
    for x in operands:
        dtype = getattr(x, "dtype", None)
        if isinstance(x, np.generic) and x.dtype.kind in _RANK:
            numbers.append("i" if x.dtype.kind == "u" else x.dtype.kind)  # NumPy's numbers count as Python's
        elif dtype is None:
            numbers.append(_kind_of(x))
        elif getattr(dtype, "kind", None) not in _RANK:
            raise _no_operand(x)
        else:
            (with_dims if len(x.shape) else without).append(dtype)
    result = None
    for group in (with_dims, without):
        if group:
            found = _join(group)
            if result is None or _RANK[found.kind] > _RANK[result.kind]:
                result = found
    for kind in numbers:
        if result is None or _RANK[kind] > _RANK[result.kind]:
            if kind == "c":
                raise TypeError("unsupported operand: a complex number beside real ones")
            result = {"b": np.dtype(bool), "i": np.dtype(np.int64)}.get(kind, _default_dtype)
    return result if result is not None else _default_dtype


def _kind_of(x: Any) -> str:
    """The kind of a Python number."""
    kind = _PYTHON_KIND.get(type(x))
    if kind is None:
        if not isinstance(x, (int, float, complex)):
            raise _no_operand(x)
        kind = "i" if isinstance(x, int) else "f" if isinstance(x, float) else "c"
    return kind


def _no_operand(x: Any) -> TypeError:
    return TypeError(f"unsupported operand: {arguments.shown(x)} is no tensor, array or number")


def _join(dtypes: list[Any]) -> np.dtype[Any]:
    floats = [d for d in dtypes if d.kind == "f"]
    # PyTorch: an integer beside a float takes the float's dtype; NumPy would widen to float64.
    return np.result_type(*(floats or dtypes))


def promoted(a: Any, b: Any, true_division: bool = False) -> tuple[Any, Any]:
    """The two operands in one dtype, by PyTorch's rules; most often they come back untouched."""
    tensor, other = (a, b) if isinstance(a, TensorBase) else (b, a)
    if isinstance(tensor, TensorBase):
        dtype = tensor.array.dtype
        fits = other.array.dtype is dtype if isinstance(other, TensorBase) else type(other) in _PYTHON_KIND
        if fits and dtype.kind == "f":
            return a, b
    dtype = result_type(a, b)
    if true_division and dtype.kind != "f":
        dtype = _default_dtype
    return _meet(a, dtype), _meet(b, dtype)


def _meet(x: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(x, TensorBase):
        return cast(x, dtype)
    try:
        if dtype.kind in "iu" and isinstance(x, int):
            return np.asarray(x).astype(dtype)  # which wraps, as PyTorch does
        return np.asarray(x, dtype=dtype)
    except OverflowError:
        raise OperationError(f"unsupported operand: {x} doesn't fit into {dtype}") from None


def axes_of(dim: Dims, ndim: int, operation: str = "") -> tuple[int, ...]:
    """The axes that ``dim`` names, counted from 0 and in order; all of them for None or ().

    Raises
    ------
    TypeError
        For what is no integer, and no sequence of them.
    IndexError
        For a dimension out of range.
    OperationError
        For one that is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, (tuple, list)):
        return (axis_of(dim, ndim, operation),)
    axes = tuple(axis_of(d, ndim, operation) for d in dim)
    if len(dict.fromkeys(axes)) != len(axes):
        raise OperationError(f"{operation and operation + ': '}dim={dim} names a dimension twice")
    return axes or tuple(range(ndim))


def broadcast_shape(operation: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which these broadcast.

    Raises
    ------
    OperationError
        If they don't.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise OperationError(
            f"{operation}: shapes {' and '.join(map(str, shapes))} don't broadcast: counted from the last, sizes must "
            "agree, or one of them be 1"
        ) from None


def along(axis: int, *keys: Any) -> tuple[Any, ...]:
    """An index that applies ``keys`` from ``axis`` on, and takes all of the axes before."""
    return (slice(None),) * axis + keys


def axis_of(dim: Any, ndim: int, operation: str = "") -> int:
    """One axis, counted from 0.

    A node, whose error says the operation and the user's line anyway, leaves ``operation`` out.

    Raises
    ------
    TypeError
        If it is no integer.
    IndexError
        If it is out of range.
    """
    limit = max(ndim, 1)
    try:
        axis = operator.index(dim)
    except TypeError:
        if operation:
            raise arguments.wrong_kind(operation, "dim", "an integer", dim) from None
        raise TypeError(f"dim must be an integer, and is {arguments.shown(dim)}") from None
    if not -limit <= axis < limit:
        wanted = f"from {-limit} to {limit - 1} for {ndim} dimensions"
        if operation:
            raise arguments.out_of_range(operation, "dim", wanted, dim)
        raise IndexError(f"dimension out of range: dim must be {wanted}, and is {dim}")
    return axis % limit
