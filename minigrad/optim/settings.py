"""The settings of optimizers and schedules, checked where they come in, and in a group that made a step fail."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase

_NUMBERS = (
    "lr",
    "momentum",
    "dampening",
    "weight_decay",
    "eps",
    "alpha",
    "rho",
    "lr_decay",
    "initial_accumulator_value",
)
_FLAGS = ("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay")


def one(operation: str, name: str, value: Any) -> float:
    """A number, which may be a tensor of one element.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For a tensor of more elements.
    """
    if isinstance(value, TensorBase):
        if value.array.size != 1:
            raise ValueError(
                f"{operation}: Invalid {name}: a Tensor must be 1-element, not of shape {value.array.shape}"
            )
        value = value.array.reshape(())
    return arguments.number(operation, name, value)


def number(operation: str, name: str, value: Any) -> float:
    """The same, and not NaN, which would make everything NaN.

    Raises
    ------
    ValueError
        If it is.
    """
    found = one(operation, name, value)
    if math.isnan(found):
        raise ValueError(f"{operation}: Invalid {name}: nan; it would make everything NaN")
    return found


def numbers(operation: str, **named: Any) -> None:
    """Check several numbers, by their arguments' names."""
    for name, value in named.items():
        number(operation, name, value)


def lists(operation: str, **named: Any) -> None:
    """The same, for arguments that may be lists: one number for each group, say."""
    for name, value in named.items():
        if isinstance(value, (list, tuple)):
            numbers(operation, **{f"{name}[{i}]": each for i, each in enumerate(value)})
        else:
            number(operation, name, value)


def at_least_0(operation: str, named: dict[str, Any]) -> None:
    """Check numbers, given by what they are called in the message.

    Raises
    ------
    ValueError
        For one below 0.
    """
    for name, value in named.items():
        if number(operation, name, value) < 0:
            raise ValueError(f"{operation}: Invalid {name}: {value}; it must be 0 or more")


def above_0(operation: str, **named: Any) -> None:
    """Check numbers that are divided by.

    Raises
    ------
    OperationError
        For 0, or one below.
    """
    for name, value in named.items():
        if not number(operation, name, value) > 0:
            raise arguments.wrong_value(operation, name, "a number above 0", value)


def betas(operation: str, value: Any) -> None:
    """Check the two rates of Adam and its kin.

    Raises
    ------
    TypeError
        If they are no two numbers.
    ValueError
        If one is not in [0, 1).
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise arguments.wrong_kind(operation, "betas", "two numbers, such as (0.9, 0.999)", value)
    for i, beta in enumerate(value):
        if not 0.0 <= number(operation, f"betas[{i}]", beta) < 1.0:
            raise ValueError(f"{operation}: Invalid beta parameter at index {i}: {beta}; it must be in [0, 1)")


def group(operation: str, settings: dict[str, Any]) -> None:
    """Check the kinds of a whole group's settings, those that minigrad's optimizers know.

    Raises
    ------
    TypeError, ValueError
        For the first that is none.
    """
    for name, value in settings.items():
        if name in _NUMBERS:
            number(operation, name, value)
        elif name == "betas":
            betas(operation, value)
        elif name in _FLAGS and isinstance(value, (TensorBase, np.ndarray)) and value.shape != ():  # type: ignore[union-attr]
            raise arguments.wrong_kind(operation, name, "True or False", value)
