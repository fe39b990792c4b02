"""What a backward pass is given, looked at: tensors, and the gradients that it starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments import tensor_or_none, wrong_kind
from minigrad.engine.base import TensorBase


def starting_gradient(operation: str, name: str, value: Any) -> Any:
    """The gradient that a pass starts from: real numbers in a tensor or array, or None where it is left out.

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, (int, float, np.number)):  # of a scalar
        return np.asarray(value)
    found = tensor_or_none(operation, name, value)
    if found is not None and found.dtype.kind not in "biuf":
        raise wrong_kind(operation, name, "a tensor of real numbers", value)
    return found


def one_or_more(operation: str, name: str, value: Any) -> tuple[Any, ...]:
    """A tensor, or a sequence of tensors, as a tuple.

    Raises
    ------
    TypeError
        If something in it is no tensor.
    """
    try:
        given = (value,) if isinstance(value, TensorBase) else tuple(value)
    except TypeError:
        given = (None,)
    if not given or not all(isinstance(each, TensorBase) for each in given):
        raise wrong_kind(operation, name, "a tensor, or a sequence of tensors", value)
    return given
