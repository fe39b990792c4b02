"""The receipt: who paid for a weight's gradient? Every parameter's gradient, split by the branches that it crossed.

A route to a weight inside a branch crosses that branch too, so it counts. The parts of each parameter sum to its
gradient; what a length brings is its inner product with the whole, so that the bill adds up to ``|g|^2``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, TensorBase
from minigrad.engine.step import read_only
from minigrad.engine.walk import seed_gradient
from minigrad.inspect import measure
from minigrad.inspect.forks.graph import Edge, Graph, Value, read_at, value_of
from minigrad.inspect.forks.names import Blocks, choose
from minigrad.inspect.forks.pairs import Pair, find_pairs
from minigrad.inspect.paths.by_length import by_length
from minigrad.inspect.say.table import Table, Tabular
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.pass_arguments import starting_gradient

#: So many columns of lengths fit a line; longer ones are put together.
COLUMNS = 5


@dataclass(frozen=True, eq=False)
class ReceiptItem:
    """One parameter on the bill.

    Attributes
    ----------
    name
        Its name in the model.
    block
        The block that it belongs to; or the first part of its name.
    parts
        ``parts[k]`` is the part of its gradient that crossed k branches.
    total
        Their sum: its gradient.
    """

    name: str
    block: str
    parts: tuple[Array, ...]
    total: Array

    @property
    def contributions(self) -> Array:
        """What each length brings: the inner product of its part with the total. They sum to ``|total|^2``."""
        return np.array([measure.inner(part, self.total) for part in self.parts])

    @property
    def mean_length(self) -> float:
        """The mean number of branches crossed, by the contributions; NaN where no gradient came."""
        return _mean_length(self.contributions)


class Receipt(Tabular):
    """Every parameter's gradient by path length.

    Attributes
    ----------
    items
        A `ReceiptItem` for each parameter, in the order of the model.
    blocks
        The names of the blocks whose branches count.
    mean_length
        The mean length by the weights: ``sum over blocks of <W, dL/dW>``, W one matrix of each block, divided by
        ``<x, dL/dx>``, x what enters the first block. Where the net is bias-free with ReLUs that is exactly
        ``sum_k k <x, g_k> / <x, g>`` (Euler's theorem on homogeneous functions), which is ``mean_length_of_input``.
        NaN where a block has no matrix.
    mean_length_of_input
        The same mean from the split of the gradient of x.
    examples
        For each example (the first dimension of x), its mean length: the effective depth that it was learnt at.
    """

    def __init__(
        self,
        items: Sequence[ReceiptItem],
        blocks: Sequence[str],
        mean_length: float,
        mean_length_of_input: float,
        examples: Array,
    ) -> None:
        self.items = list(items)
        self.blocks = list(blocks)
        self.mean_length = mean_length
        self.mean_length_of_input = mean_length_of_input
        self.examples = read_only(examples)

    def __getitem__(self, name: str) -> ReceiptItem:
        """The item of a parameter, by its name."""
        return choose(self.items, name)[0]

    def __len__(self) -> int:
        return len(self.items)

    def total(self) -> dict[str, Array]:
        """Each parameter's gradient: the sum of its parts."""
        return {item.name: item.total for item in self.items}

    @property
    def contributions(self) -> Array:
        """What each length brings to all parameters together; they sum to the squared norm of the whole gradient."""
        return np.sum([item.contributions for item in self.items], axis=0)

    def by_block(self) -> dict[str, Array]:
        """What each length brings to the parameters of each block, and of each module outside blocks."""
        found: dict[str, Array] = {}
        for item in self.items:
            found[item.block] = found.get(item.block, 0.0) + item.contributions
        return found

    def by_class(self, labels: Any) -> dict[int, float]:
        """The mean length of the examples of each class.

        Parameters
        ----------
        labels
            One integer for each example.

        Raises
        ------
        ValueError
            If there are not as many labels as examples.
        """
        classes = np.asarray(labels.array if isinstance(labels, TensorBase) else labels)
        if classes.shape != self.examples.shape:
            raise ValueError(f"by_class: {classes.shape} labels for {self.examples.shape} examples")
        return {int(c): float(np.nanmean(self.examples[classes == c])) for c in np.unique(classes)}

    def table(self) -> Table:
        """The bill: a row for each block, a column for some lengths, and sums that add up both ways."""
        bins = _bins(len(self.contributions))
        heads = [str(a) if a == b else f"{a}-{b}" for a, b in bins]
        rows: list[list[Any]] = []
        for name, brought in [*self.by_block().items(), ("total", self.contributions)]:
            mean = _mean_length(brought)
            cells = [float(brought[a : b + 1].sum()) for a, b in bins]
            rows.append([name, *cells, float(brought.sum()), f"{mean:.2f}" if math.isfinite(mean) else None])
        notes = [
            "what the paths through so many branches bring to |g|^2 of a block's parameters; rows and columns add up"
        ]
        if math.isfinite(self.mean_length):
            notes.append(f"mean length by the weights {self.mean_length:.4g}, of what enters the first block "
                         f"{self.mean_length_of_input:.4g}")  # fmt: skip
        return Table(["paid by, to", *heads, "|g|^2", "mean"], rows, title="branches crossed", notes=notes)


def receipt(loss: TensorBase, model: Module, *, blocks: Blocks = None, gradient: Any = None) -> Receipt:
    """Split the gradient of every parameter by the number of branches that it came through: exactly, in one pass.

    The graph is kept, and no ``.grad`` is touched.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given. (For lengths by example it is a sum or a mean over them.)
    model
        Its parameters are on the bill.
    blocks
        Which blocks' branches count; None for all.
    gradient
        The gradient of ``loss``, of its shape.

    Raises
    ------
    OperationError
        If there is no skip connection in the graph, or the loss is no scalar.
    UnknownNameError
        If there is no such block.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Residual(nn.Linear(2, 2, bias=False)))
    >>> bill = receipt(net(mg.ones(1, 2)).sum(), net)
    >>> [len(item.parts) for item in bill.items], bill["1.branch.weight"].mean_length
    ([2, 2], 1.0)
    """
    arguments.instance("receipt", "model", model, Module, "a module")
    return billed(loss, {p: name for name, p in model.named_parameters()}, blocks=blocks, gradient=gradient)


@np.errstate(all="ignore")  # as in backward()
def billed(
    loss: TensorBase, names: Mapping[TensorBase, str], *, blocks: Blocks = None, gradient: Any = None
) -> Receipt:
    """The receipt for parameters that are given with their names."""
    graph = Graph(loss)
    seed = seed_gradient(loss, starting_gradient("receipt", "gradient", gradient), create_graph=False)
    pairs = choose(find_pairs(graph).some(), blocks)
    if not pairs:
        raise arguments.wrong_value("receipt", "blocks", "names or numbers of blocks, or None for all", blocks)
    named = {p: name for p, name in names.items() if p in graph.readers}
    entrance = pairs[0].value
    targets: list[Value] = list(dict.fromkeys([*named, entrance]))
    found = by_length(value_of(loss), seed, graph.nodes, branch_edges(pairs), targets)
    longest = max((k for parts in found.values() for k in parts), default=0)
    items = [_item(p, name, found[p], longest, pairs) for p, name in named.items()]
    x = _array_of(graph, entrance)
    split = [found[entrance].get(k, np.zeros_like(x)) for k in range(longest + 1)]
    whole = sum_of(split)
    brought = np.array([measure.inner(x, g) for g in split])
    by_weights = _by_weights(pairs, {p: item.total for p, item in zip(named, items, strict=True)})
    return Receipt(
        items,
        [pair.name for pair in pairs],
        by_weights / measure.inner(x, whole) if measure.inner(x, whole) else math.nan,
        _mean_length(brought),
        np.array([_mean_length([measure.inner(g[i], whole[i]) for g in split]) for i in range(len(x))])
        if x.ndim
        else np.empty(0),
    )


def branch_edges(pairs: Sequence[Pair]) -> dict[Edge, None]:
    """The edges over which a path crosses a branch."""
    return dict.fromkeys(Edge(pair.join, p) for pair in pairs for p in pair.branch_positions)


def _item(p: Any, name: str, found: dict[int, Array], longest: int, pairs: Sequence[Pair]) -> ReceiptItem:
    parts = tuple(read_only(found.get(k, np.zeros_like(p.array))) for k in range(longest + 1))
    block = next((pair.name for pair in pairs if name.startswith(pair.name + ".")), name.partition(".")[0])
    return ReceiptItem(name, block, parts, read_only(sum_of([found[k] for k in sorted(found)] or [parts[0]])))


def sum_of(parts: Sequence[Array]) -> Array:
    """The sum of the parts, in their order."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _array_of(graph: Graph, value: Value) -> Array:
    """The array of a value: that of a leaf, or what its first reader was applied to."""
    if isinstance(value, TensorBase):
        return value.array
    reader = graph.readers[value][0]
    array: Array = reader.node.inputs[reader.position].array
    return array


def _by_weights(pairs: Sequence[Pair], gradients: dict[Any, Array]) -> float:
    """The sum over blocks of ``<W, dL/dW>``, for one matrix of each; NaN where a block has none."""
    total = 0.0
    for pair in pairs:
        read = [read_at(node, position) for node in pair.branch_nodes for position in range(len(node.inputs))
                if isinstance(node.inputs[position], TensorBase)]  # fmt: skip
        matrix = next((w for w in read if isinstance(w, Parameter) and w.ndim > 1 and w in gradients), None)
        if matrix is None:
            return math.nan
        total += measure.inner(matrix.array, gradients[matrix])
    return total


def _mean_length(brought: Any) -> float:
    """The mean of 0, 1, 2 ... by these contributions."""
    total = float(np.sum(brought))
    return float(np.dot(np.arange(len(brought)), brought)) / total if total else math.nan


def _bins(count: int) -> list[tuple[int, int]]:
    """The lengths 0 to count - 1 in at most `COLUMNS` columns: the last one holds all that are longer."""
    single = [(k, k) for k in range(min(count, COLUMNS - 1))]
    return single if count < COLUMNS else [*single, (COLUMNS - 1, count - 1)]
