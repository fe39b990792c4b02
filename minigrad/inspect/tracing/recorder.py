"""Gradient norms over training: every so many backward passes, the norms of all layers and parameters."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any
from warnings import warn

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase, array_of
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.watch import Watcher
from minigrad.inspect import measure
from minigrad.inspect.forks.blocks import LEVELS, blocks_of
from minigrad.inspect.forks.graph import Graph, inputs_of
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.say.table import Table, Tabular, write_csv
from minigrad.inspect.tracing.bookkeeping import Bookkeeper
from minigrad.inspect.tracing.layers import outputs
from minigrad.inspect.tracing.record import EDGES, Record, flat, histogram
from minigrad.nn.module import Module


class Recorder(Watcher, Tabular):
    """A ``with`` block around training that records gradient norms, layer by layer.

    Parameters
    ----------
    model
        The model; its parameters are recorded under their names.
    every
        Every so many backward passes one is recorded.
    histograms
        Record histograms of the sizes of the gradients' elements too.
    level
        What a row is: ``"layers"``, ``"blocks"`` or ``"parameters"``, as in `Trace.layers`.
    ledger
        Record the ledger of each pass too: when does a branch wake up?

    Attributes
    ----------
    records
        What was recorded, a few numbers for each layer and pass.

    Raises
    ------
    TypeError, ValueError
        For what is no module, for ``every`` below 1, or for another level.

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> with Recorder(model, every=2) as recorder:
    ...     for _ in range(6):
    ...         optimizer.zero_grad()
    ...         model(mg.ones(4, 2)).mean().backward()
    ...         optimizer.step()
    >>> recorder.steps, recorder.layers, recorder.norms.shape
    ([0, 2, 4], ['0', '1'], (2, 3))
    """

    def __init__(
        self, model: Module, every: int = 1, histograms: bool = False, *, level: str = "layers", ledger: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(model, Module):
            raise TypeError(f"Recorder takes an nn.Module, and not a {type(model).__name__}")
        every = arguments.integer("Recorder", "every", every, least=1)
        arguments.choice("Recorder", "level", level, LEVELS)
        histograms = arguments.flag("Recorder", "histograms", histograms)
        ledger = arguments.flag("Recorder", "ledger", ledger)
        self.model = model
        self.every = every
        self.level = level
        self.histogrammed = histograms
        self.with_ledger = ledger
        self._books: Bookkeeper | None = None
        self.records: list[Record] = []
        self._passes = 0
        self._last_index = -1
        self._current: Record | None = None
        self._names: dict[Node, str] = {}
        self._parameters: dict[TensorBase, str] = {}
        self._gradients: dict[str, Array] = {}
        self._before: dict[str, Array] = {}

    def __enter__(self) -> Recorder:
        self._last_index = -1
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._close()
        if exc[0] is None:
            self._warn_if_empty()

    # -- watching ----------------------------------------------------------------------------------

    def before_backward(self, node: Node, grads: list[Any]) -> None:
        """Notice that a pass begins: within one, the nodes' numbers only fall."""
        if node.index > self._last_index:
            self._close()
            if self._passes % self.every == 0:
                self._open(node)
            self._passes += 1
        self._last_index = node.index

    def after_backward(self, node: Node, grads: list[Any], grad_inputs: tuple[Any, ...]) -> None:
        """Measure what reached a layer's output, and keep parameters' gradients until the pass is over."""
        record = self._current
        if record is None:
            return
        if self._books is not None:
            self._books.see(Step(node, grads, grad_inputs))
        name = self._names.get(node)
        if name is not None:
            reached = [array_of(g) for g in grads if g is not None]
            record.layers[name] = math.hypot(*(measure.norm(g) for g in reached))
            if self.histogrammed:
                record.histograms[name] = histogram(reached)
        for edge, value in inputs_of(node):
            gradient = grad_inputs[edge.position]
            parameter = self._parameters.get(value) if isinstance(value, TensorBase) else None
            if parameter is not None and gradient is not None:
                before = self._gradients.get(parameter)
                self._gradients[parameter] = array_of(gradient) if before is None else before + array_of(gradient)

    def leaf(self, leaf: TensorBase, gradient: Any) -> None:
        """Show the ledger the complete gradient of a leaf, which may be a forked value."""
        if self._books is not None:
            self._books.see_leaf(leaf, array_of(gradient))

    def _open(self, node: Node) -> None:
        """Begin a record: look at the graph once, and at the weights as they are now."""
        self._current = Record(self._passes)
        graph = Graph.of_node(node)
        pairs = find_pairs(graph).found if self.with_ledger or self.level == "blocks" else []
        self._books = Bookkeeper(pairs, keep_arrays=False) if self.with_ledger else None
        if self.level == "blocks":
            joins = [(pair.name, pair.join) for pair in pairs]
            self._names = {block.output: block.name for block in blocks_of(graph.nodes, joins)}
        elif self.level == "layers":
            self._names = {maker: name for name, maker in outputs(graph.nodes).items()}
        self._parameters = {parameter: name for name, parameter in self.model.named_parameters()}
        self._before = {name: p.array.copy() for p, name in self._parameters.items()}

    def _close(self) -> None:
        """End a record: the next pass begins, or the training is over."""
        record = self._current
        if record is None:
            return
        record.params = {name: measure.norm(g) for name, g in self._gradients.items()}
        for parameter, name in self._parameters.items():
            before = self._before[name]
            size = record.weights[name] = measure.norm(before)
            record.updates[name] = measure.norm(parameter.array - before) / size if size else math.nan
        if self._books is not None:
            record.ledger = self._books.rows()
        self.records.append(record)
        self._current = self._books = None
        self._names, self._gradients, self._before = {}, {}, {}

    # -- what was recorded -------------------------------------------------------------------------

    @property
    def steps(self) -> list[int]:
        """The numbers of the recorded passes."""
        return [record.number for record in self.records]

    @property
    def layers(self) -> list[str]:
        """The names of the rows, in forward order: layers, blocks or parameters."""
        return self.params if self.level == "parameters" else self._outputs

    @property
    def _outputs(self) -> list[str]:
        return list(dict.fromkeys(name for record in self.records for name in reversed(record.layers)))

    @property
    def params(self) -> list[str]:
        """The parameters' names, in the order of the model."""
        return list(dict.fromkeys(name for record in self.records for name in record.weights))

    @property
    def norms(self) -> Array:
        """The norms of the gradients: a row for each layer, block or parameter, a column for each recorded pass.

        NaN where no gradient arrived. The same goes for the arrays below.
        """
        return self.param_norms if self.level == "parameters" else self._array("layers", self._outputs)

    @property
    def param_norms(self) -> Array:
        """The norms of the parameters' gradients."""
        return self._array("params", self.params)

    @property
    def update_ratios(self) -> Array:
        """The size of each parameter's update, as a part of its own size."""
        return self._array("updates", self.params)

    def histogram(self, layer: str) -> Array:
        """The histograms of one layer: a row for each recorded pass, a column for each bin of ``EDGES``."""
        self._warn_if_empty()
        empty = np.zeros(len(EDGES) - 1, dtype=np.int64)
        return np.array([record.histograms.get(layer, empty) for record in self.records])

    @property
    def blocks(self) -> list[str]:
        """The names of the ledger's rows, in forward order; empty without ``ledger=True``."""
        return list(dict.fromkeys(row.name for record in self.records for row in record.ledger))

    def ledger(self, what: str = "skip_share") -> Array:
        """One number of the ledger: a row for each block, a column for each recorded pass; NaN where there is none.

        Parameters
        ----------
        what
            A field of `LedgerRow`, such as ``skip_share``, ``cosine`` or ``norm_branch``.

        Raises
        ------
        ValueError
            If the ledger wasn't recorded.
        """
        if not self.with_ledger:
            raise ValueError("this Recorder kept no ledger: inspect.Recorder(model, ledger=True)")
        self._warn_if_empty()
        tables = [{row.name: getattr(row, what) for row in record.ledger} for record in self.records]
        found = [[table.get(name) for table in tables] for name in self.blocks]
        return np.array([[math.nan if n is None else n for n in row] for row in found], dtype=float)

    def _array(self, what: str, names: Sequence[str]) -> Array:
        self._warn_if_empty()
        tables = [getattr(record, what) for record in self.records]
        return np.array([[table.get(name, math.nan) for table in tables] for name in names])

    def _warn_if_empty(self) -> None:
        if not self.records:
            warn(
                "this Recorder recorded nothing: run the training inside its block, as in "
                "`with inspect.Recorder(model) as recorder: ... loss.backward() ...`",
                stacklevel=3,
            )

    def to_dict(self) -> list[dict[str, Any]]:
        """A record for each pass and each layer or parameter."""
        found = []
        for record in self.records:
            found += [flat(record, self.level[:-1], name, size, None) for name, size in record.layers.items()]
            names = record.weights
            found += [flat(record, "parameter", n, record.params.get(n), record.updates[n]) for n in names]
        return found

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write all records to a CSV file."""
        write_csv(path, self.to_dict())

    def table(self) -> Table:
        """The table that is shown: the first and the last recorded pass."""
        self._warn_if_empty()
        if not self.records:
            return Table(["layer"], [], notes=["nothing was recorded"])
        first, last = self.records[0], self.records[-1]
        rows: list[list[Any]] = [
            ["output of " + name, first.layers.get(name), last.layers.get(name), None] for name in self._outputs
        ]
        rows += [[name, first.params.get(name), last.params.get(name), last.updates.get(name)] for name in self.params]
        columns = [
            "gradient of",
            f"|g|, pass {first.number}",
            f"|g|, pass {last.number}",
            "|update| / |weight|",
        ]
        return Table(columns, rows, notes=[f"{len(self.records)} of {self._passes} passes recorded"])
