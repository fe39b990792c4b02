"""A parameter: a tensor that a module registers when it is assigned to one of its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import flag
from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError
from minigrad.ops.common import get_default_dtype
from minigrad.tensors.creation import empty
from minigrad.tensors.making import values_of
from minigrad.tensors.tensor import Tensor


class Parameter(Tensor):
    """A leaf that a module registers when it is assigned to an attribute.

    Parameters
    ----------
    data
        A tensor or an array, whose memory is shared and whose dtype is kept; or numbers.
    requires_grad
        Whether it is to be learnt.

    Raises
    ------
    OperationError
        If it is to be learnt but holds no floating-point numbers.

    Examples
    --------
    >>> import minigrad as mg
    >>> print(mg.nn.Parameter(mg.zeros(2)))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, data: Any = (), requires_grad: bool = True) -> None:
        if isinstance(data, TensorBase):
            data = data.array
        self.array = data if isinstance(data, np.ndarray) else values_of("Parameter", data, get_default_dtype())
        flag("Parameter", "requires_grad", requires_grad)
        if requires_grad and self.array.dtype.kind not in "fc":
            raise OperationError(
                f"only floating-point tensors can be learnt, this one is {self.array.dtype}: "
                "pass requires_grad=False, or convert it with .float()"
            )
        self.requires_grad = requires_grad

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        twin = super().__deepcopy__(memo)
        twin._grad = None  # as in PyTorch, a copy of a model starts without gradients
        return twin

    def __str__(self) -> str:
        return "Parameter containing:\n" + super().__str__()


def empty_parameter(*shape: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter of this shape, to be filled by an initialiser."""
    return Parameter(empty(*shape, device=device, dtype=dtype))
