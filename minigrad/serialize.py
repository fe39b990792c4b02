"""Save and load tensors, and what a training run keeps beside them, as a safetensors file.

The layout: every tensor is stored under its path (``model/conv1.weight``), and the file's metadata holds
one JSON text, under ``minigrad``, that says how dictionaries, lists, numbers and strings are built around
them. Other tools read the tensors and skip the text. Loading runs no code from the file.

In that text a number, a string, true, false and null stand for themselves, and an array is a list. The
rest is an object: ``{"dict": [[key, value], ...]}``, ``{"tuple": [...]}``, ``{"float": "nan"}`` or
``{"tensor": name}``, with ``"requires_grad": true`` where it is so.
"""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from minigrad.engine.base import Array, TensorBase
from minigrad.files import path_of, write_whole
from minigrad.tensors.devices import check_device
from minigrad.tensors.tensor import Tensor, from_array

_KEY = "minigrad"
_LAYOUT = 1
#: safetensors reads no header of more than 100 MB; ours is half of that at most.
_MOST_TEXT = 50_000_000


class FileFormatError(ValueError):
    """A file is damaged, or is of another kind than it should be."""


def save(obj: Any, f: Any) -> None:
    """Save tensors, and dictionaries, lists, numbers and strings around them, to a file.

    The file is first written beside its place and then moved there: if saving fails, or the computer
    stops, what was there before is still there. A file that is there keeps its owner and mode; a device
    or a pipe is written to as it is.

    Parameters
    ----------
    obj
        A model's or an optimizer's ``state_dict()``, or dictionaries, lists and tuples of tensors, arrays,
        numbers, strings, booleans and None. Arrays come back as tensors, NumPy numbers as Python's.
    f
        A path, or a file that is open for writing bytes.

    Raises
    ------
    TypeError
        If something can't be stored; the message says where it is. If ``f`` is no path, nor a file of bytes.
    FileNotFoundError, IsADirectoryError, PermissionError
        If the folder isn't there, if ``f`` is one, or if it is not to be written to.

    Examples
    --------
    >>> import io
    >>> import minigrad as mg
    >>> file = io.BytesIO()
    >>> mg.save({"weight": mg.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> mg.load(file)
    {'weight': Tensor([1., 1.], shape=(2,), float32), 'epoch': 3}
    """
    _check_file("save", f, "wb")
    content = _to_bytes(obj)
    if hasattr(f, "write"):
        f.write(content)
    else:
        write_whole(f, content)


def _check_file(what: str, f: Any, mode: str) -> None:
    """Say what is wrong with a file argument, before the work."""
    if isinstance(f, io.TextIOBase):
        raise TypeError(f"{what}: the file is open for text: open it with mode {mode!r}, or give its path")
    if not hasattr(f, "write" if mode == "wb" else "read"):
        try:
            path_of(f, f", or a file that is open with mode {mode!r}")
        except TypeError as error:
            order = "" if what == "load" else "; the order is save(obj, f)"
            raise TypeError(f"{what}: {error}{order}") from None


def load(f: Any, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Load what ``save`` has written, or any other safetensors file.

    Parameters
    ----------
    f
        A path, or a file that is open for reading bytes.
    map_location
        Accepted; the only device is the CPU.
    weights_only
        Accepted; no code of the file is ever run.

    Returns
    -------
    object
        What was saved. A file that another tool wrote gives a dictionary from names to tensors.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If it is no safetensors file, or is damaged.
    """
    if not callable(map_location) and not isinstance(map_location, dict):
        check_device(map_location)
    _check_file("load", f, "rb")
    if hasattr(f, "read"):
        return _from_bytes(f.read(), getattr(f, "name", "the file"))
    path = Path(path_of(f))
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path.absolute()}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file in it")
    return _from_bytes(path.read_bytes(), str(path))


def _to_bytes(obj: Any) -> bytes:
    writer = _Writer()
    text = json.dumps({"layout": _LAYOUT, "value": writer.encode(obj, ())}, allow_nan=False)
    if len(text) > _MOST_TEXT:
        raise ValueError(
            f"can't save: numbers and strings take {len(text):,} bytes beside the tensors, and "
            f"{_MOST_TEXT:,} is the most. Turn long lists of numbers into tensors"
        )
    return safetensors.save(writer.arrays, {_KEY: text})


class _Writer:
    """Takes a value apart: into arrays with names, and a description made of JSON's own types."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.open: set[int] = set()

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            value = value.item()
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        if isinstance(value, TensorBase):
            note = {"requires_grad": True} if value.requires_grad else {}
            return {"tensor": self.store(value.array, path), **note}
        if isinstance(value, np.ndarray):
            return {"tensor": self.store(value, path)}
        if isinstance(value, (dict, list, tuple)):
            return self.container(value, path)
        remedy = " Save its state_dict()" if hasattr(value, "state_dict") else ""
        raise _unstorable(path, f"is of type {type(value).__name__}.{remedy}")

    def container(self, value: Any, path: tuple[Any, ...]) -> Any:
        if id(value) in self.open:
            raise _unstorable(path, "contains itself")
        self.open.add(id(value))
        if isinstance(value, dict):
            for key in value:
                if key is not None and not isinstance(key, (str, int, float, np.integer, np.floating)):
                    raise _unstorable(path, f"has the key {key!r}; keys must be strings or numbers")
            encoded: Any = {
                "dict": [[self.encode(key, path), self.encode(x, (*path, key))] for key, x in value.items()]
            }
        else:
            encoded = [self.encode(x, (*path, i)) for i, x in enumerate(value)]
            if isinstance(value, tuple):
                encoded = {"tuple": encoded}
        self.open.discard(id(value))
        return encoded

    def store(self, array: Array, path: tuple[Any, ...]) -> str:
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise _unstorable(path, f"is an array of {array.dtype}")
        plain = "/".join(str(part) for part in path) or "tensor"
        plain = plain.encode("utf-8", "backslashreplace").decode()
        name, number = plain, 1
        # The format keeps "__metadata__" for itself, and {"a": {"b": x}, "a/b": y} gives one path twice.
        while name in self.arrays or name == "__metadata__":
            number += 1
            name = f"{plain}~{number}"
        self.arrays[name] = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        return name


def _unstorable(path: tuple[Any, ...], reason: str) -> TypeError:
    where = "the object" + "".join(f"[{part!r}]" for part in path)
    return TypeError(
        f"can't save: {where} {reason}. What can be saved: tensors, arrays of booleans, integers or floats, "
        "and dictionaries, lists and tuples of them and of numbers, strings, True, False and None"
    )


def _from_bytes(content: bytes, name: str) -> Any:
    try:
        arrays = safetensors.load(content)
    except SafetensorError as error:
        raise FileFormatError(f"{name} can't be loaded: {_diagnosis(content)} ({error})") from error
    except KeyError as error:
        raise FileFormatError(
            f"{name} can't be loaded: it holds numbers of the type {error}, which NumPy doesn't have. "
            "Convert them to float32 with the tool that wrote the file"
        ) from error
    tensors = {key: from_array(array) for key, array in arrays.items()}
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    text = (header.get("__metadata__") or {}).get(_KEY)
    if text is None:
        return tensors
    try:
        description = json.loads(text)
        if description["layout"] != _LAYOUT:
            raise ValueError(f"its layout is number {description['layout']}, this minigrad knows {_LAYOUT}")
        return _decode(description["value"], tensors)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise FileFormatError(
            f"{name} can't be loaded: what it says of its own structure is not understood ({error}). "
            "Another version of minigrad, or another tool, may have written it"
        ) from error


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(x, tensors) for x in value]
    if not isinstance(value, dict):
        return value
    if "dict" in value:
        return {_decode(key, tensors): _decode(x, tensors) for key, x in value["dict"]}
    if "tuple" in value:
        return tuple(_decode(x, tensors) for x in value["tuple"])
    if "float" in value:
        return float(value["float"])
    return tensors[value["tensor"]].requires_grad_(value.get("requires_grad", False))


def _diagnosis(content: bytes) -> str:
    """Say what a file that can't be read looks like."""
    if not content:
        return "it is empty. Saving it may have been broken off"
    if content[8:9] == b"{":
        return "it is a safetensors file that is cut off or damaged. Save or copy it again"
    if content.startswith(b"PK"):
        return (
            "it is a zip archive, as torch.save and np.savez write them. Convert PyTorch's with "
            "safetensors.torch.save_file(torch.load(old), new)"
        )
    if content.startswith(b"\x80"):
        return "it is a pickle, which could run code. Convert it with the tool that wrote it"
    return "it is no safetensors file"
