"""A pipeline's schedule: which rank computes, sends and waits, to scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minigrad.plot.style import COLOURS, axes_or_new

if TYPE_CHECKING:
    from minigrad.distributed.pipelining import Event

_LOOKS: dict[str, dict[str, Any]] = {
    "forward": {"facecolor": COLOURS["skip"], "edgecolor": "white"},
    "backward": {"facecolor": COLOURS["branch"], "edgecolor": "white"},
    "send": {"facecolor": "black", "edgecolor": "black"},
    "wait": {"facecolor": "white", "edgecolor": COLOURS["neutral"], "hatch": "////", "linewidth": 0.5},
}


def pipeline(events: Sequence[Event], ax: Any = None) -> Any:
    """Draw what every rank does, one row a rank, the first stage on top.

    Parameters
    ----------
    events
        What ``distributed.pipelining.gather_timeline`` or ``simulate`` gives.
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Bars to scale, with the number of the micro-batch where there is room for it. What is hatched or empty is
        the bubble.

    Raises
    ------
    ValueError
        If there are no events.
    """
    if not events:
        raise ValueError("pipeline: there are no events; run a schedule's step() first")
    ax = axes_or_new(ax, width=9, height=3)
    ranks = sorted(dict.fromkeys(event.rank for event in events))
    span = max(event.end for event in events)
    for kind, look in _LOOKS.items():
        of_kind = [event for event in events if event.kind == kind]
        for event in of_kind:
            height = 0.24 if kind == "send" else 0.72
            label = kind if event is of_kind[0] else "_" + kind
            ax.broken_barh(
                [(event.start, event.end - event.start)], (event.rank - height / 2, height), label=label, **look
            )
            if kind in ("forward", "backward") and event.end - event.start > 0.025 * span:
                middle = (event.start + event.end) / 2
                colour = "white" if kind == "forward" else "black"
                ax.text(middle, event.rank, event.microbatch, ha="center", va="center", fontsize=8, color=colour)
    ax.set_yticks(ranks, [f"rank {rank}" for rank in ranks])
    ax.set_ylim(max(ranks) + 0.6, min(ranks) - 0.6)
    ax.set_xlim(0, span)
    ax.set_xlabel("time")
    ax.grid(visible=False)
    ax.legend(ncols=len(_LOOKS), loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=9)
    return ax
