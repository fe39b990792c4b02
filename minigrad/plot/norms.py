"""Gradient norms block by block or layer by layer, for one or several nets, on a log axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.inspect import LayerRow, Layers, Trace
from minigrad.plot.style import COLOURS, CYCLE, axes_or_new, name_rows

#: What layers are called that belong to no line.
OTHERS = "other layers"


def gradient_norms(
    traces: Mapping[str, Trace | Layers] | Trace | Layers,
    ax: Any = None,
    *,
    level: str | None = None,
    parameters: bool = False,
) -> Any:
    """Draw the norm of each block's, layer's or parameter's gradient, in forward order.

    Parameters
    ----------
    traces
        A trace, or traces by name: ``{"plain": trace1, "residual": trace2}``. The rows of ``trace.layers()``
        are taken too, where a part of the layers was selected.
    ax
        Where to draw; by default a new figure.
    level
        ``"blocks"``, ``"layers"`` or ``"parameters"``, as in ``trace.layers(level=...)``. By default blocks, where
        one of the nets has skips: its twins are drawn at the same blocks. Else layers.
    parameters
        Draw the gradients of the parameters, and not those of what the layers hand on.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on. Of layers, those with weights are drawn: what norm layers, activations and joins hand on
        has another size, and one line through all would be a sawtooth. A row that no gradient reached is marked
        "not reached" at the bottom, never drawn as zero; so are zeros, underflows and NaNs, each under its name.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    named = traces if isinstance(traces, Mapping) else {"": traces}
    if not named:
        raise ValueError("gradient_norms: there is no trace to draw; pass inspect.trace(loss)")
    ax = axes_or_new(ax, width=9)
    if level is None:
        level = "layers" if parameters else _usual_level(list(named.values()))
    layers = {label: _rows(label, trace, level, named.values(), parameters) for label, trace in named.items()}
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
        look = {"marker": "os^vDP*"[number % 7], "markersize": 4, "color": colour}
        series = {"": list(range(len(rows)))} if parameters else _series(named[label], level, rows)
        for (part, members), style in zip(series.items(), cycle(("-", "--", ":", "-.")), strict=False):
            line = {
                "linestyle": "" if part == OTHERS else style,
                "label": ", ".join(filter(None, (label, part))) or None,
            }
            ax.plot([places[i] for i in members], shown[members], **look, **line)
        for place, condition in zip(places, conditions, strict=True):
            if condition:
                troubles.setdefault(condition, []).append((place, colour))
    ax.set_yscale("log")
    _keep_a_decade(ax)
    _mark(ax, troubles)
    one = level[:-1]
    what = f"what the {one} hands on"
    if parameters or level == "parameters":
        what = "the parameter" if level == "parameters" else f"the {one}'s parameters"
    ax.set_ylabel(f"norm of the gradient\nof {what}")
    ax.set_xlabel(f"{one}, in forward order" if by_name else f"number of the {one}, in forward order")
    if by_name:
        stages = [name.rpartition(".")[0] if level == "blocks" else name.partition(".")[0] for name in longest]
        name_rows(ax, longest, stages)
    if len(named) > 1 or troubles:
        ax.legend(fontsize=8)
    return ax


def _usual_level(traces: Sequence[Trace | Layers]) -> str:
    """Blocks, where one of the nets has skips around modules and all have these modules; else layers."""
    with_skips = _with_skips(traces)
    for trace in traces:
        if isinstance(trace, Layers):
            return trace.level
        if with_skips is None or not all(trace.has_module(block.path) for block in with_skips.blocks()):
            return "layers"
    return "blocks"


def _with_skips(traces: Iterable[Trace | Layers]) -> Trace | None:
    """The first trace of a net that has skips around modules."""
    for trace in traces:
        if isinstance(trace, Trace) and trace.ledger(level="blocks").rows:
            return trace
    return None


def _rows(
    label: str, trace: Trace | Layers, level: str, all_traces: Iterable[Trace | Layers], parameters: bool
) -> list[LayerRow]:
    """The rows that are drawn."""
    arguments.instance("plot.gradient_norms", "each trace", trace, (Trace, Layers), "a trace, or its layers")
    if isinstance(trace, Layers):
        rows = list(trace)
    else:
        rows = list(trace.layers(level=level, like=_with_skips(all_traces) if level == "blocks" else None))
        if level == "layers" and not parameters:
            rows = [row for row in rows if row.params and "Norm" not in row.kind] or rows
    if parameters:
        rows = [row for row in rows if row.param_condition != "no parameters"]
    if not rows:
        raise ValueError(f"gradient_norms: {label or 'the trace'} has no {level} to draw")
    return rows


def _series(trace: Trace | Layers, level: str, rows: list[LayerRow]) -> dict[str, list[int]]:
    """The rows that a line may join: the same layer of every block; elsewhere all, as in a net without blocks.

    What stands in no block, such as a head, or only in one, such as a projection, belongs to no line.
    """
    everything = {"": list(range(len(rows)))}
    if level != "layers" or isinstance(trace, Layers) or not trace.ledger(level="blocks").rows:
        return everything
    paths = [block.path + "." for block in trace.blocks()]
    series: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        path = next((path for path in paths if row.name.startswith(path)), None)
        series.setdefault("" if path is None else row.name[len(path) :], []).append(i)
    lines = {part: members for part, members in series.items() if part and len(members) > 2}
    inside = [i for members in lines.values() for i in members]
    alone = [i for i in everything[""] if i not in inside]
    return {**lines, OTHERS: alone} if lines else everything


def _keep_a_decade(ax: Any) -> None:
    """Show at least a power of ten, so that small differences look small and a label is in sight."""
    low, high = ax.get_ylim()
    if 0 < high / low < 10:
        middle = (low * high) ** 0.5
        ax.set_ylim(middle / 10**0.5, middle * 10**0.5)


def _mark(ax: Any, troubles: Mapping[str, list[tuple[float, str]]]) -> None:
    """Mark at the bottom of the axes, one line for each, what has no place on a log axis."""
    for line, (condition, places) in enumerate(troubles.items()):
        for place, colour in places:
            ax.plot(
                [place], [0.02 + 0.045 * line], "x", color=colour, transform=ax.get_xaxis_transform(), clip_on=False
            )
        ax.plot([], [], "x", color=COLOURS["neutral"], label=f"{condition} (row {line + 1} from the bottom)")
