"""PyTorch's older constructors, one for each dtype: ``FloatTensor``, ``LongTensor`` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase
from minigrad.tensors.new import values_from
from minigrad.tensors.tensor import Tensor, from_array


class TensorType:
    """A constructor of tensors of one dtype; ``isinstance(x, FloatTensor)`` asks for it.

    ``FloatTensor(2, 3)`` has that shape (and zeros, where PyTorch leaves what was in memory), ``FloatTensor([2, 3])``
    those values.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.LongTensor([1, 2])
    Tensor([1, 2], shape=(2,), int64)
    >>> mg.FloatTensor(2, 3).shape
    (2, 3)
    """

    def __init__(self, name: str, dtype: Any) -> None:
        self.__name__ = name
        self.dtype = np.dtype(dtype)

    def __call__(self, *args: Any) -> Tensor:
        """Make a tensor, of sizes or of values."""
        return from_array(values_from(args, self.dtype, self.__name__))

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, TensorBase) and x.array.dtype == self.dtype

    def __repr__(self) -> str:
        return f"<{self.__name__}: tensors of {self.dtype}>"


FloatTensor = TensorType("FloatTensor", np.float32)
DoubleTensor = TensorType("DoubleTensor", np.float64)
HalfTensor = TensorType("HalfTensor", np.float16)
LongTensor = TensorType("LongTensor", np.int64)
IntTensor = TensorType("IntTensor", np.int32)
ShortTensor = TensorType("ShortTensor", np.int16)
CharTensor = TensorType("CharTensor", np.int8)
ByteTensor = TensorType("ByteTensor", np.uint8)
BoolTensor = TensorType("BoolTensor", np.bool_)
