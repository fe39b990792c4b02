"""The graph as a picture: one column of boxes in forward order, and skips as arcs around their branch.

One column needs no layout program, and no two labels can ever meet: each box has a line of its own. An arrow
to the next box is straight; every longer one is an arc on the right, the wider the more boxes it passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.plot.style import COLOURS, axes_or_new

if TYPE_CHECKING:
    from minigrad.engine.base import TensorBase
    from minigrad.inspect.outline import Arrow, Outline

#: Inches of height for each box.
LINE = 0.34
JOINTS = ("Fork", "ResidualAdd", "SkipConcat", "HighwayGate")


def graph(
    loss: TensorBase | Any, *inputs: Any, ax: Any = None, depth: int | None = None, gradients: bool = True
) -> Any:
    """Draw the graph of a loss, or of a model on an example input.

    Parameters
    ----------
    loss
        A loss before its backward pass; or a model, with its ``inputs`` after it.
    ax
        Where to draw; by default a new figure, as high as the graph needs.
    depth
        Collapse modules below so many names; by default as deep as 40 boxes allow.
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
        loss = output if output.data.size == 1 else output.square().mean()
    drawn = outline(loss, depth, gradients=gradients)
    ax = axes_or_new(ax, width=7, height=1.2 + LINE * len(drawn.boxes))
    _draw(drawn, ax)
    return ax


def _draw(drawn: Outline, ax: Any) -> None:
    """Draw the boxes, the arrows between neighbours, and the arcs."""
    patches = [_box(ax, -number, box.label, box.kind in JOINTS) for number, box in enumerate(drawn.boxes)]
    # Arcs keep clear of the longest label: a letter of this size is about 0.09 wide.
    clear = 0.3 + 0.045 * max(len(box.label) for box in drawn.boxes)
    longest = max((arrow.end - arrow.start for arrow in drawn.arrows), default=1)
    for arrow, width in zip(drawn.arrows, _widths(drawn.arrows), strict=True):
        colour = COLOURS.get(arrow.way, COLOURS["neutral"])
        span = arrow.end - arrow.start
        tail = (0.0, -float(arrow.start))
        if span > 1:
            tail = (clear, -float(arrow.end))
            _arc(ax, -arrow.start, -arrow.end, clear, clear + 0.3 + 2.0 * span / longest, colour, width)
        ax.annotate(
            "",
            (0.0, -float(arrow.end)),
            tail,
            arrowprops={
                "arrowstyle": "-|>",
                "mutation_scale": 9,
                "color": colour,
                "linewidth": width,
                "shrinkA": 0,
                "shrinkB": 0,
                "patchA": patches[arrow.start] if span == 1 else None,
                "patchB": patches[arrow.end],
            },
        )
    for way in ("skip", "branch"):
        ax.plot([], [], color=COLOURS[way], linewidth=2, label=way)
    ax.plot([], [], color=COLOURS["neutral"], linewidth=2, label="neither; width: norm of the gradient")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, frameon=False)
    ax.set(xlim=(-clear - 0.2, clear + 2.6), ylim=(-len(drawn.boxes) + 0.3, 0.7))
    ax.set_axis_off()


def _box(ax: Any, y: float, label: str, joint: bool) -> Any:
    """Draw a box with its label; forks and joins stand out."""
    look = {"boxstyle": "round,pad=0.25", "facecolor": "#FFF6D5" if joint else "white", "edgecolor": "#888888"}
    return ax.text(0.0, y, label, ha="center", va="center", fontsize=8, bbox=look, zorder=3).get_bbox_patch()


def _arc(ax: Any, start: float, end: float, clear: float, reach: float, colour: str, width: float) -> None:
    """Draw a bracket on the right side of the column, from one box down to beside another."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (start + end) / 2
    points = [(0.0, start), (reach, start), (reach, start), (reach, middle), (reach, end), (reach, end), (clear, end)]
    path = Path(points, [Path.MOVETO] + [Path.CURVE4] * 6)
    ax.add_patch(PathPatch(path, edgecolor=colour, linewidth=width, facecolor="none", zorder=1))


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
