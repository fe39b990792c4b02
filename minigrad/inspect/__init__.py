"""Inspection: see where every gradient splits and merges, by which lengths of path it came, and ask what if.

Everything here watches a backward pass from outside: the engine knows nothing of it, and pays nothing for it.
"""

from minigrad.inspect.changes.comparing import WhatIf, WhatIfRow, what_if
from minigrad.inspect.changes.lesions import Lesion, lesion
from minigrad.inspect.changes.scaling import Change, cut, scale
from minigrad.inspect.forks.graph import Edge, Graph, UnknownNameError
from minigrad.inspect.forks.ledger import Ledger, LedgerRow
from minigrad.inspect.forks.outline import Arrow, Box, Outline, outline
from minigrad.inspect.forks.pairs import Pair, Pairs, Unpaired, find_pairs
from minigrad.inspect.page.page_file import Page
from minigrad.inspect.page.replaying import replay
from minigrad.inspect.paths.path_lengths import PathLengths, path_lengths, route
from minigrad.inspect.ranks.stages import StagedTrace, StageStep, pipeline_path_lengths, pipeline_trace
from minigrad.inspect.say.table import Table
from minigrad.inspect.stepping.breakpoints import (
    Condition,
    exploding,
    not_finite,
    reaches,
    skip_share_above,
    stop_when,
    vanishing,
)
from minigrad.inspect.stepping.stepper import Stepper, step
from minigrad.inspect.tracing.arrivals import LeafGradient
from minigrad.inspect.tracing.diff import DiffRow, TraceDiff, diff
from minigrad.inspect.tracing.layers import LayerRow, Layers
from minigrad.inspect.tracing.recorder import Record, Recorder
from minigrad.inspect.tracing.steps import SavedNode, TracedStep
from minigrad.inspect.tracing.trace import Trace, trace
from minigrad.inspect.tracing.trace_file import load

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
    "Page",
    "Pair",
    "Pairs",
    "PathLengths",
    "Record",
    "Recorder",
    "SavedNode",
    "StageStep",
    "StagedTrace",
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
    "pipeline_path_lengths",
    "pipeline_trace",
    "reaches",
    "replay",
    "route",
    "scale",
    "skip_share_above",
    "step",
    "stop_when",
    "trace",
    "vanishing",
    "what_if",
]
