"""The graph of a loss in outline: modules collapsed to boxes, and arrows between them with their gradients.

A fork and its join are never in two minds: either both can be seen, with what stands on each way in boxes of its
own, or (only if a depth was asked for) both are inside one box. What repeats, such as the blocks of a stage, is
folded: the first is drawn, and how many there are is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.gradients import Collected
from minigrad.engine.node import Node
from minigrad.engine.step import Step
from minigrad.engine.walk import seed_gradient, visit
from minigrad.inspect import measure
from minigrad.inspect.forks.folding import repeats
from minigrad.inspect.forks.graph import Edge, Graph, Value, inputs_of, kind_of
from minigrad.inspect.forks.names import common
from minigrad.inspect.forks.pairs import EXPLICIT, Pair, find_pairs
from minigrad.skip import DepthMix, Fork, StreamMix

SHOWN_ALONE = (Fork, *EXPLICIT, DepthMix, StreamMix)
#: So many boxes are drawn by default; of more, what repeats is folded, and modules are collapsed.
BOXES = 40


@dataclass
class Box:
    """A module's nodes, as far as they run without interruption on one way; or a fork, join or input by itself.

    Attributes
    ----------
    label, kind
        The module's path, or the kind of node. No two boxes have one label.
    nodes, leaf
        What stands in it; a leaf only where it is forked, and so has a skip.
    joint
        Whether it is a fork or a join.
    shortcut
        Whether it stands on the skip around a branch.
    times
        For how many it stands, itself counted: above 1 where the blocks after it are like it, and were folded.
    """

    label: str
    kind: str
    nodes: list[Node] = field(default_factory=list)
    joint: bool = False
    shortcut: bool = False
    leaf: TensorBase | None = None
    times: int = 1


@dataclass
class Arrow:
    """What flows from one box to another: the boxes' numbers, the way it is, and the gradient's norm."""

    start: int
    end: int
    way: str = ""
    norm: float | None = None


@dataclass
class Outline:
    """Boxes in forward order, and the arrows between them.

    Attributes
    ----------
    folds
        For each run of boxes that repeats: the first one's number, the number after the last, and how many times.
    """

    boxes: list[Box]
    arrows: list[Arrow]
    folds: list[tuple[int, int, int]] = field(default_factory=list)

    def dot(self) -> str:
        """The outline in Graphviz's language, for those who have it."""
        lines = ["digraph {", "  node [shape=box]"]
        lines += [f"  n{i} [label={_quoted(box.label)}]" for i, box in enumerate(self.boxes)]
        for arrow in self.arrows:
            norm = "" if arrow.norm is None else f"{arrow.norm:.2g}"
            lines.append(f"  n{arrow.start} -> n{arrow.end} [label={_quoted(norm)}, class={_quoted(arrow.way)}]")
        return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def outline(loss: TensorBase, depth: int | None = None, *, gradients: bool = True) -> Outline:
    """Collapse the graph of a loss to boxes.

    Parameters
    ----------
    loss
        The loss, before its backward pass.
    depth
        Modules below this many names are collapsed, with the forks and joins in them: with 2,
        ``stage1.block0.conv1`` into ``stage1.block0``. By default every fork and join is seen; where there would be
        more than 40 boxes, what repeats is folded ("x 9", the first is drawn), and modules are collapsed as far as
        needed, but never a fork away from its join.
    gradients
        Run a backward pass to measure the arrows. It leaves every ``.grad`` and the graph as they are.

    Raises
    ------
    OperationError
        If the tensor has no graph, or its graph was freed; with ``gradients``, if it is no scalar.
    """
    graph = Graph(loss)
    pairs = find_pairs(graph).found
    sent = _sent(loss) if arguments.flag("outline", "gradients", gradients) else {}
    if depth is not None:
        depth = arguments.integer("outline", "depth", depth, least=0)
        shown = [pair for pair in pairs if len(_parts(pair.join.module)) <= depth]
        hidden = {joint for pair in pairs if pair not in shown for joint in (pair.fork, pair.join)}
        return collapsed(graph.nodes, shown, depth, sent, hidden)
    deepest = max((len(_parts(node.module)) for node in graph.nodes), default=0)
    drawn = collapsed(graph.nodes, pairs, deepest, sent)
    for tried in range(deepest, 0, -1):
        if len(drawn.boxes) <= BOXES and len(drawn.arrows) <= 2 * BOXES:
            break
        drawn = _folded(collapsed(graph.nodes, pairs, tried, sent))
    return drawn


def _parts(module: str) -> list[str]:
    return module.split(".") if module else []


def collapsed(
    nodes: Sequence[Node],
    pairs: list[Pair],
    depth: int,
    sent: dict[Edge, float],
    hidden: AbstractSet[Node | None] = frozenset(),
) -> Outline:
    """The outline with modules of more than so many names collapsed, and forks and joins alone."""
    boxes = _boxes(nodes, pairs, depth, hidden)
    return Outline(boxes, _arrows(boxes, pairs, sent))


def _boxes(nodes: Sequence[Node], pairs: list[Pair], depth: int, hidden: AbstractSet[Node | None]) -> list[Box]:
    """Put nodes that run one after the other in the same collapsed module, on the same way, into one box.

    Of the ``pairs``, fork and join stand alone; what is ``hidden`` doesn't.
    """
    joints = {joint for pair in pairs for joint in (pair.fork, pair.join)}
    ways = _innermost(pairs)
    read_twice = (pair.value for pair in pairs if pair.fork is None)
    forked = dict.fromkeys(value for value in read_twice if isinstance(value, TensorBase))
    boxes = [Box(leaf.name or f"input {leaf.array.shape}", "leaf", leaf=leaf) for leaf in forked]
    last: Any = None
    for node in nodes:
        names = _parts(node.module)
        joint = node in joints or (node not in hidden and isinstance(node, SHOWN_ALONE) and len(names) <= depth)
        alone = not names or joint
        path = ".".join(names[:depth])
        pair, way = ways.get(node, (None, ""))
        if alone or last != (path, alone, pair, way):
            label = f"{node.module if joint else path} {kind_of(node)}".strip() if alone else path
            kind = kind_of(node) if alone else "module"
            boxes.append(Box(label, kind, joint=joint, shortcut=way == "skip"))
        boxes[-1].nodes.append(node)
        last = path, alone, pair, way
    _tell_apart(boxes, {pair.join.module for pair in pairs}, ways)
    return boxes


def _innermost(pairs: list[Pair]) -> dict[Node, tuple[Pair, str]]:
    """The innermost pair's way that a node is on."""
    ways: dict[Node, tuple[Pair, str]] = {}
    for pair in pairs:
        for way, nodes in (("skip", pair.skip_nodes), ("branch", pair.branch_nodes)):
            for node in nodes:
                ways.setdefault(node, (pair, way))
    return ways


def _tell_apart(boxes: list[Box], blocks: set[str], ways: dict[Node, tuple[Pair, str]]) -> None:
    """Name boxes of one module by the part of it that they hold, such as ``block3.shortcut``; or else by a number."""
    for box in boxes:
        if box.kind == "module":
            whole = common([node.module for node in box.nodes])
            way = ways.get(box.nodes[0], (None, ""))[1]
            if whole in blocks and way:
                box.label = f"{whole} {'shortcut' if box.shortcut else way}"
            elif box.label in blocks:  # what comes before the fork, or after the join
                box.label = whole
    while True:
        same = _alike(boxes)
        longer = [(box, _one_more(box)) for box in same if box.kind == "module"]
        changed = [(box, label) for box, label in longer if label != box.label]
        if not changed:
            break
        for box, label in changed:
            box.label = label
    counts: dict[str, int] = {}
    for box in _alike(boxes):
        counts[box.label] = number = counts.get(box.label, 0) + 1
        if number > 1:
            box.label = f"{box.label}:{number}"


def _alike(boxes: list[Box]) -> list[Box]:
    """The boxes whose label another one has too."""
    counts: dict[str, int] = {}
    for box in boxes:
        counts[box.label] = counts.get(box.label, 0) + 1
    return [box for box in boxes if counts[box.label] > 1]


def _one_more(box: Box) -> str:
    """The label with one more name of the path that all of a box's nodes share."""
    whole = _parts(common([node.module for node in box.nodes]))
    return ".".join(whole[: len(_parts(box.label)) + 1]) if " " not in box.label else box.label


@np.errstate(all="ignore")  # as in backward()
def _sent(loss: TensorBase) -> dict[Edge, float]:
    """The norm of the gradient that each node sends to each of its inputs."""
    seed = seed_gradient(loss, None, create_graph=False)
    steps = starmap(Step, visit([loss], [seed], retain_graph=True, receiver=Collected([])))
    return {
        Edge(step.node, position): measure.norm(array_of(g))
        for step in steps
        for position, g in enumerate(step.grad_inputs)
        if g is not None
    }


def _arrows(boxes: list[Box], pairs: list[Pair], sent: dict[Edge, float]) -> list[Arrow]:
    """One arrow for each pair of boxes and way; the norms of several readings are put together."""
    place: dict[Value | Node, int] = {node: number for number, box in enumerate(boxes) for node in box.nodes}
    place.update((box.leaf, number) for number, box in enumerate(boxes) if box.leaf is not None)
    ways = _ways(pairs)
    found: dict[tuple[int, int, str], Arrow] = {}
    for box in boxes:
        for node in box.nodes:
            for edge, value in inputs_of(node):
                start = place.get(value[0] if isinstance(value, tuple) else value)
                if start is not None and start != place[node]:
                    way = ways.get(edge, ways.get(Edge(node, -1), ""))
                    arrow = found.setdefault((start, place[node], way), Arrow(start, place[node], way))
                    arrow.norm = _together(arrow.norm, sent.get(edge))
    return list(found.values())


def _together(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else math.hypot(a, b)


def _ways(pairs: list[Pair]) -> dict[Edge, str]:
    """Which way an edge is on: by the join's input it is, or (position -1) by the node on the way it leads to."""
    ways: dict[Edge, str] = {}
    for pair in pairs:
        for way, nodes in (("skip", pair.skip_nodes), ("branch", pair.branch_nodes)):
            for node in nodes:
                ways.setdefault(Edge(node, -1), way)
            for position in pair.positions(way):
                # What is read over a skip of one pair may come out of a branch of another.
                if ways.get(Edge(pair.join, position)) != "skip":
                    ways[Edge(pair.join, position)] = way
    return ways


def _folded(whole: Outline) -> Outline:
    """The same, with what repeats drawn once."""
    runs = repeats(whole)
    if not runs:
        return whole
    stands_for = list(range(len(whole.boxes)))
    for start, length, times in runs:
        for i in range(start, start + length * times):
            stands_for[i] = start + (i - start) % length
    kept = sorted(dict.fromkeys(stands_for))
    number = {old: new for new, old in enumerate(kept)}
    arrows: dict[tuple[int, int, str], Arrow] = {}
    for arrow in whole.arrows:
        if stands_for[arrow.end] == arrow.end:  # what leads to a later repetition is not drawn
            key = number[stands_for[arrow.start]], number[arrow.end], arrow.way
            arrows.setdefault(key, Arrow(*key, arrow.norm))
    folds = []
    boxes = [whole.boxes[old] for old in kept]
    for start, length, times in runs:
        for old in range(start, start + length):
            whole.boxes[old].times = times
        whole.boxes[start].label += f" x {times}"
        folds.append((number[start], number[start + length - 1] + 1, times))
    return Outline(boxes, list(arrows.values()), folds)
