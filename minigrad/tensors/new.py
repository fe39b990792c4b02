"""A tensor's ``new_*`` methods: another tensor of its dtype; and what PyTorch's older constructors take."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import Array, TensorBase, array_of, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops.shape import as_sizes
from minigrad.tensors.devices import check_device
from minigrad.tensors.size import Size


class New(TensorBase):
    """The methods that make another tensor of this dtype."""

    __slots__ = ()

    def new_zeros(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **sizes: Any
    ) -> Any:
        """Zeros of this dtype."""
        return self.new_full(_shape(size, sizes), 0, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **sizes: Any
    ) -> Any:
        """Ones of this dtype."""
        return self.new_full(_shape(size, sizes), 1, dtype=dtype, device=device, requires_grad=requires_grad)

    new_empty = new_zeros

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """One value, in this dtype."""
        check_device(device)
        values = np.full(as_sizes("new_full", (size,)), array_of(fill_value), dtype or self.array.dtype)
        return as_tensor(values, requires_grad=requires_grad)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """A copy of ``data`` in this dtype."""
        check_device(device)
        values = np.array([array_of(x) for x in data] if isinstance(data, (list, tuple)) else array_of(data))
        return as_tensor(values.astype(dtype or self.array.dtype), requires_grad=requires_grad)

    def new(self, *data: Any) -> Any:
        """PyTorch's older word for ``new_empty`` or ``new_tensor``: of sizes, or of values."""
        return as_tensor(values_from(data, self.array.dtype, "new"))


def _shape(size: tuple[Any, ...], sizes: dict[str, Any]) -> tuple[int, ...]:
    """The sizes, given one by one, as a tuple, or by the name ``size``."""
    if sizes.keys() - {"size"}:
        raise TypeError(f"unexpected keyword argument {next(iter(sizes.keys() - {'size'}))!r}")
    return as_sizes("new_zeros", (sizes["size"],) if sizes else size)


def values_from(data: tuple[Any, ...], dtype: Any, name: str) -> Array:
    """The array that an older constructor of PyTorch makes: of sizes, or of the values that it is given.

    Raises
    ------
    TypeError
        For a single float, or sizes beside values.
    """
    if all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) for size in data):
        if any(size < 0 for size in data):
            raise OperationError(f"{name}{data}: a size can't be negative")
        return np.zeros(data or (0,), dtype)
    if len(data) == 1 and isinstance(data[0], Size):
        return np.zeros(data[0], dtype)
    if len(data) != 1 or isinstance(data[0], (float, complex, str)) or data[0] is None:
        given = ", ".join(type(each).__name__ for each in data)
        raise TypeError(f"{name}({given}): takes sizes, as in {name}(2, 3), or one list, array or tensor of values")
    return np.array(array_of(data[0]), dtype=dtype)
