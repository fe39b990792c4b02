"""What goes between the checker and the process that runs a learner's file: one line of JSON a message.

What comes back is plain data, and reading it runs no code: an answer can't bring anything along that acts in the
checker. What is sent to the learner's process is pickled, functions by their code where they have no name.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import marshal
import pickle
import types
from typing import Any

import numpy as np


class Other:
    """Stands for a value that can't be handed back, and says what it was."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<a {self.kind}>"


def plain(value: Any) -> Any:
    """A value as JSON can hold it. What is no number, text, array, tensor or a collection of these is only named."""
    from minigrad.tensors.tensor import Tensor

    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if value is ...:
        return {"blank": True}
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return {"number": int.__repr__(value) if isinstance(value, int) else float.hex(value)}
    if isinstance(value, Tensor):
        return {"tensor": plain(value.array), "requires_grad": value.requires_grad}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
        array = np.asarray(value)
        text = base64.b64encode(array.tobytes()).decode()
        return {"array": text, "dtype": array.dtype.str, "shape": array.shape, "scalar": isinstance(value, np.generic)}
    if isinstance(value, (list, tuple)):
        return {"list": [plain(each) for each in value], "tuple": isinstance(value, tuple)}
    if isinstance(value, dict):
        return {"dict": [[plain(key), plain(each)] for key, each in value.items()]}
    return {"other": kind.__name__}


def value_of(data: Any) -> Any:
    """The value of plain data, made of this process's own types."""
    from minigrad.tensors.creation import tensor

    if not isinstance(data, dict):
        return data
    if "blank" in data:
        return ...
    if "number" in data:
        text = data["number"]
        return int(text) if text.lstrip("-").isdecimal() else float.fromhex(text)
    if "tensor" in data:
        return tensor(value_of(data["tensor"]), requires_grad=data["requires_grad"])
    if "array" in data:
        array = np.frombuffer(base64.b64decode(data["array"]), np.dtype(data["dtype"])).reshape(data["shape"]).copy()
        return array[()] if data["scalar"] else array
    if "list" in data:
        values = [value_of(each) for each in data["list"]]
        return tuple(values) if data["tuple"] else values
    if "dict" in data:
        return {value_of(key): value_of(each) for key, each in data["dict"]}
    return Other(data["other"])


class _Pickler(pickle.Pickler):
    """Pickles functions without a name of their own, as a lambda in a check, by their code."""

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, types.FunctionType) or "<" not in value.__qualname__:
            return NotImplemented
        cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
        return _function, (marshal.dumps(value.__code__), value.__module__, cells, value.__defaults__)


def _function(code: bytes, module: str, cells: tuple[Any, ...], defaults: tuple[Any, ...] | None) -> Any:
    names = vars(importlib.import_module(module))
    return types.FunctionType(marshal.loads(code), names, None, defaults, tuple(map(types.CellType, cells)))


def asked(message: Any) -> str:
    """A line for the learner's process."""
    file = io.BytesIO()
    _Pickler(file).dump(message)
    return base64.b64encode(file.getvalue()).decode()


def read_asked(line: str) -> Any:
    """The message in a line for the learner's process."""
    return pickle.loads(base64.b64decode(line))


def answered(message: dict[str, Any]) -> str:
    """A line for the checker."""
    return json.dumps(message)


def read_answered(line: str) -> dict[str, Any]:
    """The message in a line from the learner's process.

    Raises
    ------
    ValueError
        If it is none.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("no message")
    return message
