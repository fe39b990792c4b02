"""Check a learner's answers: each task on its own, every error told as a hint, and never the solution.

The learner's code runs in a process of its own, so that a loop without end, an exit or a crash is told as
well. That process writes down each outcome as it is known, a JSON line each.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import linecache
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from minigrad.classroom.checks import Blank, Check, Wrong

#: Seconds for all tasks of a lesson, the import of minigrad included.
TIME_LIMIT = 120.0


@dataclass(frozen=True)
class Outcome:
    """What became of one task: ``right``, ``wrong``, ``blank`` or ``error``; all but the first with a hint."""

    name: str
    state: str
    hint: str = ""

    @property
    def right(self) -> bool:
        """Whether it was passed."""
        return self.state == "right"

    def __str__(self) -> str:
        return f"{self.state:>5}  {self.name}" + "".join(f"\n       {line}" for line in self.hint.splitlines())


def checks_of(number: str) -> list[Check]:
    """The checks of a lesson; none where it has no tasks."""
    name = f"minigrad.classroom.checks.lesson_{number}"
    if importlib.util.find_spec(name) is None:
        return []
    return importlib.import_module(name).CHECKS


def load(path: Path) -> ModuleType:
    """Import a file under a name that no package has."""
    spec = importlib.util.spec_from_file_location(f"learner_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path}: not a Python file")
    linecache.checkcache(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _told(error: BaseException, path: Path) -> str:
    """An error in the learner's own file, as one sentence."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"Python can't read line {error.lineno}: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    if lines:
        text = linecache.getline(str(path), lines[-1] or 0).strip()
        return f"line {lines[-1]} of your file raised {what}\n    {text}"
    return f"your answer led to {what}"


def run_checks(checks: list[Check], path: Path) -> Iterator[Outcome]:
    """Run the checks on a file, in this process; one outcome each, and one only if the file can't be run."""
    try:
        module = load(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an answer may raise anything, SystemExit too
        yield Outcome("your file", "error", _told(error, path))
        return
    for check in checks:
        yield _outcome(check, module, path)


def _outcome(check: Check, module: ModuleType, path: Path) -> Outcome:
    try:
        check.run(module)
    except Blank:
        return Outcome(check.name, "blank", f"Not filled in yet. {check.hint}")
    except Wrong as wrong:
        return Outcome(check.name, "wrong", str(wrong))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, AttributeError) and error.obj is module:
            return Outcome(check.name, "error", f"your file has no {error.name!r}: keep the names of the tasks")
        if "ellipsis" in str(error):  # the blank went into a computation
            return Outcome(check.name, "blank", f"Not filled in yet. {check.hint}")
        return Outcome(check.name, "error", f"{_told(error, path)}\n{check.hint}")
    return Outcome(check.name, "right")


def check_file(number: str, path: Path, limit: float | None = TIME_LIMIT) -> list[Outcome]:
    """Run a lesson's checks on a file.

    Parameters
    ----------
    number
        The lesson's two digits.
    path
        The learner's file.
    limit
        Seconds for all; None runs the checks in this process without a limit, where a debugger can stop.

    Raises
    ------
    ValueError
        If the lesson has no checks.
    FileNotFoundError
        If there is no such file.
    """
    checks = checks_of(number)
    if not checks:
        raise ValueError(f"lesson {number} has no tasks to check")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    path = path.resolve()
    if limit is None:
        return list(run_checks(checks, path))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "outcomes"
        report.touch()
        ended = _in_a_process(number, path, report, limit)
        lines = report.read_text(encoding="utf-8").splitlines()
        outcomes = [Outcome(**json.loads(line)) for line in lines]
    if ended:
        name = checks[len(outcomes)].name if len(outcomes) < len(checks) else "your file"
        outcomes.append(Outcome(name, "error", ended))
    return outcomes


def _in_a_process(number: str, path: Path, report: Path, limit: float) -> str:
    """Run this file as a program on the learner's; returns how it ended too early, or nothing."""
    command = [sys.executable, "-m", "minigrad.classroom.check", number, str(path), str(report)]
    try:
        code = subprocess.run(command, timeout=limit, check=False).returncode
    except subprocess.TimeoutExpired:
        return f"no answer within {limit:g} s: is there a loop that doesn't end, or far too much work?"
    return f"Python ended with exit code {code} before the checks were done" if code else ""


def _main(number: str, path: str, report: str) -> None:
    with Path(report).open("w", encoding="utf-8") as file:
        for outcome in run_checks(checks_of(number), Path(path)):
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
