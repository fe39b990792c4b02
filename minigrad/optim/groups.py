"""Groups of parameters, each with its settings: completed with the defaults, and checked."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from minigrad import arguments
from minigrad.engine.base import TensorBase
from minigrad.engine.source import user_line
from minigrad.tensors.tensor import Tensor

#: What an optimizer takes: tensors, groups, or the pairs of ``module.named_parameters()``.
Group = dict[str, Any]
Params = Iterable[Tensor] | Iterable[Group] | Iterable[tuple[str, Tensor]]

#: A setting without a default: each group must bring its own.
required: Any = object()


def groups_of(params: Any) -> list[Group]:
    """The groups in what an optimizer was given; tensors alone are one group.

    Raises
    ------
    TypeError
        If it is one tensor, or a module or method.
    ValueError
        If there is nothing in it.
    """
    if isinstance(params, TensorBase):
        raise TypeError("the optimizer takes a list of tensors, not one tensor: pass [tensor]")
    if callable(params):
        raise TypeError(f"the optimizer takes tensors, not {type(params).__name__}: pass model.parameters()")
    try:
        given = list(params)
    except TypeError:
        raise arguments.wrong_kind("optimizer", "params", "a list of tensors, or of groups", params) from None
    if not given:
        raise ValueError(
            "optimizer got an empty parameter list. If it came from a generator that was used before, "
            "call model.parameters() again"
        )
    return given if isinstance(given[0], dict) else [{"params": given}]


def complete(group: Any, defaults: dict[str, Any], others: list[Group]) -> Group:
    """Check a new group, and add the defaults to it; as in PyTorch, the caller's dictionary is the one kept.

    Parameters
    ----------
    group
        ``"params"``, and the settings that differ from the defaults.
    defaults
        The settings of a group that doesn't bring its own.
    others
        The groups that are there already.

    Raises
    ------
    TypeError
        If something in it is no tensor, or is a set, whose order changes from run to run.
    ValueError
        If a parameter is no leaf or is in another group, or if a setting or a name is missing.
    """
    if not isinstance(group, dict):
        raise TypeError(f"param_group must be a dict, but got {type(group).__name__}")
    if "params" not in group:
        raise ValueError(f"param_group has no 'params', only {sorted(map(str, group))}: give it a list of tensors")
    params = group["params"]
    if isinstance(params, (set, frozenset)):
        raise TypeError("the order of a set changes from run to run: pass the parameters as a list")
    try:
        params = [params] if isinstance(params, TensorBase) else list(params)
    except TypeError:
        raise arguments.wrong_kind("param_group", "params", "a tensor, or a list of tensors", params) from None
    if any(isinstance(p, tuple) and len(p) != 2 for p in params):
        raise arguments.wrong_kind("param_group", "params", "a list of tensors, or of pairs (name, tensor)", params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names and len(names) != len(params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    if names:
        params = [p[1] for p in params]
    check_parameters(params, others)
    if any(bool(names) != ("param_names" in other) for other in others):
        raise ValueError("all optimizer param groups should be with/without names")
    for setting, default in defaults.items():
        if default is required and setting not in group:
            raise ValueError(f"parameter group didn't specify a value of required optimization parameter {setting}")
    group["params"] = params
    if names:
        group["param_names"] = names
    for setting, default in defaults.items():
        group.setdefault(setting, default)
    return group


def check_parameters(params: Any, others: Sequence[Group] = ()) -> None:
    """Check that these are leaves, and that no other group has them."""
    if not isinstance(params, (list, tuple)):
        raise arguments.wrong_kind("param_group", "params", "a list of tensors", params)
    for p in params:
        if not isinstance(p, TensorBase):
            raise TypeError(
                f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}. "
                "Of a module, pass module.parameters()"
            )
        if not (p.is_leaf or p.retains_grad):
            raise ValueError(
                "can't optimize a non-leaf Tensor: it is computed anew in each forward pass. "
                "Pass the leaves that it is computed from"
            )
    if len(dict.fromkeys(params)) != len(params):
        _warn_user(
            "optimizer contains a parameter group with duplicate parameters: "
            "each of them is updated as often as it is listed"
        )
    taken = dict.fromkeys(chain.from_iterable(other["params"] for other in others))
    if any(p in taken for p in params):
        raise ValueError("some parameters appear in more than one parameter group")


def _warn_user(message: str) -> None:
    """Warn at the user's line, however many constructors of subclasses are in between."""
    line = user_line()
    if line is None:
        warnings.warn(message)
    else:
        warnings.warn_explicit(message, UserWarning, line.filename, line.lineno)
