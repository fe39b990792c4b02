"""A trace in a file: NumPy's ``.npz``, with the gradients as arrays and all else as JSON in it. No pickle."""

from __future__ import annotations

import io
import json
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array
from minigrad.engine.source import SourceLine
from minigrad.engine.step import read_only
from minigrad.files import write_whole
from minigrad.inspect.forks.ledger import Ledger, LedgerRow
from minigrad.inspect.forks.pairs import Unpaired
from minigrad.inspect.tracing.arrivals import LeafGradient
from minigrad.inspect.tracing.steps import SavedNode, TracedStep
from minigrad.inspect.tracing.trace import Trace

VERSION = 1
#: What a reader of archives, of arrays and of JSON meets in a file that is damaged, beside ValueError.
_DAMAGE = (BadZipFile, EOFError, LookupError, TypeError, AttributeError, RuntimeError, OSError, MemoryError, zlib.error)
_ROW_ARRAYS = ("g_out", "g_skip", "g_branch", "g_other", "g_in")


def save(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write a trace to a file.

    Parameters
    ----------
    trace
        The trace.
    path
        Where it goes; the ending is kept as it is.
    """
    write_whole(path, to_bytes(trace))


def to_bytes(trace: Trace) -> bytes:
    """What stands in a trace's file."""
    file = io.BytesIO()
    _write(trace, file)
    return file.getvalue()


def _write(trace: Trace, file: BinaryIO) -> None:
    store = _Store()
    known = {
        "version": VERSION,
        "keep": trace.keep,
        "label": trace.label,
        "nodes": [
            [n.name, n.index, n.module, None if n.source is None else [*n.source], n.out_shapes] for n in trace.nodes
        ],
        "steps": [
            {
                "node": step.name,
                "norms_out": step.norms_out,
                "norms_in": step.norms_in,
                "dtype": np.dtype(step.dtype).str,
                "grad_outputs": store.put_all(step.grad_outputs) if step.kept else None,
                "grad_inputs": store.put_all(step.grad_inputs) if step.kept else None,
            }
            for step in trace.steps
        ],
        "leaves": [
            [
                leaf.name,
                leaf.module,
                leaf.reader,
                leaf.learnt,
                leaf.norm,
                np.dtype(leaf.dtype).str,
                store.put(leaf.gradient),
            ]
            for leaf in trace.leaves
        ],
        "ledger": [
            {**row.record(), **{name: store.put(getattr(row, name)) for name in _ROW_ARRAYS}} for row in trace.ledger()
        ],
        "unpaired": trace.ledger().unpaired,
    }
    text = np.frombuffer(json.dumps(known).encode(), dtype=np.uint8)
    np.savez(file, allow_pickle=False, trace=text, **store.arrays)


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace that was saved.

    Raises
    ------
    ValueError
        If the file holds no trace, or that of a newer version, or is damaged.
    """
    name = os.fspath(arguments.instance("load", "path", path, (str, os.PathLike), "a path"))
    if not os.path.isfile(name):
        raise FileNotFoundError(f"there is no file {name}")
    return from_bytes(Path(name).read_bytes(), name)


def from_bytes(content: bytes, name: str = "this") -> Trace:
    """A trace from what stands in its file; raises as `load` does."""
    try:
        return _read(io.BytesIO(content), name)
    except _DAMAGE as error:
        raise ValueError(f"{name} is damaged, or holds no trace: {type(error).__name__}: {error}") from error


def _read(source: BinaryIO, name: str) -> Trace:
    start = source.read(2)
    source.seek(0)
    if start != b"PK":  # every .npz is a zip file
        raise ValueError(f"{name} holds no trace: save one with trace.save(path)")
    with np.load(source, allow_pickle=False) as file:
        if "trace" not in file:
            raise ValueError(f"{name} holds no trace: save one with trace.save(path)")
        known = json.loads(bytes(file["trace"]).decode())
        if known["version"] > VERSION:
            raise ValueError(f"{name} was saved by a newer minigrad (format {known['version']})")
        arrays = {name: read_only(file[name]) for name in file.files if name != "trace"}

    def get(key: str | None) -> Array | None:
        return None if key is None else arrays[key]

    def get_all(keys: list[str | None] | None) -> tuple[Array | None, ...]:
        return tuple(map(get, keys or ()))

    nodes = [
        SavedNode(name, index, module, None if source is None else SourceLine(*source), tuple(map(tuple, shapes)))
        for name, index, module, source, shapes in known["nodes"]
    ]
    by_name = {node.name: node for node in nodes}
    steps = [
        TracedStep(
            by_name[step["node"]],
            tuple(step["norms_out"]),
            tuple(step["norms_in"]),
            np.dtype(step["dtype"]),
            get_all(step["grad_outputs"]),
            get_all(step["grad_inputs"]),
        )
        for step in known["steps"]
    ]
    leaves = [
        LeafGradient(name, module, reader, learnt, size, np.dtype(dtype), gradient=get(key))
        for name, module, reader, learnt, size, dtype, key in known["leaves"]
    ]
    rows = []
    for row in known["ledger"]:
        fields: dict[str, Any] = {k: get(v) if k in _ROW_ARRAYS else v for k, v in row.items()}
        rows.append(LedgerRow(**fields))
    ledger = Ledger(rows, [Unpaired(*u) for u in known["unpaired"]], known["label"])
    return Trace(steps, nodes, leaves, ledger, known["keep"], known["label"])


class _Store:
    """Arrays to be saved, each memory once: a residual join hands one array both ways."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._keys: dict[Any, str] = {}

    def put(self, array: Array | None) -> str | None:
        """Add an array; gives its key in the file."""
        if array is None:
            return None
        memory = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str
        if memory not in self._keys:
            self._keys[memory] = f"g{len(self.arrays)}"
            self.arrays[self._keys[memory]] = array
        return self._keys[memory]

    def put_all(self, arrays: tuple[Array | None, ...]) -> list[str | None]:
        """Add several."""
        return [self.put(array) for array in arrays]
