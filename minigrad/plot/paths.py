"""How much of a gradient came through how many branches."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.inspect import PathLengths
from minigrad.plot.style import COLOURS, axes_or_new


def path_lengths(paths: PathLengths, ax: Any = None, *, signed: bool = False) -> Any:
    """Draw the gradient by the number of branches it crossed, and the number of routes of each length.

    Parameters
    ----------
    paths
        What ``inspect.path_lengths`` gave.
    ax
        Where to draw; by default a new figure.
    signed
        Draw each length's share of the gradient, which may be below zero, and not its norm.

    Returns
    -------
    matplotlib.axes.Axes
        Bars for the gradient, and a line for the routes, both as parts of their sum.
    """
    arguments.instance("plot.path_lengths", "paths", paths, PathLengths, "what inspect.path_lengths(loss, wrt) gives")
    signed = arguments.flag("plot.path_lengths", "signed", signed)
    ax = axes_or_new(ax)
    lengths = np.arange(len(paths))
    routes = sum(paths.counts)
    values = paths.shares if signed else paths.norms / max(float(paths.norms.sum()), np.finfo(float).tiny)
    ax.bar(lengths, values, color=COLOURS["skip"], label="share of the gradient" if signed else "norm of the gradient")
    # Exact integers: 2^54 routes and more don't fit a float's digits, their ratios do.
    ax.plot(
        lengths,
        [n / routes for n in paths.counts],
        "o-",
        markersize=3,
        color=COLOURS["plain"],
        label="number of routes",
    )
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_xlabel("number of branches crossed")
    ax.set_ylabel("part of the sum over all lengths")
    ax.legend(fontsize=8)
    return ax
