"""Gradient norms layer by layer, for one or several nets, on a log axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.plot.style import COLOURS, CYCLE, axes_or_new

if TYPE_CHECKING:
    from minigrad.inspect import LayerRow, Layers, Trace

#: Up to this many layers stand under the axis by name.
NAMED = 30


def gradient_norms(
    traces: Mapping[str, Trace | Layers] | Trace | Layers, ax: Any = None, *, parameters: bool = False
) -> Any:
    """Draw the norm of each layer's gradient, in forward order.

    Parameters
    ----------
    traces
        A trace, or traces by name: ``{"plain": trace1, "residual": trace2}``. The rows of ``trace.layers()``
        are taken too, where a part of the layers was selected.
    ax
        Where to draw; by default a new figure.
    parameters
        Draw the gradients of the parameters, and not those of what the layers hand on.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on. A layer that no gradient reached is marked "not reached" at the bottom, never
        drawn as zero; so are zeros, underflows and NaNs, each under its name.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    named = traces if isinstance(traces, Mapping) else {"": traces}
    if not named:
        raise ValueError("gradient_norms: there is no trace to draw; pass inspect.trace(loss)")
    ax = axes_or_new(ax, width=9)
    layers = {label: _rows(label, trace, parameters) for label, trace in named.items()}
    longest = max(([row.name for row in rows] for rows in layers.values()), key=len)
    positions = {name: position for position, name in enumerate(longest)}
    # Nets with other layers than the longest one has stand under numbers: layer k above layer k.
    by_name = all(row.name in positions for rows in layers.values() for row in rows)
    troubles: dict[str, list[tuple[float, str]]] = {}
    for number, (label, rows) in enumerate(layers.items()):
        places = [positions[row.name] for row in rows] if by_name else list(range(len(rows)))
        colour = COLOURS.get(label, CYCLE[number % len(CYCLE)])
        values = [row.param_norm if parameters else row.norm for row in rows]
        conditions = [row.param_condition if parameters else row.condition for row in rows]
        shown = np.array([v if v is not None and 0 < v < np.inf else np.nan for v in values])
        marker = "os^vDP*"[number % 7]
        ax.plot(places, shown, marker=marker, markersize=4, color=colour, label=label or None)
        for place, condition in zip(places, conditions, strict=True):
            if condition:
                troubles.setdefault(condition, []).append((place, colour))
    ax.set_yscale("log")
    _mark(ax, troubles)
    what = "the layer's parameters" if parameters else "what the layer hands on"
    ax.set_ylabel(f"norm of the gradient of {what}")
    ax.set_xlabel("layer, in forward order" if by_name else "number of the layer, in forward order")
    if by_name and len(longest) <= NAMED:
        ax.set_xticks(range(len(longest)), longest, rotation=60, ha="right", fontsize=8)
    if len(named) > 1 or troubles:
        ax.legend(fontsize=8)
    return ax


def _rows(label: str, trace: Trace | Layers, parameters: bool) -> list[LayerRow]:
    """The layers that are drawn."""
    layers = trace.layers() if hasattr(trace, "layers") else trace
    rows = [row for row in layers if not (parameters and row.param_condition == "no parameters")]
    if not rows:
        raise ValueError(f"gradient_norms: {label or 'the trace'} has no layers to draw")
    return rows


def _mark(ax: Any, troubles: Mapping[str, list[tuple[float, str]]]) -> None:
    """Mark at the bottom of the axes, one line for each, what has no place on a log axis."""
    for line, (condition, places) in enumerate(troubles.items()):
        for place, colour in places:
            ax.plot(
                [place], [0.02 + 0.045 * line], "x", color=colour, transform=ax.get_xaxis_transform(), clip_on=False
            )
        ax.plot([], [], "x", color=COLOURS["neutral"], label=f"{condition} (row {line + 1} from the bottom)")
