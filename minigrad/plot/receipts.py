"""Who paid for the gradient of each block: its parts by path length."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.inspect import Receipt
from minigrad.plot.style import axes_or_new


def receipt(bill: Receipt, ax: Any = None) -> Any:
    """Draw, for the parameters of each block, what each number of branches crossed brings to their gradient.

    Parameters
    ----------
    bill
        What ``inspect.receipt`` gave.
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A heat map, a row a block, the first one at the bottom: each row is parts of ``|g|^2`` and sums to 1. White
        dots are mean lengths.
    """
    arguments.instance("plot.receipt", "bill", bill, Receipt, "what inspect.receipt(loss, model) gives")
    ax = axes_or_new(ax)
    brought = bill.by_block()
    rows = np.array(list(brought.values()))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = rows / rows.sum(1, keepdims=True)
    image = ax.imshow(shares, aspect="auto", origin="lower", cmap="cividis", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="part of |g|² of the block's parameters")
    ax.plot(shares @ np.arange(rows.shape[1]), range(len(rows)), "o", color="white", markeredgecolor="black")
    ax.set_yticks(range(len(rows)), list(brought), fontsize=8)
    ax.set_xlabel("number of branches crossed")
    ax.grid(visible=False)
    return ax
