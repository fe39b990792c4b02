"""The demo's figure: two panels, gradient norm by layer and training loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minigrad.plot.style import COLOURS, figure, save

if TYPE_CHECKING:
    from minigrad.demo import Result


def save_demo_figure(plain: Result, residual: Result, path: Path) -> None:
    """Draw both nets' gradient norms and losses, and save them.

    Parameters
    ----------
    plain, residual
        What the demo measured.
    path
        Where the figure goes; the folder is made.
    """
    fig, (norms, losses) = figure(1, 2, width=10, height=4.4)
    for result, colour, marker in ((plain, COLOURS["plain"], "s"), (residual, COLOURS["residual"], "o")):
        for values, style, when in ((result.before, "-", "at first"), (result.after, "--", "trained")):
            norms.semilogy(
                result.layers, values, style, color=colour, marker=marker, markersize=4, label=f"{result.name}, {when}"
            )
        losses.plot(
            _smooth(result.losses), color=colour, label=f"{result.name}: {result.accuracy:.0%} of test digits right"
        )
    norms.set(
        xlabel="layer (1 is nearest to the image)",
        ylabel="norm of the gradient at the layer's output",
        title="The skips keep the gradient",
    )
    losses.set(xlabel="training step", ylabel="training loss (mean of 20 steps)", title="... and the net can learn")
    losses.set_ylim(bottom=0)
    for ax in (norms, losses):
        ax.legend(fontsize=8)
    fig.text(
        0.5,
        0.01,
        "Left: from the last layer back to the first, the plain net's gradient shrinks at every layer;\n"
        "that of its residual twin hardly changes. Right: so only the residual net learns.\n"
        "Same layers, same first values; digits, no norm layers.",
        ha="center",
        fontsize=8,
    )
    fig.subplots_adjust(bottom=0.24, left=0.08, right=0.98, wspace=0.22)
    save(fig, path)


def _smooth(values: list[float], window: int = 20) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The running mean."""
    window = min(window, len(values))
    return np.convolve(values, np.ones(window) / window, mode="valid")
