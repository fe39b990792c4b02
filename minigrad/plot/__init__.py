"""Figures. The only place that imports matplotlib, and only when something is drawn.

Every function draws numbers that it is given, on ``ax`` or on a new figure, and returns the axes.
"""

from minigrad.plot.graphs import graph
from minigrad.plot.ledgers import ledger
from minigrad.plot.norms import gradient_norms
from minigrad.plot.over_time import ledger_over_time, norms_over_time
from minigrad.plot.paths import path_lengths
from minigrad.plot.receipts import receipt
from minigrad.plot.schedules import pipeline
from minigrad.plot.style import save

__all__ = [
    "gradient_norms",
    "graph",
    "ledger",
    "ledger_over_time",
    "norms_over_time",
    "path_lengths",
    "pipeline",
    "receipt",
    "save",
]
