"""The ledger as a picture: what came back over the skip, what over the branch, and how they met."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.inspect import Ledger, Trace
from minigrad.plot.style import COLOURS, axes_or_new, name_rows


def ledger(trace: Trace | Ledger, ax: Any = None) -> Any:
    """Draw the three terms of each block's ``|g_in|^2``, as parts of it.

    Parameters
    ----------
    trace
        A trace, or its ledger.
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        For each block a bar of the skip's term and one of the branch's, and a line for the term that both
        share: below zero, where the two ways work against each other. The three sum to 1.

    Raises
    ------
    ValueError
        If no block has a gradient.
    """
    found = trace.ledger() if isinstance(trace, Trace) else trace
    arguments.instance("plot.ledger", "trace", found, Ledger, "a trace, or its ledger")
    rows = [row for row in found if row.norm_in]
    if not rows:
        raise ValueError("plot.ledger: no skip connection with a gradient is in this trace")
    ax = axes_or_new(ax, width=9)
    places = np.arange(len(rows))
    for shift, term in ((-0.2, "skip"), (0.2, "branch")):
        ax.bar(places + shift, [_part(row, term) for row in rows], 0.4, color=COLOURS[term], label=f"|g_{term}|²")
    ax.plot(places, [_part(row, "cross") for row in rows], "D", color=COLOURS["neutral"], label="2 ⟨g_skip, g_branch⟩")
    ax.axhline(0, color="black", linewidth=0.8)
    names = [row.name for row in rows]
    name_rows(ax, names, [name.rpartition(".")[0] for name in names])
    ax.set_xlabel("block, in forward order")
    ax.set_ylabel("part of |g_in|²")
    ax.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.04), ncols=3, frameon=False)
    return ax


def _part(row: Any, term: str) -> float:
    value = row.terms[term]
    return float("nan") if value is None else value / row.norm_in**2
