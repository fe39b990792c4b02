"""Gradient norms over training: a heat map, layer by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.plot.style import axes_or_new

if TYPE_CHECKING:
    from minigrad.inspect import Recorder


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
    if not recorder.layers:
        raise ValueError("norms_over_time: nothing was recorded; run backward() inside the recorder's with block")
    ax = axes_or_new(ax, width=9)
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.log10(recorder.norms)
    powers[~np.isfinite(powers)] = np.nan
    image = ax.imshow(powers, aspect="auto", origin="lower", cmap="cividis", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="norm of the gradient, power of ten")
    every = -(-len(recorder.layers) // 40)  # (of very many, names thin out)
    ax.set_yticks(range(0, len(recorder.layers), every), recorder.layers[::every], fontsize=7)
    shown = np.unique(np.linspace(0, len(recorder.steps) - 1, 8).astype(int))
    ax.set_xticks(shown, [recorder.steps[i] for i in shown])
    ax.set_xlabel("backward pass")
    ax.set_ylabel(f"{recorder.level[:-1]}, the first at the bottom")
    ax.grid(visible=False)
    return ax
