"""What a learner meets: how many frames and single steps lie between a line and a rule, and how long the engine is."""

from __future__ import annotations

import ast
import bdb
import io
import sys
import tokenize
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.ops.arithmetic import Add, Mul
from minigrad.ops.elementwise import Tanh

PACKAGE = Path(mg.__file__).parent


def frames_between(cls, method, call, monkeypatch):
    """How many frames there are between this file and a rule, the first time that it runs."""
    found = []
    rule = getattr(cls, method)

    def counted(self, *args):
        frame = sys._getframe(1)
        names = []
        while frame.f_code.co_filename != __file__:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        found.append(names)
        return rule(self, *args)

    monkeypatch.setattr(cls, method, counted)
    call()
    return found[0]


def leaf():
    return mg.ones(2, requires_grad=True)


@pytest.mark.parametrize("call", [lambda: mg.tanh(leaf()), lambda: leaf().tanh()])
def test_two_frames_in_forward(call, monkeypatch):
    assert len(frames_between(Tanh, "forward", call, monkeypatch)) <= 2


def test_two_frames_in_forward_of_operators_in_place_too(monkeypatch):
    def residual_line():
        out = leaf() * 1
        out += mg.ones(2)

    assert len(frames_between(Add, "forward", residual_line, monkeypatch)) <= 2
    assert len(frames_between(Mul, "forward", lambda: leaf() * 2, monkeypatch)) <= 2


def test_two_frames_from_the_steps_and_three_from_backward(monkeypatch):
    assert len(frames_between(Mul, "backward", lambda: list(mg.backward_steps((leaf() * 2).sum())), monkeypatch)) <= 2
    assert len(frames_between(Mul, "backward", lambda: (leaf() * 2).sum().backward(), monkeypatch)) <= 3


class Steps(bdb.Bdb):
    """Counts what ``s`` in pdb would stop at, until a rule is entered."""

    def __init__(self):
        super().__init__()
        self.count, self.arrived = 0, None

    def _stop(self, frame):
        if self.arrived is None:
            self.count += 1
            if frame.f_code.co_name == "backward" and "/ops/" in frame.f_code.co_filename.replace("\\", "/"):
                self.arrived = frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else "backward"
        self.set_step()

    def user_call(self, frame, argument):
        self._stop(frame)

    def user_line(self, frame):
        self._stop(frame)

    def user_return(self, frame, value):
        self._stop(frame)

    def user_exception(self, frame, info):
        self._stop(frame)


def test_few_single_steps_from_backward_to_the_first_rule():
    """40 of them, on 3.10 to 3.13 alike."""
    x = leaf()
    loss = mg.tanh(x * 2 + 1).sum()
    steps = Steps()
    before = sys.gettrace()
    try:
        steps.runcall(loss.backward)
    finally:
        sys.settrace(before)
    assert steps.arrived
    assert steps.count <= 40, steps.count


def code_lines(path):
    """Lines of code, without docstrings, comments, blank lines and the list of a module's names."""
    text = path.read_text(encoding="utf-8")
    skipped = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            skipped.update(range(node.lineno, node.end_lineno + 1))
        if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
            skipped.update(range(first.lineno, first.end_lineno + 1))
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - skipped - {len(text.splitlines()) + 1})


def test_the_tiny_engine_stays_tiny():
    """The engine with its notes of writes and views, and the skips; the operations in place are operations."""
    files = [*sorted((PACKAGE / "engine").glob("*.py")), PACKAGE / "skip.py"]
    counts = {path.name: code_lines(path) for path in files}
    assert sum(counts.values()) < 1000, counts


def test_the_loop_is_short():
    """The loop and the functions over which it goes: lines of code, without signature and docstring."""
    source = (PACKAGE / "engine" / "walk.py").read_text(encoding="utf-8")
    functions = {n.name: n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}
    loop = {name: functions[name] for name in ("visit", "settle", "run", "send", "add")}
    lines = {name: found.end_lineno - found.body[0].end_lineno for name, found in loop.items()}
    assert max(lines.values()) <= 25, lines
