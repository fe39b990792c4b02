"""Figures. The only place that imports matplotlib, and only when something is drawn.

Every function draws numbers that it is given, on ``ax`` or on a new figure, and returns the axes.
"""

from minigrad.plot.gradient_norms import gradient_norms
from minigrad.plot.graph import graph
from minigrad.plot.ledger import ledger
from minigrad.plot.over_time import norms_over_time
from minigrad.plot.path_lengths import path_lengths
from minigrad.plot.style import save

__all__ = ["gradient_norms", "graph", "ledger", "norms_over_time", "path_lengths", "save"]
