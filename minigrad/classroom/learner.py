"""The process that runs a learner's file: it imports it, calls what the checker asks for, and hands values back.

It judges nothing, so a file that rewrites whatever it finds in this process rewrites no judgement.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import FunctionType, ModuleType
from typing import Any, TextIO

from minigrad.classroom import wire


def load(path: Path) -> ModuleType:
    """Run a file as a module whose name no package has. No bytecode is written, or read: it may be out of date."""
    linecache.checkcache(str(path))
    module = ModuleType(f"learner_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # as an import does: dataclasses look there
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    return module


def told(error: BaseException, path: Path) -> str:
    """An error in the learner's own file, as one sentence."""
    try:
        text = str(error)
    except BaseException:  # an exception of the learner's own may do anything when it is asked for its text
        text = "(and its text can't be had)"
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename in (str(path), None):
        line = f"line {error.lineno}" if error.lineno else "your file"
        return f"Python can't read {line}: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    if lines:
        source = linecache.getline(str(path), lines[-1] or 0).strip()
        return f"line {lines[-1]} of your file raised {what}\n    {source}"
    return f"your answer led to {what}"


class Learner:
    """What the checker can ask for."""

    def __init__(self) -> None:
        self.path = Path()
        self.module = ModuleType("nothing")

    def load(self, path: str) -> dict[str, Any]:
        """Import the file."""
        self.path = Path(path)
        self.module = load(self.path)
        return {}

    def get(self, name: str) -> dict[str, Any]:
        """A value of the file; of what can be called, only that it is there."""
        if name not in vars(self.module):
            return {"missing": name}
        value = vars(self.module)[name]
        return {"callable": True} if callable(value) else {"value": wire.plain(value)}

    def call(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """What a function of the file gives, and what has become of its arguments."""
        value = getattr(self.module, name)(*arguments, **named)
        return {"value": wire.plain(value), "arguments": wire.plain(arguments)}

    def beside(self, function: FunctionType, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """What a function of the checks sees here, of the file as a module."""
        return {"value": wire.plain(function(self.module, *arguments))}


def answer(learner: Learner, kind: str, *details: Any) -> dict[str, Any]:
    """One answer: a value, or what was raised."""
    from minigrad.classroom.checks import Blank, Wrong

    found: dict[str, Any]
    try:
        method: Callable[..., dict[str, Any]] = getattr(learner, kind)
        found = method(*details)
    except Blank:
        found = {"blank": True}
    except Wrong as wrong:
        found = {"wrong": str(wrong)}
    except BaseException as error:  # an answer may raise anything, SystemExit and KeyboardInterrupt too
        sys.settrace(None)
        if isinstance(error, AttributeError) and getattr(error, "obj", None) is learner.module:
            found = {"missing": error.name}
        else:
            text = told(error, learner.path)
            found = {"blank": True} if "ellipsis" in text else {"raised": text}
    finally:
        sys.settrace(None)
        sys.setprofile(None)
    return found


def channels() -> tuple[TextIO, TextIO]:
    """The two ends to the checker, out of the reach of `print` and `input`: these have the terminal."""
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    terminal = "CON" if os.name == "nt" else "/dev/tty"
    for place in (terminal, os.devnull):  # (a process in a session of its own has no terminal)
        with contextlib.suppress(OSError):
            os.dup2(os.open(place, os.O_RDWR), 0)
            break
    return questions, answers


def _read(questions: TextIO, asked: SimpleQueue[str]) -> None:
    """Hand on what is asked. When nothing can come any more, the checker is gone: so all that runs here ends too."""
    for line in questions:
        asked.put(line)
    if os.name != "nt" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Answer as long as the checker is there, whatever the learner's file does meanwhile."""
    questions, answers = channels()
    asked: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(questions, asked), daemon=True).start()
    learner = Learner()
    while True:
        answers.write(wire.answered(answer(learner, *wire.read_asked(asked.get()))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
