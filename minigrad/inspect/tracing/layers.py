"""Gradient norms block by block, layer by layer or parameter by parameter: of what is handed on, and of the weights."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array
from minigrad.engine.errors import OperationError
from minigrad.inspect import measure
from minigrad.inspect.forks.blocks import LEVELS, is_inside
from minigrad.inspect.forks.graph import matching, unknown
from minigrad.inspect.say.table import Table, Tabular, at, write_csv
from minigrad.nn.module import Module

if TYPE_CHECKING:
    from minigrad.inspect.tracing.arrivals import LeafGradient


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer; or a block, or a parameter.

    Attributes
    ----------
    name
        The module's path; a second call of the same module is ``relu:2``. Without modules, the node's name.
    kind
        The node that made the output; of a parameter, the node that reads it.
    norm
        The norm of the gradient of the output, or of the parameter; None where none arrived.
    condition
        Empty, or what is wrong with it: ``not reached``, ``zero``, ``underflow``, ``NaN``, ``infinite``.
    param_norm
        The norm of the gradients of all the layer's parameters; None where it has none, or none arrived.
    param_condition
        What is wrong with these; ``no parameters`` where there are none.
    params
        The norm of each parameter's gradient.
    """

    name: str
    kind: str
    norm: float | None
    condition: str
    param_norm: float | None
    param_condition: str
    params: dict[str, float | None] = field(default_factory=dict)


class Layers(Tabular, Sequence[LayerRow]):
    """The rows of all layers, blocks or parameters, in forward order.

    Attributes
    ----------
    rows
        The rows.
    level
        What a row is: ``"blocks"``, ``"layers"`` or ``"parameters"``.
    label
        Set where the gradient was changed by `cut` or `scale`.
    """

    def __init__(self, rows: Sequence[LayerRow], label: str = "", level: str = "layers") -> None:
        self.rows = list(rows)
        self.label = label
        self.level = level

    @overload
    def __getitem__(self, key: int | str) -> LayerRow: ...
    @overload
    def __getitem__(self, key: slice) -> Layers: ...
    def __getitem__(self, key: int | str | slice) -> LayerRow | Layers:
        """A row by number or name; a slice of rows."""
        if isinstance(key, slice):
            return Layers(self.rows[key], self.label, self.level)
        if not isinstance(key, str):
            return at("the layers", self.rows, key)
        for row in self.rows:
            if row.name == key:
                return row
        raise unknown(self.level[:-1], key, self.names)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LayerRow]:
        return iter(self.rows)

    @property
    def names(self) -> list[str]:
        """The layers' names, in forward order."""
        return [row.name for row in self.rows]

    @property
    def norms(self) -> Array:
        """The norms of the activations' gradients, NaN where there is none."""
        return np.array([math.nan if row.norm is None else row.norm for row in self.rows])

    @property
    def param_norms(self) -> Array:
        """The norms of the parameters' gradients, NaN where there is none."""
        return np.array([math.nan if row.param_norm is None else row.param_norm for row in self.rows])

    def select(self, pattern: str) -> Layers:
        """The layers of a module (with all below it), or of a glob such as ``blocks.?``."""
        hits = dict.fromkeys(matching(self.names, pattern))
        if not hits:
            raise unknown(self.level[:-1], pattern, self.names)
        return Layers([row for row in self.rows if row.name in hits], self.label, self.level)

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [asdict(row) for row in self.rows]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows to a CSV file."""
        write_csv(path, [{k: v for k, v in record.items() if k != "params"} for record in self.to_dict()])

    def table(self) -> Table:
        """The table that is shown."""
        rows = [
            [
                row.name,
                row.kind,
                row.norm if row.norm is not None else row.condition,
                "" if row.norm is None else row.condition,
                row.param_norm if row.param_norm is not None else row.param_condition.replace("no parameters", "-"),
                "" if row.param_norm is None else row.param_condition,
            ]
            for row in self.rows
        ]
        if self.level == "parameters":
            return Table(["parameter", "read by", "|g|", ""], [row[:4] for row in rows], title=self.label)
        return Table([self.level[:-1], "output of", "|activation g|", "", "|parameter g|", ""], rows, title=self.label)


def layers_of(trace: Any, model: Module | None = None, level: str = "layers", like: Any | None = None) -> Layers:
    """The rows of a trace; see `Trace.layers`."""
    arguments.choice("layers", "level", level, LEVELS)
    if model is not None:
        arguments.instance("layers", "model", model, Module, "a module, or None")
    named = any(node.module for node in trace.nodes)
    names = {} if model is None else {parameter: name for name, parameter in model.named_parameters()}
    learnt = [leaf for leaf in trace.leaves if leaf.learnt or not named]
    known = {leaf: names.get(leaf.leaf, leaf.name) for leaf in learnt}
    if level == "parameters":
        return Layers([_parameter_row(known[leaf], leaf) for leaf in learnt], trace.label, level)
    if level == "blocks":
        blocks = trace.blocks(like)
        if not blocks:
            raise OperationError(_NO_BLOCKS)
        owned = [{known[leaf]: leaf for leaf in learnt if is_inside(leaf.module, b.path)} for b in blocks]
        rows = [_row(trace, block.name, block.output, its) for block, its in zip(blocks, owned, strict=True)]
        return Layers(rows, trace.label, level)
    at: dict[str, dict[str, LeafGradient]] = {}
    for leaf in learnt:
        at.setdefault(leaf.module if named else leaf.reader, {})[known[leaf]] = leaf
    named_outputs = outputs(trace.nodes).items()
    rows = [_row(trace, name, node, at.get(name.partition(":")[0], {})) for name, node in named_outputs]
    if model is not None:
        _add_unreached(rows, model)
    return Layers(rows, trace.label)


_NO_BLOCKS = (
    "there are no blocks in this trace: no module has a skip around it, and none that contains others has a number for "
    "a name. Pass like=, the trace of a twin with skips; or take level='layers'"
)


def _row(trace: Any, name: str, node: Any, leaves: dict[str, LeafGradient]) -> LayerRow:
    """The row of what a node hands on, and of some parameters."""
    step = trace.step_of(node)
    size = step.norm if step is not None else None
    condition = measure.condition(size, step.dtype if step is not None else np.float64)
    return LayerRow(name, node.name, size, condition, *_parameters(leaves))


def _parameter_row(name: str, leaf: LeafGradient) -> LayerRow:
    condition = measure.condition(leaf.norm, leaf.dtype)
    return LayerRow(name, leaf.reader, leaf.norm, condition, leaf.norm, condition, {name: leaf.norm})


def outputs(nodes: Sequence[Any]) -> dict[str, Any]:
    """The layers of a graph: for each call of a named module, the node that made its output.

    Parameters
    ----------
    nodes
        The nodes in forward order. Where no module has a name, each node is a layer.

    Returns
    -------
    dict
        In forward order of the outputs. A node of a module belongs to the call before it, if between the
        two there were only modules inside this one.
    """
    if not any(node.module for node in nodes):
        return {node.name: node for node in nodes}
    last: dict[str, tuple[int, str]] = {}
    calls: dict[str, int] = {}
    found: dict[str, Any] = {}
    for position, node in enumerate(nodes):
        path = node.module
        if not path:
            continue
        before = last.get(path)
        if before is not None and all(is_inside(n.module, path) for n in nodes[before[0] + 1 : position]):
            name = before[1]
            del found[name]  # to the end, where this output is
        else:
            calls[path] = calls.get(path, 0) + 1
            name = path if calls[path] == 1 else f"{path}:{calls[path]}"
        found[name] = node
        last[path] = position, name
    return found


def _parameters(owned: dict[str, LeafGradient]) -> tuple[float | None, str, dict[str, float | None]]:
    """The norm of all parameters of a layer, what is wrong with it, and each one's own."""
    if not owned:
        return None, "no parameters", {}
    params = {name: leaf.norm for name, leaf in owned.items()}
    known = [size for size in params.values() if size is not None]
    size = math.hypot(*known) if known else None
    return size, measure.condition(size, next(iter(owned.values())).dtype), params


def _add_unreached(rows: list[LayerRow], model: Module) -> None:
    """Put in a row for each module with parameters that the trace doesn't have, after the one before it."""
    place = 0
    for path, module in model.named_modules():
        present = [i for i, row in enumerate(rows) if row.name.partition(":")[0] == path]
        if present:
            place = present[-1] + 1
        elif path and any(p is not None for p in module._parameters.values()):
            missing = {f"{path}.{name}": None for name, p in module._parameters.items() if p is not None}
            rows.insert(
                place,
                LayerRow(path, module._get_name(), None, "not reached", None, "not reached", {**missing}),
            )
            place += 1
