"""A tensor's ``new_*`` methods: another tensor of its dtype; and what PyTorch's older constructors take."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import Array, TensorBase, as_tensor
from minigrad.tensors.devices import check_device
from minigrad.tensors.making import dtype_or, filled, gradient_flag, held, shape_from, values_of
from minigrad.tensors.size import Size


def values_from(data: tuple[Any, ...], dtype: Any, name: str) -> Array:
    """The array that an older constructor of PyTorch makes: of sizes, or of the values that it is given.

    Raises
    ------
    TypeError
        For a single float, or sizes beside values.
    """
    if all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) for size in data):
        return np.zeros(shape_from(name, data or (0,), dtype=dtype), dtype)
    if len(data) == 1 and isinstance(data[0], Size):
        return np.zeros(shape_from(name, data, dtype=dtype), dtype)
    if len(data) != 1 or isinstance(data[0], (bool, float, complex, str)) or data[0] is None:
        given = ", ".join(type(each).__name__ for each in data)
        raise TypeError(f"{name}({given}): takes sizes, as in {name}(2, 3), or one list, array or tensor of values")
    return values_of(name, data[0], dtype)


class New(TensorBase):
    """The methods that make another tensor of this dtype."""

    __slots__ = ()

    def new_zeros(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **sizes: Any
    ) -> Any:
        """Zeros of this dtype."""
        return self._new("new_zeros", _shape("new_zeros", size, sizes), 0, dtype, device, requires_grad)

    def new_ones(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **sizes: Any
    ) -> Any:
        """Ones of this dtype."""
        return self._new("new_ones", _shape("new_ones", size, sizes), 1, dtype, device, requires_grad)

    new_empty = new_zeros

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """One value, in this dtype."""
        return self._new("new_full", shape_from("new_full", (size,)), fill_value, dtype, device, requires_grad)

    def _new(self, name: str, shape: Any, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Any:
        check_device(device)
        kind = dtype_or(name, dtype, self.array.dtype)
        values = filled(name, held(name, shape, kind), value, kind)
        return as_tensor(values, requires_grad=gradient_flag(name, requires_grad, kind))

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """A copy of ``data`` in this dtype."""
        check_device(device)
        values = values_of("new_tensor", data, self.array.dtype if dtype is None else dtype)
        return as_tensor(values, requires_grad=gradient_flag("new_tensor", requires_grad, values.dtype))

    def new(self, *data: Any) -> Any:
        """PyTorch's older word for ``new_empty`` or ``new_tensor``: of sizes, or of values."""
        return as_tensor(values_from(data, self.array.dtype, "new"))


def _shape(name: str, size: tuple[Any, ...], sizes: dict[str, Any]) -> tuple[int, ...]:
    """The sizes, given one by one, as a tuple, or by the name ``size``."""
    if sizes.keys() - {"size"}:
        raise TypeError(f"unexpected keyword argument {next(iter(sizes.keys() - {'size'}))!r}")
    return shape_from(name, size, sizes.get("size"))
