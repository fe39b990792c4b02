"""A learner's answers, seen from the checker: each question goes to a process of its own, with a time limit."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from minigrad.classroom import wire
from minigrad.classroom.checks import Blank, Wrong


class Raised(Exception):
    """The learner's code raised an error; the text says which, and where."""


class Ended(Exception):
    """The learner's process is no more; the text says why."""


class Missing(Exception):
    """A name that the learner's file hasn't."""


class Answers:
    """What a learner's file has, as attributes: its values, and its functions, which run in that other process.

    Parameters
    ----------
    path
        The learner's file.
    limit
        Seconds from the last `restart_clock`; None for no limit, where a debugger can stop.
    quiet
        Whether what the file prints is dropped.

    Raises
    ------
    Raised, Ended
        If the file can't be imported.
    """

    def __init__(self, path: Path, limit: float | None, quiet: bool = False) -> None:
        own: dict[str, Any] = {}
        if os.name == "nt":
            own["creationflags"] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        elif limit is not None:  # a debugger needs the terminal, and so its session
            own["start_new_session"] = True
        # minigrad is the one that runs here, whatever lies in the current folder.
        folders = filter(None, [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONSAFEPATH": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "minigrad.classroom.learner"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None,
            text=True, encoding="utf-8", env=environment, **own,
        )  # fmt: skip
        self._own_group = "start_new_session" in own
        self._limit = limit
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.load(path)
        except BaseException:
            self.close()
            raise

    def load(self, path: Path) -> None:
        """Import a file into the learner's process; its answers are what is asked for from now on."""
        self.restart_clock()
        self._ask("load", str(path.resolve()))

    def restart_clock(self) -> None:
        """Give the learner's code the whole time again."""
        self._end = None if self._limit is None else time.monotonic() + self._limit

    def close(self) -> None:
        """End the learner's process, and all that it started."""
        process = self._process
        if self._own_group:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # (it is not waited for yet, so the number is still its own)
            except (ProcessLookupError, PermissionError):
                process.kill()
        elif os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what the process has not read
                    stream.close()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self) -> None:
        """Put every line that comes into the queue, and an empty one at the end."""
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._lines.put(line)
        except ValueError:  # closed meanwhile
            pass
        self._lines.put("")

    def _ask(self, *question: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: why is said below
            self._process.stdin.write(wire.asked(question) + "\n")
            self._process.stdin.flush()
        try:
            left = None if self._end is None else max(0.0, self._end - time.monotonic())
            line = self._lines.get(timeout=left)
        except queue.Empty:
            raise Ended(
                f"no answer within {self._limit:g} s: is there a loop that doesn't end, or far too much work?"
            ) from None
        if not line:
            code = self._process.wait()
            raise Ended(f"Python ended with exit code {code} before the checks were done")
        try:
            found = wire.read_answered(line)
        except ValueError:
            raise Ended("your file wrote into the checker's own channel") from None
        if "blank" in found:
            raise Blank
        if "wrong" in found:
            raise Wrong(str(found["wrong"]))
        if "raised" in found:
            raise Raised(str(found["raised"]))
        if "missing" in found:
            raise Missing(f"your file has no {found['missing']!r}: keep the names of the tasks")
        return found

    def __getattr__(self, name: str) -> Any:
        found = self._ask("get", name)
        return self._function(name) if "callable" in found else wire.value_of(found["value"])

    def _function(self, name: str) -> Callable[..., Any]:
        def function(*arguments: Any, **named: Any) -> Any:
            found = self._ask("call", name, arguments, named)
            _copy_back(arguments, wire.value_of(found["arguments"]))
            return wire.value_of(found["value"])

        return function

    def _beside(self, function: Any, *arguments: Any) -> Any:
        return wire.value_of(self._ask("beside", function, arguments)["value"])


def _copy_back(arguments: Any, after: Any) -> None:
    """Write into arrays what the learner's code has written into its copies of them."""
    if isinstance(arguments, np.ndarray) and isinstance(after, np.ndarray) and arguments.shape == after.shape:
        arguments[...] = after
    elif isinstance(arguments, (list, tuple)) and isinstance(after, (list, tuple)):
        for before, now in zip(arguments, after, strict=False):
            _copy_back(before, now)
