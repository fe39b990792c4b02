"""The graph of a loss in outline: modules collapsed to boxes, and arrows between them with their gradients."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.engine.base import TensorBase, array_of
from minigrad.engine.node import Node
from minigrad.engine.gradients import Collected
from minigrad.engine.walk import Pass, seed_gradient, visit
from minigrad.inspect import measure
from minigrad.inspect.graph import Graph, inputs_of
from minigrad.inspect.names import common
from minigrad.inspect.pairs import Pair, find_pairs
from minigrad.skip import Fork, HighwayGate, ResidualAdd, SkipConcat

SHOWN_ALONE = (Fork, ResidualAdd, SkipConcat, HighwayGate)


@dataclass
class Box:
    """A module's nodes, as far as they run without interruption on one way; or a fork, join or input by itself.

    Attributes
    ----------
    label, kind
        The module's path, or the kind of node.
    nodes, leaf
        What stands in it; a leaf only where it is forked, and so has a skip.
    joint
        Whether it is a fork or a join.
    shortcut
        Whether it stands on the skip around a branch.
    """

    label: str
    kind: str
    nodes: list[Node] = field(default_factory=list)
    joint: bool = False
    shortcut: bool = False
    leaf: TensorBase | None = None


@dataclass
class Arrow:
    """What flows from one box to another: the boxes' numbers, the way it is, and the gradient's norm."""

    start: int
    end: int
    way: str = ""
    norm: float | None = None


@dataclass
class Outline:
    """Boxes in forward order, and the arrows between them."""

    boxes: list[Box]
    arrows: list[Arrow]

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
        Modules below this many names are collapsed: with 2, ``stage1.block0.conv1`` into ``stage1.block0``.
        By default the largest at which there are at most 40 boxes.
    gradients
        Run a backward pass to measure the arrows. It leaves every ``.grad`` and the graph as they are.

    Raises
    ------
    OperationError
        If the tensor has no graph, or its graph was freed; with ``gradients``, if it is no scalar.
    """
    graph = Graph(loss)
    pairs = find_pairs(graph).found
    deepest = max((node.module.count(".") + 1 for node in graph.nodes if node.module), default=0)
    depths = range(deepest, 0, -1) if depth is None else (depth,)
    boxes = _boxes(graph.nodes, pairs, deepest if depth is None else depth)
    for tried in depths:
        boxes = _boxes(graph.nodes, pairs, tried)
        if len(boxes) <= 40:
            break
    return Outline(boxes, _arrows(boxes, pairs, _sent(loss) if gradients else {}))


def _boxes(nodes: Iterable[Node], pairs: list[Pair], depth: int) -> list[Box]:
    """Put nodes that run one after the other in the same collapsed module, on the same way, into one box."""
    joints = {pair.join for pair in pairs}
    ways = _ways_apart(pairs, depth)
    read_twice = (pair.value for pair in pairs if pair.fork is None)
    forked = dict.fromkeys(value for value in read_twice if isinstance(value, TensorBase))
    boxes = [Box(leaf.name or f"input {leaf.array.shape}", "leaf", leaf=leaf) for leaf in forked]
    last: Any = None
    for node in nodes:
        names = node.module.split(".") if node.module else []
        joint = isinstance(node, SHOWN_ALONE) or node in joints
        alone = not names or (joint and len(names) <= depth)
        path = ".".join(names[:depth])
        here = path, alone, ways.get(node)
        if alone or last != here:
            kind = type(node).__name__
            label, kind = (f"{path} {kind}".strip(), kind) if alone else (path, "module")
            boxes.append(Box(label, kind, joint=alone and joint, shortcut=ways.get(node, (0, ""))[1] == "skip"))
        boxes[-1].nodes.append(node)
        last = here
    _tell_apart(boxes, depth)
    return boxes


def _ways_apart(pairs: list[Pair], depth: int) -> dict[Node, tuple[int, str]]:
    """The innermost pair's way that a node is on, of those pairs whose join isn't collapsed with it."""
    ways: dict[Node, tuple[int, str]] = {}
    for number, pair in enumerate(pairs):
        join = pair.join.module.split(".")
        for way, nodes in (("skip", pair.skip_nodes), ("branch", pair.branch_nodes)):
            for node in nodes:
                if len(join) <= depth or node.module.split(".")[:depth] != join[:depth]:
                    ways.setdefault(node, (number, way))
    return ways


def _tell_apart(boxes: list[Box], depth: int) -> None:
    """Name boxes of one module by the part of it that they hold: ``block3.branch``, ``block3.shortcut``."""
    labels = Counter(box.label for box in boxes)
    for box in boxes:
        if labels[box.label] > 1 and box.kind == "module":
            shared = common([node.module for node in box.nodes])
            box.label = ".".join(shared.split(".")[: depth + 1])


@np.errstate(all="ignore")  # as in backward()
def _sent(loss: TensorBase) -> dict[tuple[Node, int], float]:
    """The norm of the gradient that each node sends to each of its inputs."""
    seed = seed_gradient(loss, None, create_graph=False)
    steps = visit(Pass([loss], [seed], retain_graph=True, receiver=Collected([])))
    return {
        (step.node, position): measure.norm(array_of(g))
        for step in steps
        for position, g in enumerate(step.grad_inputs)
        if g is not None
    }


def _arrows(boxes: list[Box], pairs: list[Pair], sent: dict[tuple[Node, int], float]) -> list[Arrow]:
    """One arrow for each pair of boxes and way; the norms of several readings are put together."""
    place = {node: number for number, box in enumerate(boxes) for node in box.nodes}
    leaves = {box.leaf: number for number, box in enumerate(boxes) if box.leaf is not None}
    ways = _ways(pairs)
    squares: dict[tuple[int, int, str], Any] = {}
    for node, end in place.items():
        for edge, tensor in inputs_of(node):
            start = leaves.get(tensor) if tensor.node is None else place.get(tensor.node)
            if start is None or start == end:
                continue
            key = (start, end, ways.get((node, edge.position), ways.get((node, -1), "")))
            norm = sent.get((node, edge.position))
            before = squares.get(key)
            squares[key] = before if norm is None else norm**2 + (before or 0.0)
    return [Arrow(*key, None if square is None else math.sqrt(square)) for key, square in squares.items()]


def _ways(pairs: list[Pair]) -> dict[tuple[Node, int], str]:
    """Which way an edge is on: by the join's input it is, or (position -1) by the node on the way it leads to."""
    ways: dict[tuple[Node, int], str] = {}
    for pair in pairs:
        for way, nodes in (("skip", pair.skip_nodes), ("branch", pair.branch_nodes)):
            for node in nodes:
                ways.setdefault((node, -1), way)
            for position in pair.positions(way):
                # What is read over a skip of one pair may come out of a branch of another.
                if ways.get((pair.join, position)) != "skip":
                    ways[pair.join, position] = way
    return ways
