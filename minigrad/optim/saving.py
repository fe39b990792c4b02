"""An optimizer's state and settings as plain dictionaries, in PyTorch's layout, and back."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase
from minigrad.optim import settings
from minigrad.optim.groups import Group
from minigrad.tensors.tensor import Tensor, from_array

#: Settings that choose between PyTorch's implementations: here they change nothing, and may be missing.
NO_EFFECT = ("foreach", "fused", "capturable", "differentiable")


def pack(groups: list[Group], state: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """Put a number in the place of each parameter, in the order of the groups."""
    number: dict[Any, int] = {}
    packed = []
    for group in groups:
        for p in group["params"]:
            number.setdefault(p, len(number))
        settings = {setting: value for setting, value in group.items() if setting != "params"}
        packed.append({**settings, "params": [number[p] for p in group["params"]]})
    return {"state": {number.get(p, p): kept for p, kept in state.items()}, "param_groups": packed}


def check(saved: Any) -> None:
    """Check that this is built as a state dict is.

    Raises
    ------
    TypeError, ValueError
        If it isn't; the message says which part.
    """
    if not isinstance(saved, dict) or not {"state", "param_groups"} <= saved.keys():
        raise _no_state("it", "a dictionary with 'state' and 'param_groups'", saved)
    if not isinstance(saved["param_groups"], (list, tuple)):
        raise _no_state("param_groups", "a list of groups", saved["param_groups"])
    for i, group in enumerate(saved["param_groups"]):
        if not isinstance(group, dict) or not isinstance(group.get("params"), (list, tuple)):
            raise _no_state(f"param_groups[{i}]", "a dictionary with a list of 'params'", group)
        if not all(isinstance(number, (int, str)) for number in group["params"]):
            raise _no_state(f"param_groups[{i}]['params']", "the numbers of parameters", group["params"])
    if not isinstance(saved["state"], dict):
        raise _no_state("state", "a dictionary, by the numbers of parameters", saved["state"])
    for number, kept in saved["state"].items():
        if number in {n for group in saved["param_groups"] for n in group["params"]} and not isinstance(kept, dict):
            raise _no_state(f"state[{number!r}]", "a dictionary", kept)


def _no_state(name: str, wanted: str, value: Any) -> TypeError:
    return arguments.wrong_kind("load_state_dict", name, wanted, value)


def unpack_groups(saved: list[Group], groups: list[Group], defaults: dict[str, Any]) -> list[Group]:
    """Copies of the saved groups, with the parameters of ``groups`` in the place of the numbers.

    Raises
    ------
    ValueError
        If they don't fit: in their number, in the number of parameters, or in the settings.
    """
    if len(saved) != len(groups):
        raise ValueError(
            "loaded state dict has a different number of parameter groups: "
            f"{len(saved)}, the optimizer has {len(groups)}"
        )
    unpacked = []
    for i, (new, group) in enumerate(zip(saved, groups, strict=True)):
        params = group["params"]
        if len(new["params"]) != len(params):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                f"group: group {i} has {len(new['params'])} parameters, the optimizer's has {len(params)}"
            )
        missing = [setting for setting in defaults if setting not in new and setting not in NO_EFFECT]
        if missing:
            raise ValueError(
                f"loaded state dict has no {', '.join(missing)} in group {i}: it was saved by another kind of optimizer"
            )
        new = {**copy.deepcopy(new), "params": params}
        for setting in (*NO_EFFECT, "param_names"):
            if setting in group:
                new.setdefault(setting, group[setting])
        unpacked.append(new)
    return unpacked


def unpack_state(
    saved: dict[str, Any], groups: list[Group], state_keys: Callable[[Group], tuple[str, ...]]
) -> defaultdict[Any, dict[str, Any]]:
    """A copy of the saved state, by parameter.

    Parameters
    ----------
    saved
        A whole state dict.
    groups
        What ``unpack_groups`` made of its groups.
    state_keys
        Gives the names of the arrays that a group's parameters have, in the parameters' shape.

    Raises
    ------
    ValueError
        If a shape doesn't fit.
    """
    owner: dict[Any, tuple[Tensor, tuple[str, ...]]] = {}
    for old, new in zip(saved["param_groups"], groups, strict=True):
        keys = state_keys(new)
        owner.update((number, (p, keys)) for number, p in zip(old["params"], new["params"], strict=True))
    state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for number, kept in saved["state"].items():
        if number in owner:
            p, keys = owner[number]
            state[p] = {key: _unpack(value, p, number, key, key in keys) for key, value in kept.items()}
        else:
            state[number] = copy.deepcopy(kept)
    return state


def _unpack(value: Any, p: Tensor, number: Any, key: str, ours: bool) -> Any:
    """A copy of one thing that is kept for ``p``; an array comes in the dtype of ``p``."""
    if key == "step":
        array = np.asarray(settings.number("load_state_dict", f"state[{number!r}]['step']", value), np.float32)
        if array < 0:
            raise _no_state(f"state[{number!r}]['step']", "a count of steps", value)
        return from_array(array)
    if not isinstance(value, TensorBase):
        if ours:
            raise _no_state(f"state[{number!r}][{key!r}]", "a tensor", value)
        return copy.deepcopy(value)
    array = value.array
    if ours and array.shape != p.array.shape:
        raise ValueError(
            f"loaded state dict has {key} of shape {array.shape} for parameter {number}, whose shape is "
            f"{p.array.shape}: it was saved for another model, or with the parameters in another order"
        )
    return from_array(np.array(array, p.array.dtype if array.dtype.kind == "f" else None))
