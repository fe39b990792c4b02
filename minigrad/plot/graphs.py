"""The graph as a picture: boxes in forward order, one below the other, and skips as arcs around their branch.

This needs no layout program, and no two labels can ever meet: each box has a line of its own. What stands on a
skip, such as a projection, is set to the right. An arrow past other boxes is an arc in a lane of its own. A bracket
is around what repeats, of which the first is drawn. A long graph goes on in a second column, from a place that no
arc passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minigrad.plot.style import COLOURS, axes_or_new

if TYPE_CHECKING:
    from minigrad.engine.base import TensorBase
    from minigrad.inspect.forks.outline import Arrow, Outline

#: Inches from one box to the next, from one lane of arcs to the next, and of half a letter.
LINE, LANE, LETTER = 0.3, 0.22, 0.029
#: A column has about so many boxes.
COLUMN = 40


def graph(
    loss: TensorBase | Any, *inputs: Any, ax: Any = None, depth: int | None = None, gradients: bool = True
) -> Any:
    """Draw the graph of a loss, or of a model on an example input.

    Parameters
    ----------
    loss
        A loss before its backward pass; or a model, with its ``inputs`` after it.
    ax
        Where to draw; by default a new figure, as large as the graph needs.
    depth
        Collapse modules below so many names, with the forks and joins in them. By default all forks and joins are
        drawn; of repeated blocks the first, with how many there are ("x 9").
    gradients
        Let the width of an arrow tell the norm of the gradient that comes back along it. No ``.grad`` changes.

    Returns
    -------
    matplotlib.axes.Axes
        Save it as SVG or PNG with ``plot.save(ax.figure, path)``; no other program is needed. For Graphviz,
        ``inspect.outline(loss).dot()`` gives the text.

    Raises
    ------
    TypeError
        For a model without an input.
    """
    from minigrad.inspect import outline

    if callable(loss):
        if not inputs:
            raise TypeError(
                "plot.graph(model) needs an example input, as in plot.graph(model, x): running it makes the graph"
            )
        output = loss(*inputs)
        loss = output if output.array.size == 1 else output.square().mean()
    drawn = outline(loss, depth, gradients=gradients)
    columns = _columns(drawn)
    used = columns[-1].right
    width = max(used, 3.6)
    bottom = 0.1 - max(column.stop - column.start for column in columns)
    legend = {"loc": "upper center", "ncols": 3 if width > 6 else 1, "fontsize": 8, "frameon": False}
    top = (0.6 if len(columns) == 1 else 1.0) + (0.9 if width > 6 else 2.0)
    own = ax is None
    ax = axes_or_new(ax, width=width, height=LINE * (top - bottom))
    if own:
        ax.set_position([0, 0, 1, 1])
    ax.set_axis_off()
    ax.set(xlim=((used - width) / 2, (used + width) / 2), ylim=(bottom, top))
    _draw(drawn, columns, ax)
    ax.legend(**legend, borderaxespad=0.2)
    return ax


@dataclass
class Column:
    """Boxes ``start`` to ``stop``, and where they are from left to right, in inches.

    Attributes
    ----------
    left, right
        Where the column begins and ends.
    middle
        Where the boxes stand.
    aside
        Where those stand that are on a skip.
    lanes
        For each arc, by the number of its arrow, where it goes down.
    """

    start: int
    stop: int
    left: float
    middle: float = 0.0
    aside: float = 0.0
    right: float = 0.0
    lanes: dict[int, float] = field(default_factory=dict)


def _columns(drawn: Outline) -> list[Column]:
    """Cut a long graph where only one arrow passes, and give every arc its lane."""
    total = len(drawn.boxes)
    wanted = math.ceil(total / math.ceil(total / COLUMN))
    passed = [0] * (total + 1)
    for arrow in drawn.arrows:
        for place in range(arrow.start + 1, arrow.end + 1):
            passed[place] += 1
    for start, stop, _ in drawn.folds:  # what was folded stays together
        passed[start + 1 : stop] = [2] * (stop - start - 1)
    starts = [0]
    for place in range(1, total):
        later = next((p for p in range(place + 1, total) if passed[p] == 1), total)
        if passed[place] == 1 and later - starts[-1] > wanted and total - place > wanted // 3:
            starts.append(place)
    left = 0.0
    columns = []
    for start, stop in zip(starts, [*starts[1:], total], strict=True):
        column = Column(start, stop, left)
        boxes = drawn.boxes[start:stop]
        half = 0.15 + LETTER * max((len(box.label) for box in boxes if not box.shortcut), default=4)
        beside = LETTER * max((len(box.label) for box in boxes if box.shortcut), default=0)
        column.middle = left + 0.2 + half
        column.aside = column.middle + half + 0.15 + beside
        lane = column.aside + (0.25 + beside if beside else 0)
        taken: list[list[Arrow]] = []
        arcs = [
            n for n, arrow in enumerate(drawn.arrows) if start <= arrow.start < stop and _shape(drawn, arrow) == "arc"
        ]
        for n in sorted(arcs, key=lambda n: drawn.arrows[n].end - drawn.arrows[n].start):
            arrow = drawn.arrows[n]
            free = (
                i for i, others in enumerate(taken) if all(arrow.end <= o.start or o.end <= arrow.start for o in others)
            )
            number = next(free, len(taken))
            taken[number : number + 1] = [[*(taken[number] if number < len(taken) else ()), arrow]]
            column.lanes[n] = lane + LANE * number
        left = column.right = lane + LANE * len(taken) + 0.15
        columns.append(column)
    return columns


def _shape(drawn: Outline, arrow: Arrow) -> str:
    """How an arrow goes: ``straight`` down, ``out`` to a box aside, ``back`` from one, or in an ``arc``."""
    start, end = (drawn.boxes[n].shortcut for n in (arrow.start, arrow.end))
    between = [box.shortcut for box in drawn.boxes[arrow.start + 1 : arrow.end]]
    if start == end:
        return "arc" if start in between else "straight"
    return "arc" if True in between else "out" if end else "back"


def _draw(drawn: Outline, columns: Sequence[Column], ax: Any) -> None:
    """Draw the boxes and the arrows."""
    place = {n: (column, float(column.start - n)) for column in columns for n in range(column.start, column.stop)}
    for n, box in enumerate(drawn.boxes):
        column, y = place[n]
        _box(ax, column.aside if box.shortcut else column.middle, y, box.label, box.joint)
    for n, (arrow, width) in enumerate(zip(drawn.arrows, _widths(drawn.arrows), strict=True)):
        (column, top), (other, bottom) = place[arrow.start], place[arrow.end]
        x, to = (
            c.aside if drawn.boxes[i].shortcut else c.middle for c, i in ((column, arrow.start), (other, arrow.end))
        )
        shape = _shape(drawn, arrow)
        if column is not other:
            points = [(x, top), (x, top - 0.7), (other.left, top - 0.7), (other.left, 0.75), (to, 0.75), (to, 0.32)]
        elif shape == "straight":
            points = [(x, top), (to, bottom + 0.32)]
        elif shape == "out":
            points = [(x, top - 0.12), (to, top - 0.12), (to, bottom + 0.32)]
        elif shape == "back":
            points = [(x, top), (x, bottom + 0.12), (to + _half(drawn, arrow.end), bottom + 0.12)]
        else:
            lane = column.lanes[n]
            # Where several arcs end, the outer ones end lower, and so cross no inner one.
            inner = sum(drawn.arrows[i].end == arrow.end and other < lane for i, other in column.lanes.items())
            end = bottom + max(0.18 - 0.12 * inner, -0.2)
            points = [(x, top - 0.12), (lane, top - 0.12), (lane, end), (to + _half(drawn, arrow.end), end)]
        _arrow(ax, points, COLOURS.get(arrow.way, COLOURS["neutral"]), width)
    for start, stop, _ in drawn.folds:
        (column, top), (_, bottom) = place[start], place[stop - 1]
        x = column.left + 0.08
        points = [(x + 0.08, top + 0.3), (x, top + 0.3), (x, bottom - 0.3), (x + 0.08, bottom - 0.3)]
        ax.plot(*zip(*points, strict=True), color=COLOURS["neutral"], linewidth=1)
    for way in ("skip", "branch"):
        ax.plot([], [], color=COLOURS[way], linewidth=2, label=way)
    ax.plot([], [], color=COLOURS["neutral"], linewidth=2, label="neither; width: norm of the gradient")


def _half(drawn: Outline, number: int) -> float:
    """Half the width of a box."""
    return 0.06 + LETTER * len(drawn.boxes[number].label)


def _box(ax: Any, x: float, y: float, label: str, joint: bool) -> None:
    """Draw a box with its label; forks and joins stand out."""
    look = {"boxstyle": "round,pad=0.25", "facecolor": "#FFF6D5" if joint else "white", "edgecolor": "#888888"}
    ax.text(x, y, label, ha="center", va="center", fontsize=8, bbox=look, zorder=3)


def _arrow(ax: Any, points: list[tuple[float, float]], colour: str, width: float) -> None:
    """Draw an arrow through some points, with round corners."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    corners, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        corners += [_near(corner, before), corner, _near(corner, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    path = Path([*corners, points[-1]], [*codes, Path.LINETO])
    ax.add_patch(
        FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=7, linewidth=width, color=colour, joinstyle="miter", zorder=1
        )
    )


def _near(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A point close to a corner, on the way to another one."""
    (x, y), (dx, dy) = corner, (other[0] - corner[0], other[1] - corner[1])
    share = min(0.5, 0.12 / max(abs(dx), abs(dy) * LINE, 1e-9))
    return x + share * dx, y + share * dy


def _widths(arrows: list[Arrow]) -> list[float]:
    """Line widths from 0.8 to 4, by the logarithm of the norm."""
    import numpy as np

    norms = np.array([np.nan if a.norm is None else a.norm for a in arrows])
    known = norms[np.isfinite(norms) & (norms > 0)]
    if not known.size:
        return [1.2] * len(arrows)
    low, high = np.log10(known.min()), np.log10(known.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (np.log10(norms) - low) / max(high - low, 1.0)
    return [float(w) for w in np.where(np.isfinite(share), 0.8 + 3.2 * np.clip(share, 0, 1), 0.5)]
