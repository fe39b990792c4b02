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
from minigrad.inspect.forks.stream_rows import StreamLedger, StreamPair, StreamRow, effective_streams, stream_ledger
from minigrad.inspect.page.page_file import Page
from minigrad.inspect.page.replaying import replay
from minigrad.inspect.paths.bill import Receipt, ReceiptItem, receipt
from minigrad.inspect.paths.path_lengths import PathLengths, path_lengths, route
from minigrad.inspect.paths.short import short_path_gradients
from minigrad.inspect.ranks.stages import pipeline_path_lengths, pipeline_receipt, pipeline_trace
from minigrad.inspect.rules.checking import LawRow, Laws, laws
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
from minigrad.inspect.tracing.record import Record
from minigrad.inspect.tracing.recorder import Recorder
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
    "LawRow",
    "Laws",
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
    "Receipt",
    "ReceiptItem",
    "Record",
    "Recorder",
    "SavedNode",
    "Stepper",
    "StreamLedger",
    "StreamPair",
    "StreamRow",
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
    "effective_streams",
    "exploding",
    "find_pairs",
    "laws",
    "lesion",
    "load",
    "not_finite",
    "outline",
    "path_lengths",
    "pipeline_path_lengths",
    "pipeline_receipt",
    "pipeline_trace",
    "reaches",
    "receipt",
    "replay",
    "route",
    "scale",
    "short_path_gradients",
    "skip_share_above",
    "step",
    "stop_when",
    "stream_ledger",
    "trace",
    "vanishing",
    "what_if",
]
