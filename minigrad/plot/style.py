"""What the figures share: colours that colour-blind readers can tell apart, and safe saving."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

from minigrad.files import file_to_write, write_whole

#: Okabe and Ito's palette (2008), by the role a colour plays in all figures.
COLOURS = {
    "plain": "#D55E00",
    "residual": "#0072B2",
    "skip": "#0072B2",
    "branch": "#E69F00",
    "third": "#009E73",
    "fourth": "#CC79A7",
    "neutral": "#555555",
}
CYCLE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

#: Pyplot's figures that were made here, and are not saved yet.
_made: WeakSet[Any] = WeakSet()

#: Up to this many rows stand under an axis by name; of more, about so many.
NAMED = 30


def figure(rows: int = 1, columns: int = 1, *, width: float = 8, height: float = 4.5) -> tuple[Any, Any]:
    """A figure that no window shows, and its axes.

    Parameters
    ----------
    rows, columns
        How many panels.
    width, height
        In inches.
    """
    from matplotlib.figure import Figure  # matplotlib takes time to load: only when drawing

    fig = Figure(figsize=(width, height))
    axes = fig.subplots(rows, columns)
    for ax in fig.axes:
        ax.grid(alpha=0.25, linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def axes_or_new(ax: Any = None, **size: float) -> Any:
    """``ax`` itself, or a new one in a figure of pyplot's, which notebooks and ``plt.show`` show."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    # (constrained: names on an axis may be long, and must not be cut off)
    fig, ax = plt.subplots(figsize=(size.get("width", 8), size.get("height", 4.5)), layout="constrained")
    _made.add(fig)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def name_rows(ax: Any, names: Sequence[str], stages: Sequence[str]) -> None:
    """Put names under the axis, of many only some; and a line where a stage begins, with its name above.

    Parameters
    ----------
    ax
        Where rows 0, 1, 2... are drawn from left to right.
    names, stages
        Each row's name, and the stage that it is in.
    """
    starts = [i for i, stage in enumerate(stages) if i == 0 or stage != stages[i - 1]]
    if len(starts) > len(names) // 2:
        starts = [0]
    every = -(-len(names) // NAMED)
    shown: list[int] = []
    for start, stop in zip(starts, [*starts[1:], len(names)], strict=True):
        # A name right before the border would run into the next stage's first.
        shown += [i for i in range(start, stop, every) if i == start or stop - i >= every]
    ax.set_xticks(shown, [names[i] for i in shown], rotation=60, ha="right", fontsize=8)
    if len(starts) == 1:
        return
    for start in starts[1:]:
        ax.axvline(start - 0.5, color=COLOURS["neutral"], linewidth=0.7, linestyle=":", zorder=0)
    for start in (i for i in starts if stages.count(stages[i]) > 2):
        place = ax.get_xaxis_transform()
        ax.text(start, 1.01, stages[start], transform=place, fontsize=8, color=COLOURS["neutral"])


def save(fig: Any, path: str | Path) -> Path:
    """Write a figure to ``path``, whole or not at all; a name without an ending becomes a PNG.

    Pyplot forgets a figure that this package has made, except in a notebook or another interactive session, where
    it is still to be shown.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError
        If no figure can be written there, or of this kind.
    """
    target = file_to_write(path)
    drawn = io.BytesIO()
    fig.savefig(drawn, format=target.suffix[1:] or "png", dpi=110)
    write_whole(target, drawn.getvalue())
    pyplot = sys.modules.get("matplotlib.pyplot")
    if fig in _made and pyplot is not None and not pyplot.isinteractive():
        pyplot.close(fig)
    return target
