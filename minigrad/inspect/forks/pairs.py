"""Fork-join pairs: every place in a graph where one value goes two ways and the ways join again.

A join that says what it is (`ResidualAdd`, `SkipConcat`, `HighwayGate` ...) with a `Fork` before it is an
*explicit* pair. A plain ``x + f(x)`` or ``cat`` is an *implicit* one: its fork is found in the graph (see
meeting.py). Of an implicit pair's two ways, the skip is the one with fewer weights, then with fewer nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from minigrad.engine.base import TensorBase
from minigrad.engine.errors import OperationError
from minigrad.engine.node import Node
from minigrad.inspect.forks.graph import Edge, Graph, Value, describe, inputs_of, kind_of, read_at, shape_of
from minigrad.inspect.forks.meeting import Meeting, Search
from minigrad.inspect.forks.names import name_pairs
from minigrad.nn.parameter import Parameter
from minigrad.ops.arithmetic import Add
from minigrad.ops.join import Cat
from minigrad.skip import DepthMix, Fork, HighwayGate, OrthogonalAdd, ResidualAdd, SkipConcat, StochasticAdd

EXPLICIT = (ResidualAdd, SkipConcat, HighwayGate, StochasticAdd, OrthogonalAdd)
#: What joins some of its inputs, where it is found that they come from one value.
FOUND = (Add, Cat, DepthMix)
JOINS = (*EXPLICIT, *FOUND)
#: What the ledger calls the join.
KINDS = {
    HighwayGate: "gate",
    SkipConcat: "concat",
    Cat: "concat",
    StochasticAdd: "drop",
    OrthogonalAdd: "project",
    DepthMix: "mix",
}


@dataclass(eq=False)
class Pair:
    """One fork, one join, and the two ways between them.

    Attributes
    ----------
    name
        The block's path, as in ``stage2.block1``; ``block0`` where no module has a name.
    join
        The node that makes one value of two.
    fork
        The `Fork` node; None where a value is simply read twice.
    value
        The value that is forked.
    skip_positions, branch_positions
        Which inputs of the join each way leads to. A gate counts with the branch.
    parts
        For each way out of the fork, ``"skip"``, ``"branch"`` (a gate counts with it) or ``"other"``, which
        leads past the join. The key is an output of the `Fork` node, or an edge that reads the value.
    skip_nodes, branch_nodes
        What stands on each way, in forward order.
    learns
        Whether weights stand on a way, or the join says that it is one.
    """

    join: Node
    fork: Fork | None
    value: Value
    skip_positions: tuple[int, ...]
    branch_positions: tuple[int, ...]
    parts: dict[int | Edge, str]
    skip_nodes: tuple[Node, ...]
    branch_nodes: tuple[Node, ...]
    learns: bool
    name: str = ""

    @property
    def implicit(self) -> bool:
        """Whether it was found in the graph, and not written with a fork and a join."""
        return self.fork is None or not isinstance(self.join, EXPLICIT)

    @property
    def kind(self) -> str:
        """What the join does: ``add``, ``concat``, ``gate``, ``drop``, ``project`` or ``mix``."""
        return next((kind for cls, kind in KINDS.items() if isinstance(self.join, cls)), "add")

    def positions(self, path: str) -> tuple[int, ...]:
        """The inputs of the join that ``"skip"`` or ``"branch"`` lead to."""
        return self.skip_positions if path == "skip" else self.branch_positions

    def __repr__(self) -> str:
        fork = self.fork.name if self.fork is not None else "an implicit fork"
        return f"<Pair {self.name!r}: {fork} to {self.join.name}>"


class Unpaired(NamedTuple):
    """A join without a fork, or a fork without a join, and why."""

    node: str
    module: str
    reason: str


class Pairs(NamedTuple):
    """The pairs of a graph in the order of their joins, and what couldn't be paired."""

    found: list[Pair]
    unpaired: list[Unpaired]

    def some(self) -> list[Pair]:
        """The pairs, of which there must be one.

        Raises
        ------
        OperationError
            If the graph has none.
        """
        if not self.found:
            raise OperationError(no_skip(self.unpaired))
        return self.found


def no_skip(unpaired: Iterable[Unpaired]) -> str:
    """Say that a graph has no skip connection, and what came near to one."""
    message = (
        "there is no skip connection in this graph: no value goes two ways and joins again. Write "
        "s, b = skip.fork(x); y = skip.residual_add(s, branch(b)), or use nn.Residual, or x + f(x)"
    )
    return "\n  ".join([message, *(f"{u.node}: {u.reason}" for u in unpaired)])


def find_pairs(graph: Graph) -> Pairs:
    """Find all fork-join pairs, nested and long-range ones included.

    Parameters
    ----------
    graph
        The graph of a loss.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.ones(2, requires_grad=True)
    >>> pairs = find_pairs(Graph((x + x.tanh()).sum()))
    >>> pairs.found[0].implicit, pairs.found[0].branch_nodes[0].name[:4]
    (True, 'Tanh')
    """
    found: list[Pair] = []
    unpaired: list[Unpaired] = []
    for node in graph.nodes:
        if isinstance(node, EXPLICIT) or (isinstance(node, FOUND) and _may_join(node, graph)):
            pairs, reasons = _pairs_at(node, graph)
            found += pairs
            unpaired += [Unpaired(node.name, node.module, reason) for reason in reasons]
    if any(pair.learns for pair in found):
        # A hand-written GELU has x + 0.04 * x**3 in it: a formula and no block, beside blocks that learn.
        reason = "no weight stands on either way: a formula, not a block"
        unpaired += [Unpaired(p.join.name, p.join.module, reason) for p in found if not p.learns]
        found = [pair for pair in found if pair.learns]
    paired = dict.fromkeys(pair.fork for pair in found)
    for node in graph.nodes:
        if isinstance(node, Fork) and node not in paired:
            unpaired.append(Unpaired(node.name, node.module, _why_no_join(node, graph)))
    name_pairs(found, graph)
    return Pairs(found, unpaired)


def _may_join(node: Node, graph: Graph) -> bool:
    """Whether a plain addition or concatenation could be where two ways join, and not, say, a bias."""
    values = [value for _, value in _joined(node)]
    if len(values) < 2:
        return False
    leaves = [value for value in values if isinstance(value, TensorBase)]
    return not any(isinstance(leaf, Parameter) or len(graph.readers[leaf]) == 1 for leaf in leaves)


def _joined(join: Node) -> list[tuple[Edge, Value]]:
    """The values that a node joins: all that it reads, but for the weights of a `DepthMix`."""
    return [(edge, value) for edge, value in inputs_of(join) if edge.position or not isinstance(join, DepthMix)]


def _pairs_at(join: Node, graph: Graph) -> tuple[list[Pair], list[str]]:
    """The pairs that end at a join (several, at a ``cat`` of many), and reasons where there is none."""
    edges = [edge for edge, _ in _joined(join)]
    bits = [1 << edge.position for edge in edges]
    if isinstance(join, EXPLICIT):
        if not join.wants[0]:
            return [], ["no gradient is wanted on its skip: to see both ways, forked_value.requires_grad_()"]
        if len(bits) < 2:
            return [], ["no gradient is wanted on its branch: nothing there requires one"]
        bits = [1, sum(bits[1:])]
    elif len(dict.fromkeys(value for _, value in _joined(join))) < 2:
        return [], ["its inputs are one and the same value"]
    search = Search(join, bits).run()
    if isinstance(join, Add) and len(dict.fromkeys(shape_of(value) for _, value in inputs_of(join))) > 1:
        shapes = " and ".join(str(shape_of(value)) for _, value in inputs_of(join))
        return [], [f"it adds {shapes}: one is repeated, as skips are not"] if search.meetings else []
    pairs = []
    for meeting in search.meetings:
        value = read_at(meeting.fork, 0) if isinstance(meeting.fork, Fork) else meeting.fork
        if join.out_shapes[0] == () and shape_of(value) != ():
            search.failures.append("it adds numbers, such as parts of a loss: no skip")
            continue
        pair = _make_pair(join, meeting, value, graph)
        if meeting.aside is not None and pair.skip_nodes and not isinstance(join, EXPLICIT):
            search.failures.append(
                f"its ways part at {describe(value)}, but {describe(meeting.aside)} flows in around it: no skip"
            )
            continue
        pairs.append(pair)
    return pairs, search.failures


def _make_pair(join: Node, meeting: Meeting, value: Value, graph: Graph) -> Pair:
    ways = _nodes_between(meeting)
    if isinstance(join, EXPLICIT):
        skip = min(meeting.groups, key=lambda group: not group & 1)
    else:
        skip = min(meeting.groups, key=lambda g: (sum(_has_weights(n, value) for n in ways[g]), len(ways[g]), g))
    branch = sum(group for group in meeting.groups if group != skip)

    def way_of(mask: int) -> str:
        return "skip" if mask & skip else "branch" if mask & branch else "other"

    def mask_of(edge: Edge) -> int:
        return 1 << edge.position if edge.node is join else meeting.reached.get(edge.node, 0)

    parts: dict[int | Edge, str] = {}
    fork = meeting.fork if isinstance(meeting.fork, Fork) else None
    if fork is not None:
        for slot in range(fork.ways):
            mask = 0
            for edge in graph.readers.get((fork, slot), ()):
                mask |= mask_of(edge)
            parts[slot] = way_of(mask)
    else:
        for edge in graph.readers[value]:
            parts[edge] = way_of(mask_of(edge))
    wanted = [edge.position for edge, _ in _joined(join)]
    return Pair(
        join,
        fork,
        value,
        skip_positions=tuple(p for p in wanted if skip >> p & 1),
        branch_positions=tuple(p for p in wanted if branch >> p & 1),
        parts=parts,
        skip_nodes=tuple(ways[skip]),
        branch_nodes=tuple(n for group in meeting.groups if group != skip for n in ways[group]),
        learns=isinstance(join, EXPLICIT)
        or any(
            _has_weights(node, value)
            for node, mask in meeting.reached.items()
            if mask & (skip | branch) and node is not fork
        ),
    )


def _nodes_between(meeting: Meeting) -> dict[int, list[Node]]:
    """The nodes on each way from the fork to the join, in forward order."""
    fork = meeting.fork
    on_way: dict[Value, None] = {}
    if isinstance(fork, Fork):
        on_way.update(dict.fromkeys((fork, slot) for slot in range(fork.ways)))
    else:
        on_way[fork] = None
    ways: dict[int, list[Node]] = {group: [] for group in meeting.groups}
    for node, mask in reversed(meeting.reached.items()):
        for group, way in ways.items():
            if group & mask:
                if any(source in on_way for _, source in inputs_of(node)):
                    way.append(node)
                    for slot in range(len(node.out_shapes)):
                        on_way[node, slot] = None
                break
    return ways


def _has_weights(node: Node, forked: Value) -> bool:
    """Whether a node reads something learnt: a parameter, frozen or not, or another leaf with a gradient."""
    read = [read_at(node, position) for position, x in enumerate(node.inputs) if isinstance(x, TensorBase)]
    leaves = [value for value in read if isinstance(value, TensorBase)]
    return any(isinstance(leaf, Parameter) or (leaf.requires_grad and leaf is not forked) for leaf in leaves)


def _why_no_join(fork: Fork, graph: Graph) -> str:
    unused = [str(slot) for slot in range(fork.ways) if (fork, slot) not in graph.readers]
    if unused:
        ways = "way" if len(unused) == 1 else "ways"
        return f"its {ways} {', '.join(unused)} never reached the loss: join them, or do without the fork"
    readers = ", ".join(kind_of(edge.node) for slot in range(fork.ways) for edge in graph.readers[fork, slot])
    return (
        f"its ways, read by {readers}, never join: bring them together with skip.residual_add, "
        "skip.skip_concat or skip.highway_gate"
    )
