"""Gradient norms, and the ledger, over training: heat maps, row by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.inspect import Recorder
from minigrad.plot.style import axes_or_new


def norms_over_time(recorder: Recorder, ax: Any = None) -> Any:
    """Draw the norm of every layer's, block's or parameter's gradient at every recorded step.

    Parameters
    ----------
    recorder
        An ``inspect.Recorder`` after its ``with`` block.
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A row a layer, the first one at the bottom; white where nothing was reached.

    Raises
    ------
    ValueError
        If nothing was recorded.
    """
    arguments.instance("plot.norms_over_time", "recorder", recorder, Recorder, "an inspect.Recorder")
    if not recorder.layers:
        raise ValueError("norms_over_time: nothing was recorded; run backward() inside the recorder's with block")
    ax = axes_or_new(ax, width=9)
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.log10(recorder.norms)
    powers[~np.isfinite(powers)] = np.nan
    return _map(ax, powers, recorder, recorder.layers, "norm of the gradient, power of ten", recorder.level[:-1])


def ledger_over_time(recorder: Recorder, what: str = "skip_share", ax: Any = None) -> Any:
    """Draw one number of the ledger, of every block at every recorded step: when do branches wake up?

    Parameters
    ----------
    recorder
        An ``inspect.Recorder(model, ledger=True)`` after its ``with`` block.
    what
        A field of the ledger's rows: ``skip_share``, ``cosine``, ``norm_branch`` ...
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A row a block, the first one at the bottom; white where there is no number.

    Raises
    ------
    ValueError
        If no ledger was recorded.
    """
    numbers = recorder.ledger(what)
    if not numbers.size:
        raise ValueError("ledger_over_time: nothing was recorded; run backward() inside the recorder's with block")
    named = {"skip_share": "part of the gradient that came over the skip"}
    return _map(axes_or_new(ax, width=9), numbers, recorder, recorder.blocks, named.get(what, what), "block")


def _map(ax: Any, numbers: Any, recorder: Recorder, names: Sequence[str], label: str, row: str) -> Any:
    """A heat map: a row a name, a column a recorded pass."""
    image = ax.imshow(numbers, aspect="auto", origin="lower", cmap="cividis", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label=label)
    every = -(-len(names) // 40)  # (of very many, names thin out)
    ax.set_yticks(range(0, len(names), every), names[::every], fontsize=7)
    shown = np.unique(np.linspace(0, len(recorder.steps) - 1, 8).astype(int))
    ax.set_xticks(shown, [recorder.steps[i] for i in shown])
    ax.set_xlabel("backward pass")
    ax.set_ylabel(f"{row}, the first at the bottom")
    ax.grid(visible=False)
    return ax
