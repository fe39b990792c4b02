"""A module's state by path: taken out as a dictionary, and loaded back, all of it or nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.arguments import truths
from minigrad.engine.base import Array, array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import no_grad
from minigrad.tensors.tensor import Tensor

#: So many keys are named in a message; the rest is counted.
_SHOWN = 12


class IncompatibleKeys(NamedTuple):
    """What a state dictionary lacked, and what it had too much."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def take(module: Any, destination: dict[str, Any] | None, prefix: str, keep_vars: bool) -> dict[str, Tensor]:
    """See ``Module.state_dict``."""
    destination = OrderedDict() if destination is None else destination
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None and name not in module._non_persistent:
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
    for name, below in module._modules.items():
        if below is not None:
            below.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    return destination


def load(module: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """See ``Module.load_state_dict``."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"load_state_dict() takes a dictionary of tensors, not {type(state_dict).__name__}")
    truths("load_state_dict", strict=strict, assign=assign)
    own = module.state_dict(keep_vars=True)
    missing = [key for key in own if key not in state_dict]
    unexpected = [key for key in state_dict if key not in own]
    arrays = {key: array_of(state_dict[key]) for key in own if key in state_dict}
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise OperationError(f"load_state_dict: {key!r} holds {array.dtype}, and the module real numbers")
    mismatched = [key for key, array in arrays.items() if array.shape != own[key].array.shape]
    if mismatched or (strict and (missing or unexpected)):
        raise OperationError(_mismatch(module, own, arrays, (missing, unexpected) if strict else ([], []), mismatched))
    if not assign:
        # Copies, so that keys which share memory with this module can't change each other.
        arrays = {key: np.array(array, own[key].array.dtype) for key, array in arrays.items()}
    with no_grad():
        for key, array in arrays.items():
            if assign:
                own[key].array = array
            else:
                own[key].copy_(array)
    return IncompatibleKeys(missing, unexpected)


def _mismatch(
    module: Any,
    own: dict[str, Tensor],
    arrays: dict[str, Array],
    keys: tuple[list[str], list[str]],
    mismatched: list[str],
) -> str:
    """Say all that keeps a state dictionary from being loaded, and what may mend it."""
    missing, unexpected = keys
    lines = [f"the state dictionary doesn't fit {type(module).__name__}, which is left as it was:"]
    if missing:
        lines.append(f"  missing key(s): {_listed(missing)}")
    if unexpected:
        lines.append(f"  unexpected key(s): {_listed(unexpected)}")
    for key in mismatched:
        given, there = arrays[key].shape, own[key].array.shape
        lines.append(f"  size mismatch for {key}: the dictionary has {given}, the module {there}")
    prefix = _common_prefix(missing, unexpected)
    if prefix:
        lines.append(
            f"The dictionary's keys begin with {prefix!r}: load "
            f"{{k.removeprefix({prefix!r}): v for k, v in state_dict.items()}}"
        )
    elif (missing or unexpected) and not mismatched:
        lines.append("Pass strict=False to load only the keys that both have")
    return "\n".join(lines)


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(repr(key) for key in keys[:_SHOWN]) + more


def _common_prefix(missing: list[str], unexpected: list[str]) -> str:
    """What stands in front of every unexpected key, if taking it away gives the missing ones."""
    if not missing or not unexpected or not unexpected[0].endswith(missing[0]):
        return ""
    prefix = unexpected[0].removesuffix(missing[0])
    return prefix if unexpected == [prefix + key for key in missing] else ""
