"""Inspection: see where every gradient splits and merges, by which lengths of path it came, and ask what if.

Everything here watches a backward pass from outside: the engine knows nothing of it, and pays nothing for it.
"""

from minigrad.inspect.breakpoints import (
    Condition,
    exploding,
    not_finite,
    reaches,
    skip_share_above,
    stop_when,
    vanishing,
)
from minigrad.inspect.compare import WhatIf, WhatIfRow, what_if
from minigrad.inspect.diff import DiffRow, TraceDiff, diff
from minigrad.inspect.graph import Edge, Graph, UnknownNameError
from minigrad.inspect.layers import LayerRow, Layers
from minigrad.inspect.ledger import Ledger, LedgerRow
from minigrad.inspect.lesion import Lesion, lesion
from minigrad.inspect.outline import Arrow, Box, Outline, outline
from minigrad.inspect.pairs import Pair, Pairs, Unpaired, find_pairs
from minigrad.inspect.path_lengths import path_lengths, route
from minigrad.inspect.paths import PathLengths
from minigrad.inspect.recorder import Record, Recorder
from minigrad.inspect.stepper import Stepper, step
from minigrad.inspect.steps import SavedNode, TracedStep
from minigrad.inspect.table import Table
from minigrad.inspect.trace import LeafGradient, Trace, trace
from minigrad.inspect.trace_file import load
from minigrad.inspect.whatif import Change, cut, scale

__all__ = [
    "Arrow",
    "Box",
    "Change",
    "Condition",
    "DiffRow",
    "Edge",
    "Graph",
    "LayerRow",
    "Layers",
    "LeafGradient",
    "Ledger",
    "LedgerRow",
    "Lesion",
    "Outline",
    "Pair",
    "Pairs",
    "PathLengths",
    "Record",
    "Recorder",
    "SavedNode",
    "Stepper",
    "Table",
    "Trace",
    "TraceDiff",
    "TracedStep",
    "UnknownNameError",
    "Unpaired",
    "WhatIf",
    "WhatIfRow",
    "cut",
    "diff",
    "exploding",
    "find_pairs",
    "lesion",
    "load",
    "not_finite",
    "outline",
    "path_lengths",
    "reaches",
    "route",
    "scale",
    "skip_share_above",
    "step",
    "stop_when",
    "trace",
    "vanishing",
    "what_if",
]
