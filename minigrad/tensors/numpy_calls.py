"""What NumPy's functions do with a tensor: they take the array behind it, unless that would lose a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.ops import arithmetic, elementwise, linalg, power, rounding, select

#: NumPy's element-wise functions that have a twin here: ``array * tensor`` comes to ``np.multiply``, and so to `mul`.
TWINS: dict[Any, Callable[..., Any]] = {
    np.add: arithmetic.add,
    np.subtract: arithmetic.sub,
    np.multiply: arithmetic.mul,
    np.true_divide: arithmetic.div,
    np.negative: arithmetic.neg,
    np.power: power.pow,
    np.sqrt: power.sqrt,
    np.square: power.square,
    np.floor_divide: rounding.floor_divide,
    np.remainder: rounding.remainder,
    np.matmul: linalg.matmul,
    np.exp: elementwise.exp,
    np.log: elementwise.log,
    np.sin: elementwise.sin,
    np.cos: elementwise.cos,
    np.tanh: elementwise.tanh,
    np.absolute: elementwise.abs,
    np.sign: elementwise.sign,
    np.maximum: select.maximum,
    np.minimum: select.minimum,
    np.equal: select.eq,
    np.not_equal: select.ne,
    np.less: select.lt,
    np.less_equal: select.le,
    np.greater: select.gt,
    np.greater_equal: select.ge,
    np.bitwise_and: select.bitwise_and,
    np.bitwise_or: select.bitwise_or,
    np.bitwise_xor: select.bitwise_xor,
}


def array_outside_graph(x: TensorBase, asked: str) -> Array:
    """The array of a tensor that has no gradient to lose.

    Raises
    ------
    OperationError
        If it requires a gradient, which an array couldn't carry on.
    """
    if x.requires_grad:
        raise OperationError(
            f"{asked} on a tensor that requires grad: an array can't carry its gradient on. Use "
            "tensor.detach().numpy(), or the minigrad function of that name"
        )
    return x.array


class NumpyCalls(TensorBase):
    """How a tensor answers NumPy."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = array_outside_graph(self, "np.asarray()")
        dtype = array.dtype if dtype is None else arguments.dtype("np.asarray()", dtype)
        if copy is False and dtype != array.dtype:
            raise ValueError(f"a {array.dtype} tensor can't become {dtype} without a copy")
        return np.array(array, dtype=dtype) if copy else np.asarray(array, dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        twin = TWINS.get(ufunc)
        if twin is not None and method == "__call__" and not kwargs:
            first, *rest = inputs
            return twin(first if isinstance(first, TensorBase) else as_tensor(first), *rest)
        if kwargs.get("out") is not None and any(isinstance(x, TensorBase) for x in kwargs["out"]):
            raise OperationError(f"np.{ufunc.__name__}: out= takes an array: write x.copy_(...) into a tensor")
        asked = f"np.{ufunc.__name__}()"
        found = getattr(ufunc, method)(*_arrays(inputs, asked), **_arrays(kwargs, asked))
        return as_tensor(found) if isinstance(found, (np.ndarray, np.generic)) else found

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        asked = f"np.{function.__name__}()"
        return function(*_arrays(args, asked), **_arrays(kwargs, asked))


def _arrays(x: Any, asked: str) -> Any:
    """The same with arrays in the place of tensors, also in lists, tuples and dicts."""
    if isinstance(x, TensorBase):
        return array_outside_graph(x, asked)
    if isinstance(x, (list, tuple)):
        return type(x)([_arrays(each, asked) for each in x])
    if isinstance(x, dict):
        return {key: _arrays(each, asked) for key, each in x.items()}
    return x
