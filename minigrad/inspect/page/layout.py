"""Where boxes, edges and arcs stand on the page: a column in forward order, skips to its right.

Every step of the pass is a box, and what is read later than by the next box is a curve: on the right the skips, one
arc for each row of the ledger, on the left all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.engine.node import Node
from minigrad.inspect.forks.graph import maker_of
from minigrad.inspect.forks.outline import Box, boxes_at
from minigrad.inspect.page.recording import Recording

#: With more nodes than this, modules are collapsed to a box each.
STEPS = 1000
#: Modules are collapsed until there are no more boxes than this.
COLLAPSED = 400
#: Sizes in the drawing's units: a box, the way from one to the next, a lane of curves, and so many lanes a side.
WIDTH, HEIGHT, PITCH, LANE, LANES = 250, 24, 38, 13, 9


def boxes_of(recording: Recording) -> list[Box]:
    """The boxes: one for each node, or for each module where there are too many nodes."""
    nodes = recording.graph.nodes
    if len(nodes) <= STEPS:
        return [Box(node.name, node.name.partition("#")[0], [node]) for node in nodes]
    depth = max(node.module.count(".") + 1 for node in nodes)
    boxes = boxes_at(nodes, recording.pairs, depth)
    while len(boxes) > COLLAPSED and depth > 1:
        depth -= 1
        boxes = boxes_at(nodes, recording.pairs, depth)
    return [box for box in boxes if box.nodes]


def lay_out(recording: Recording, boxes: Sequence[Box], number: dict[str, int]) -> dict[str, Any]:
    """Places of everything that is drawn.

    Parameters
    ----------
    recording
        The pass.
    boxes
        In forward order.
    number
        The number of each node's step, by its name.

    Returns
    -------
    dict
        ``width`` and ``height``; ``boxes`` (``x``, ``y``, ``label``, ``module``, ``nodes``); ``edges`` (a path ``d``,
        the step ``at`` which a gradient runs along it, the node it comes ``from``) and ``arcs`` (a path, the row of
        the ledger, the step at which the skip's part has come).
    """
    row: dict[Node, int] = {node: i for i, box in enumerate(boxes) for node in box.nodes}
    skips = {
        (maker_of(pair.value) if pair.fork is None else pair.fork, pair.join): i
        for i, pair in enumerate(recording.pairs)
    }
    # Between two collapsed boxes there is one edge, lit when the first gradient runs along it.
    first: dict[tuple[int, int], tuple[int, str]] = {}
    for node, edges in recording.edges.items():
        for _, value in edges:
            maker = maker_of(value)
            if maker is None or row[maker] == row[node] or (maker, node) in skips:
                continue
            step = number.get(node.name, 0)
            known = first.get((row[maker], row[node]))
            if known is None or 0 < step < known[0]:
                first[row[maker], row[node]] = step, node.name
    near = [(a, b, *rest) for (a, b), rest in first.items() if b == a + 1]
    far = [(a, b, *rest) for (a, b), rest in first.items() if b != a + 1]
    arcs = [_arc(recording, i, row, number) for i in range(len(recording.pairs))]
    lanes, right = _lanes([(a, b) for a, b, *_ in far]), _lanes([(a, b) for a, b, *_ in arcs])
    left = LANE * min(LANES, max(lanes, default=-1) + 1) + 18
    middle = left + WIDTH / 2
    drawn = [
        {"d": f"M{middle:g} {_top(b):g}V{_top(a) + HEIGHT:g}", "at": step, "from": name, "far": 0}
        for a, b, step, name in near
    ]
    drawn += [
        {"d": _curve(left, -1, a, b, lane), "at": step, "from": name, "far": 1}
        for (a, b, step, name), lane in zip(far, lanes, strict=True)
    ]
    return {
        "width": left + WIDTH + LANE * min(LANES, max(right, default=-1) + 1) + 24,
        "height": PITCH * len(boxes) + 10,
        "boxes": [
            {
                "x": left,
                "y": _top(i),
                "label": box.label,
                "module": box.nodes[0].module if box.label == box.nodes[0].name else "",
                "nodes": [node.name for node in box.nodes],
            }
            for i, box in enumerate(boxes)
        ],
        "edges": drawn,
        "arcs": [
            {"d": _curve(left + WIDTH, 1, a, b, lane), "row": i, "at": step}
            for i, ((a, b, step), lane) in enumerate(zip(arcs, right, strict=True))
        ],
        "box": [WIDTH, HEIGHT],
    }


def _arc(recording: Recording, i: int, row: dict[Node, int], number: dict[str, int]) -> tuple[int, int, int]:
    """The rows that a skip leads from and to, and the step at which a gradient has begun its way over it."""
    pair = recording.pairs[i]
    maker = pair.fork if pair.fork is not None else maker_of(pair.value)
    # A forked leaf has no box: its arc begins at the first that reads it.
    readers = [edge.node for edge in recording.graph.readers.get(pair.value, ())]
    start = min(row[node] for node in readers) if maker is None else row[maker]
    return start, row[pair.join], number.get(pair.join.name, 0)


def _top(row: int) -> float:
    return PITCH * row + 5


def _curve(x: float, side: int, a: int, b: int, lane: int) -> str:
    """From the box in row ``b`` back to the one in row ``a``, around those between."""
    out = side * (LANE * (lane % LANES + 1) + 4)
    start, end = _top(b) + HEIGHT / 2 - 4, _top(a) + HEIGHT / 2 + 4
    turn = min(14.0, (start - end) / 2)
    return (
        f"M{x:g} {start:g}C{x + out:g} {start:g} {x + out:g} {start:g} {x + out:g} {start - turn:g}"
        f"V{end + turn:g}C{x + out:g} {end:g} {x + out:g} {end:g} {x:g} {end:g}"
    )


def _lanes(spans: Sequence[tuple[int, int]]) -> list[int]:
    """A lane for each span, so that two in one lane don't overlap; the short ones come nearest."""
    taken: list[list[tuple[int, int]]] = []
    found = [0] * len(spans)
    for i in sorted(range(len(spans)), key=lambda i: (spans[i][1] - spans[i][0], spans[i])):
        a, b = spans[i]
        free = (n for n, lane in enumerate(taken) if all(b <= c or d <= a for c, d in lane))
        found[i] = next(free, len(taken))
        if found[i] == len(taken):
            taken.append([])
        taken[found[i]].append((a, b))
    return found
