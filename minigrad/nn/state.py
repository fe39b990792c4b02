"""A module's state by path: taken out as a dictionary, and loaded back, all of it or nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.base import Array, array_of
from minigrad.engine.errors import OperationError
from minigrad.nn.tree import Tree
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


class State(Tree):
    """The methods of a module that give and take its state."""

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """All parameters and persistent buffers by path; they share their memory with the module.

        Parameters
        ----------
        destination
            A dictionary to add them to.
        prefix
            Put in front of every path.
        keep_vars
            Give the parameters themselves, not tensors detached from the graph.
        """
        destination = OrderedDict() if destination is None else destination
        for name, tensor in (*self._parameters.items(), *self._buffers.items()):
            if tensor is not None and name not in self._non_persistent:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Take over the values of a state dictionary.

        Everything is checked before anything is written: after an error the module is as it was.

        Parameters
        ----------
        state_dict
            Tensors or arrays by path.
        strict
            Whether every key must be on both sides.
        assign
            Take the arrays themselves, with their dtype, and not their values.

        Returns
        -------
        IncompatibleKeys
            The missing and the unexpected keys.

        Raises
        ------
        OperationError
            If shapes differ or, with ``strict``, keys; the message lists every one of them.

        Examples
        --------
        >>> from minigrad import nn
        >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())
        <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict() takes a dictionary of tensors, not {type(state_dict).__name__}")
        own = self.state_dict(keep_vars=True)
        missing = [key for key in own if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        arrays = {key: array_of(state_dict[key]) for key in own if key in state_dict}
        mismatched = [key for key, array in arrays.items() if array.shape != own[key].array.shape]
        if mismatched or (strict and (missing or unexpected)):
            raise OperationError(self._mismatch(own, arrays, (missing, unexpected) if strict else ([], []), mismatched))
        if not assign:
            # Copies, so that keys which share memory with this module can't change each other.
            arrays = {key: np.array(array, own[key].array.dtype) for key, array in arrays.items()}
        for key, array in arrays.items():
            if assign:
                own[key].array = array
            else:
                own[key].array[...] = array
        return IncompatibleKeys(missing, unexpected)

    def _mismatch(
        self,
        own: dict[str, Tensor],
        arrays: dict[str, Array],
        keys: tuple[list[str], list[str]],
        mismatched: list[str],
    ) -> str:
        """Say all that keeps a state dictionary from being loaded, and what may mend it."""
        missing, unexpected = keys
        lines = [f"the state dictionary doesn't fit {type(self).__name__}, which is left as it was:"]
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
