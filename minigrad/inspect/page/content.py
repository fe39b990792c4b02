"""What the page knows of a pass: plain data, with every number as the text that is shown."""

from __future__ import annotations

import inspect
import math
import textwrap
from typing import Any

from minigrad.inspect import measure
from minigrad.inspect.forks.ledger import LedgerRow
from minigrad.inspect.page.layout import boxes_of, lay_out
from minigrad.inspect.page.recording import Recording, arrivals
from minigrad.inspect.page.thumbnails import thumbnail
from minigrad.inspect.paths.path_lengths import PathLengths
from minigrad.inspect.say.source_view import place_of
from minigrad.inspect.say.step_names import arriving_names
from minigrad.inspect.say.table import cell_text
from minigrad.inspect.tracing.steps import TracedStep
from minigrad.inspect.tracing.trace import Trace


def content_of(recording: Recording, trace: Trace, name: str) -> dict[str, Any]:
    """A pass as plain data.

    Parameters
    ----------
    recording, trace
        The pass.
    name
        What it is called where two stand side by side.
    """
    number = {step.name: i for i, step in enumerate(trace.steps, 1)}
    silent = len(recording.graph.nodes) - len(trace)
    return {
        "name": name,
        "label": trace.label,
        "silent": silent,
        "drawing": lay_out(recording, boxes_of(recording), number),
        "steps": [_step(step, recording) for step in trace.steps],
        "stops": recording.stops,
        "condition": "" if recording.stop is None else recording.stop.text,
        "ledger": [_row(row, _arrived(recording, i, number)) for i, row in enumerate(trace.ledger())],
        "lengths": _lengths(recording.lengths),
        "rules": {step.kind: _rule(type(step.node)) for step in trace.steps},
    }


def _step(step: TracedStep, recording: Recording) -> dict[str, Any]:
    node = step.node
    came = zip(arriving_names(node), node.out_shapes, step.norms_out, strict=True)
    named = recording.inputs[node]
    largest = max((g for g in step.grad_outputs if g is not None), key=lambda g: g.size)
    return {
        "node": step.name,
        "kind": step.kind,
        "module": step.module,
        "norm": cell_text(step.norm),
        "log": round(math.log10(step.norm), 3) if 0 < step.norm < math.inf else None,
        "wrong": measure.condition(step.norm, step.dtype),
        "came": [[name, str(shape), cell_text(size)] for name, shape, size in came],
        "sent": [[name, str(shape), cell_text(step.norms_in[at])] for at, (name, shape) in named.items()],
        "line": place_of(step.source),
        "picture": thumbnail(largest),
    }


def _arrived(recording: Recording, i: int, number: dict[str, int]) -> dict[str, int]:
    """The steps at which each way's part has come to a fork, and at which they have become one; 0 for never."""
    pair = recording.pairs[i]
    ways = arrivals(pair, recording.graph)
    at = {way: max((number.get(node.name, 0) for node in nodes), default=0) for way, nodes in ways.items()}
    maker = pair.fork or (pair.value[0] if isinstance(pair.value, tuple) else None)
    at["merged"] = number.get(maker.name, 0) if maker is not None else max(at.values())
    return at


def _row(row: LedgerRow, at: dict[str, int]) -> dict[str, Any]:
    share = None if row.skip_share is None else f"{100 * row.skip_share:.0f} %"
    return {
        "name": row.name,
        "kind": row.kind,
        "fork": row.fork,
        "join": row.join,
        "at": at,
        "skip": cell_text(row.norm_skip),
        "branch": cell_text(row.norm_branch),
        "other": None if row.norm_other is None else cell_text(row.norm_other),
        "both": cell_text(row.norm_in),
        "cosine": cell_text(None if row.cosine is None else round(row.cosine, 3)),
        "share": share or "-",
        "sentence": row.sentence(),
        "pictures": {
            way: {} if gradient is None else thumbnail(gradient)
            for way, gradient in (("skip", row.g_skip), ("branch", row.g_branch), ("both", row.g_in))
        },
    }


def _lengths(lengths: PathLengths | str) -> dict[str, Any]:
    if isinstance(lengths, str):
        return {"why": lengths, "rows": []}
    rows = [
        [
            r["length"],
            f"{r['routes']:,}",
            cell_text(r["norm"]),
            round(r["share"], 4) if math.isfinite(r["share"]) else None,
        ]
        for r in lengths.to_dict()
    ]
    return {"why": "", "rows": rows, "mean": cell_text(lengths.mean_length, 3)}


def _rule(kind: type) -> str:
    """The source of a kind of node's ``backward``."""
    try:
        return textwrap.dedent(inspect.getsource(kind.backward))  # type: ignore[attr-defined]  # every node has one
    except (OSError, TypeError):
        return f"the source of {kind.__name__}.backward is not in a file"
