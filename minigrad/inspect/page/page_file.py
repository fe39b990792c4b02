"""The page: a template, a summary that reads without JavaScript, and the data, compressed.

Nothing on it comes from anywhere else, and a content-security policy says so: only the one script whose hash is named
may run.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import zlib
from importlib import resources
from typing import Any

from minigrad.files import write_whole
from minigrad.inspect.tracing.trace import Trace

#: The most bytes that a page has by default.
BUDGET = 2_000_000


class Page:
    """A backward pass as one HTML file.

    Attributes
    ----------
    trace
        The pass: the page's step n is ``trace.steps[n - 1]``.
    beside
        The pass of the second net; None without one.
    html
        The file's text.
    left_out
        What had to be left out to keep to the budget.
    """

    def __init__(self, traces: list[Trace], passes: list[dict[str, Any]], budget: int = BUDGET) -> None:
        self.trace = traces[0]
        self.beside = traces[1] if len(traces) > 1 else None
        self.left_out: list[str] = []
        data = {"passes": passes, "follow": _follow(traces) if len(traces) > 1 else [], "left": self.left_out}
        self.html = _filled(data, traces)
        for what, leave_out in _LEAST_FIRST:
            if len(self.html.encode()) <= budget:
                break
            for part in passes:
                leave_out(part)
            self.left_out.append(what)
            self.html = _filled(data, traces)
        size = len(self.html.encode())
        if size > budget:
            raise ValueError(f"replay: the steps alone take {size:,} bytes: give a budget of that, and not {budget:,}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, whole or not at all."""
        write_whole(path, self.html.encode())

    def __repr__(self) -> str:
        return f"<Page of {len(self.trace)} steps, {len(self.html.encode()):,} bytes: save('replay.html') writes it>"

    def _repr_html_(self) -> str:
        # (A frame: a notebook's own scripts and styles stay apart from the page's.)
        text = html.escape(self.html)
        style = "width:100%;height:760px;border:1px solid #8888"
        frame = 'title="Replay of a backward pass" sandbox="allow-scripts"'
        return f'<iframe {frame} srcdoc="{text}" style="{style}"></iframe>'


def _no_step_pictures(part: dict[str, Any]) -> None:
    for step in part["steps"]:
        step["picture"] = {}


def _no_fork_pictures(part: dict[str, Any]) -> None:
    for row in part["ledger"]:
        row["pictures"] = {}


def _no_rules(part: dict[str, Any]) -> None:
    part["rules"] = {}


_LEAST_FIRST = (
    ("the pictures of the steps' gradients", _no_step_pictures),
    ("the pictures at the forks", _no_fork_pictures),
    ("the rules' source", _no_rules),
)


def _follow(traces: list[Trace]) -> list[int]:
    """For each step of the first pass, the second's step that is as far: the last in the same module, or before it."""
    first, second = traces
    last: dict[str, int] = {step.module: i for i, step in enumerate(second, 1)}
    found, reached = [], 1
    for step in first:
        reached = max(reached, last.get(step.module, 0) if step.module else reached)
        found.append(reached)
    if found:
        found[-1] = len(second)
    return found


def _filled(data: dict[str, Any], traces: list[Trace]) -> str:
    folder = resources.files(__package__)
    template, style, script = ((folder / f"page.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "POLICY": f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'",
        "STYLE": style,
        "SUMMARY": _summary(traces, data),
        "DATA": base64.b64encode(zlib.compress(text.encode(), 9)).decode(),
        "SCRIPT": script,
    }
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], template)


def _summary(traces: list[Trace], data: dict[str, Any]) -> str:
    """What there is to know without JavaScript: the steps in a table, and a sentence for each fork."""
    shown = []
    for trace, part in zip(traces, data["passes"], strict=True):
        if part["name"]:
            shown.append(f"<h2>{html.escape(part['name'])}</h2>")
        if part["stops"]:
            stops = ", ".join(map(str, part["stops"]))
            shown.append(f"<p>{html.escape(part['condition'])} held at step {stops}.</p>")
        shown.append(trace.table()._repr_html_())
        rows = "".join(f"<li>{html.escape(row.sentence())}</li>" for row in trace.ledger())
        shown.append(f"<ul>{rows}</ul>" if rows else "<p>There is no skip connection.</p>")
    if data["left"]:
        shown.append(f"<p>Left out to keep to the budget: {html.escape(', '.join(data['left']))}.</p>")
    return "\n".join(shown)
