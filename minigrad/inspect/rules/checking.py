"""``laws``: run a backward pass, and hold every fork and join in it to its law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.distributed.nn.nodes import Collective
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.gradients import Collected
from minigrad.engine.node import Node
from minigrad.engine.walk import seed_gradient, visit
from minigrad.inspect.forks.graph import Graph, Value, describe, inputs_of
from minigrad.inspect.forks.pairs import find_pairs
from minigrad.inspect.rules.across import sides_across
from minigrad.inspect.rules.known import LAWS, Law, Side, Sides, distance, law_of
from minigrad.inspect.say.table import Table, Tabular, at
from minigrad.ops.arithmetic import Add
from minigrad.ops.join import Cat
from minigrad.pass_arguments import starting_gradient
from minigrad.skip import Fork


@dataclass(frozen=True)
class LawRow:
    """One fork or join, and its law.

    Attributes
    ----------
    node
        Its name, as ``ResidualAdd#7``; of a value that is read several times, which is a fork too, the value in words.
    module
        The module that it is in.
    law
        The law in a word.
    error
        By how much what it sent differs from what its law asks, as a part of the largest element; 0 is to the bit.
    allowed
        How much is rounding.
    """

    node: str
    module: str
    law: str
    error: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the law holds."""
        return self.error <= self.allowed

    def sentence(self) -> str:
        """The row in plain words."""
        where = f" in {self.module!r}" if self.module else ""
        if self.holds:
            return f"{self.node}{where} {self.law}."
        return f"{self.node}{where} should be one that {self.law}, and is off by {self.error:.2g} of the gradient."


class Laws(Tabular, Sequence[LawRow]):
    """A row for each fork and join, in the order of the backward pass."""

    def __init__(self, rows: Sequence[LawRow]) -> None:
        self.rows = list(rows)

    def __getitem__(self, key: Any) -> Any:
        return self.rows[key] if isinstance(key, slice) else at("the laws", self.rows, key)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LawRow]:
        return iter(self.rows)

    @property
    def broken(self) -> list[LawRow]:
        """The rows whose law doesn't hold."""
        return [row for row in self.rows if not row.holds]

    def table(self) -> Table:
        """The table that is shown."""
        rows = [[r.node, r.module, r.law, r.error, "holds" if r.holds else "BROKEN"] for r in self.rows]
        notes = [row.sentence() for row in self.broken]
        if not self.rows:
            notes = ["there is no fork and no join in this graph"]
        elif not notes:
            exact = sum(row.error == 0 for row in self.rows)
            notes = [f"all {len(self.rows)} laws hold, {exact} of them to the bit"]
        return Table(["node", "module", "law", "error", ""], rows, notes=notes)


@np.errstate(all="ignore")  # as in backward()
def laws(loss: TensorBase, gradient: Any = None) -> Laws:
    """Check the law of every fork and join on a real graph.

    A fork sums; a join copies, slices, weighs, mixes, splits, projects, erases or rebuilds; a collective reduces or
    broadcasts (then every rank calls this). What each must send is computed anew, from what it was applied to. A value
    that is simply read several times is a fork too, and the engine's sum is checked. The graph is kept, and no
    ``.grad`` is touched.

    Parameters
    ----------
    loss
        A scalar, unless ``gradient`` is given.
    gradient
        The gradient of ``loss``, of its shape. (In a gradient of zeros every law holds.)

    Returns
    -------
    Laws
        A table; ``.broken`` has the rows whose law doesn't hold.

    Raises
    ------
    OperationError
        If the loss is no scalar, or has no graph.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> s, b = mg.skip.fork(x)
    >>> print(laws(mg.skip.residual_add(s, b.tanh()).sum()))
    node...module  law     error
    -...
    ResidualAdd#...  copies      0  holds
    Fork#...         sums        0  holds
    all 2 laws hold, 2 of them to the bit
    """
    graph = Graph(loss)
    seed = seed_gradient(loss, starting_gradient("laws", "gradient", gradient), create_graph=False)
    implicit = dict.fromkeys(pair.join for pair in find_pairs(graph).found)
    forked = {value: readers for value, readers in graph.readers.items() if len(readers) > 1}
    parts: dict[Value, list[Any]] = {value: [] for value in forked}
    whole = Collected([value for value in forked if isinstance(value, TensorBase)])
    rows: list[LawRow] = []
    for node, came, sent in visit([loss], [seed], retain_graph=True, receiver=whole):
        rows += _summed(graph, node, [array_of(g) for g in came], parts)
        law = _law(node, implicit)
        if law is not None:
            arrays = [array_of(g) for g in came]
            rows.append(_row(node.name, node.module, law, law.sides(node, arrays, sent), arrays[0].dtype))
        for edge, value in inputs_of(node):
            if value in parts and sent[edge.position] is not None:
                parts[value].append(array_of(sent[edge.position]))
    for leaf, gradient_of_leaf in whole.gradients.items():
        rows += _sum_of_parts(graph, leaf, gradient_of_leaf, parts[leaf])
    return Laws(rows)


def _law(node: Node, implicit: dict[Node, None]) -> Law | None:
    if isinstance(node, Collective):
        return Law(node.law, sides_across, 1000)
    if isinstance(node, (Add, Cat)) and node not in implicit:
        return None  # an addition that joins nothing, such as a bias
    return law_of(node)


def _summed(graph: Graph, node: Node, came: Sequence[Any], parts: dict[Value, list[Any]]) -> Iterator[LawRow]:
    """Whether the values that this node made, and that are read several times, got the sum of what was sent to them."""
    for slot, gradient in enumerate(came):
        if parts.get((node, slot)):
            yield from _sum_of_parts(graph, (node, slot), gradient, parts.pop((node, slot)))


def _sum_of_parts(graph: Graph, value: Value, gradient: Any, parts: Sequence[Any]) -> Iterator[LawRow]:
    if gradient is None or len(parts) < 2:
        return
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    module = "" if isinstance(value, TensorBase) else value[0].module
    name = describe(value, graph) if isinstance(value, TensorBase) else f"what reads {value[0].name}"
    yield _row(name, module, LAWS[Fork], [Side(total, array_of(gradient))], total.dtype)


def _row(name: str, module: str, law: Law, sides: Sides, dtype: Any) -> LawRow:
    return LawRow(name, module, law.word, distance(sides), law.slack * float(np.finfo(dtype).eps))
