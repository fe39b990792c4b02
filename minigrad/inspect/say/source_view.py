"""Source code beside what happened in it: a rule with its shapes, and the user's line in its surroundings."""

from __future__ import annotations

import inspect
import io
import linecache
import os
import sys
import textwrap
import tokenize
from collections.abc import Callable
from types import FrameType
from typing import Any

from minigrad.engine.base import TensorBase
from minigrad.engine.source import SourceLine
from minigrad.inspect.say.table import cell_text

#: A line of source is shown up to so many letters.
LONGEST = 100


def rule_with_shapes(step: Any) -> str:
    """The source of a node's ``backward``, and beside each line the shapes that its values had.

    The rule is run once more for this, on the gradients that it had; nothing else sees what it gives.

    Parameters
    ----------
    step
        A step whose node still knows what it kept.
    """
    node = step.node
    rule = type(node).backward
    try:
        lines, start = inspect.getsourcelines(rule)
    except (OSError, TypeError):
        return f"the source of {type(node).__name__}.backward can't be had: it is not in a file"
    seen = _run_and_watch(rule, node, step.grad_outputs)
    width = min(max(len(line.rstrip()) for line in lines), 84)
    shown = []
    for number, line in enumerate(lines, start):
        what = _shapes(line, seen[number]) if number in seen else ""
        mark = ">" if number in seen else " "
        shown.append(f"{number:4} {mark} {line.rstrip():<{width}}{'  # ' + what if what else ''}".rstrip())
    place = f"{_short(inspect.getfile(rule))}:{start}"
    return "\n".join([f"{type(node).__name__}.backward, {place} (> has run)", *shown])


def _run_and_watch(rule: Callable[..., Any], node: Any, grads: Any) -> dict[int, dict[str, Any]]:
    """Run a rule, and keep what its names stood for after each of its lines."""
    seen: dict[int, dict[str, Any]] = {}
    last: list[int] = []

    def watch_line(frame: FrameType, event: str, argument: Any) -> Any:
        if last:  # the line before this one is done
            seen[last.pop()] = dict(frame.f_locals)
        if event == "line":
            last.append(frame.f_lineno)
        return watch_line

    def watch_call(frame: FrameType, event: str, argument: Any) -> Any:
        return watch_line if frame.f_code is rule.__code__ else None

    before = sys.gettrace()
    sys.settrace(watch_call)
    try:
        rule(node, *grads)
    finally:
        sys.settrace(before)
    return seen


def _shapes(line: str, known: dict[str, Any]) -> str:
    """The shapes of all values that are named in a line, as in ``gx (4, 8), self.w (8, 8)``."""
    found = {}
    for name in _names(line):
        if name.startswith("self."):
            value = getattr(known.get("self"), name[5:], None)
        else:
            value = known.get(name)
        text = _shape(value)
        if text:
            found[name] = text
    return ", ".join(f"{name} {text}" for name, text in found.items())


def _names(line: str) -> list[str]:
    """The variables in a line of code, and attributes of ``self``, each once.

    Examples
    --------
    >>> _names("    gx = gy * (self.b - gx.sum())")
    ['gx', 'gy', 'self.b']
    """
    try:
        tokens = [t for t in tokenize.generate_tokens(io.StringIO(line.strip()).readline) if t.string.strip()]
    except (tokenize.TokenError, IndentationError):
        tokens = []  # a part of a longer statement
    names: dict[str, None] = {}
    for i, token in enumerate(tokens):
        if token.type == tokenize.NAME and (i == 0 or tokens[i - 1].string != "."):
            if token.string == "self" and i + 2 < len(tokens):
                names[f"self.{tokens[i + 2].string}"] = None
            else:
                names[token.string] = None
    return list(names)


def _shape(value: Any) -> str:
    """A value's shape; the value itself of a number; empty for all else."""
    if isinstance(value, TensorBase):
        value = value.array
    if isinstance(value, (list, tuple)) and value and all(hasattr(part, "shape") for part in value):
        return f"{len(value)} x {value[0].shape}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return str(tuple(shape))
    return cell_text(value) if isinstance(value, (int, float, bool)) else ""


def line_in_context(line: SourceLine | None, around: int = 3) -> str:
    """The user's line that made a node, with some lines before and after."""
    if line is None:
        return "no line of yours made this node, or it can't be found"
    source = linecache.getlines(line.filename)
    if not source:
        return f"{_short(line.filename)}:{line.lineno}, in {line.function}; its source is not in a file"
    first, last = max(line.lineno - around, 1), min(line.lineno + around, len(source))
    block = textwrap.dedent("".join(text if text.strip() else "\n" for text in source[first - 1 : last])).splitlines()
    shown = [f"{_short(line.filename)}:{line.lineno}, in {line.function}"]
    for number, text in enumerate(block, first):
        shown.append(f"{number:4} {'->' if number == line.lineno else '  '} {text}".rstrip())
    return "\n".join(shown)


def place_of(line: SourceLine | None) -> str:
    """Where a node was made, in one line: ``train.py:12: y = x + f(x)``."""
    if line is None:
        return ""
    text = line.text if len(line.text) <= LONGEST else line.text[: LONGEST - 3] + "..."
    return f"{_short(line.filename)}:{line.lineno}" + (f": {text}" if text else "")


def _short(path: str) -> str:
    return os.path.basename(path)
