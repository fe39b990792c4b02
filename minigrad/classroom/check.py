"""Check a learner's answers: each task on its own, every error told as a hint, and never the solution.

The learner's code runs in a process of its own (`Answers`), and the values that it gives are judged here. So a loop
without end, an exit or a crash is told as well, and no answer can change how it is judged.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minigrad.classroom.answers import Answers, Ended, Missing, Raised
from minigrad.classroom.catalogue import find
from minigrad.classroom.checks import Blank, Check, Wrong

#: Seconds for each task; the first has the import of minigrad beside it.
TIME_LIMIT = 60.0


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


def _is_as_given(name: str, path: Path, exercise: Path) -> bool:
    """Whether a function of the learner's file, or all for ``*``, is as in the exercise but for comments and spaces."""
    codes = []
    for file in (path, exercise):
        tree = ast.parse(file.read_bytes())  # (bytes: a learner may have another encoding)
        if name == "*":
            codes.append(ast.dump(tree))
            continue
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        codes.append(ast.dump(found[-1]) if found else "")
    return codes[0] == codes[1] != ""


def run_checks(
    checks: list[Check], path: Path, exercise: Path, limit: float | None = TIME_LIMIT, quiet: bool = False
) -> Iterator[Outcome]:
    """Run the checks on a file, and give each outcome as it is known; one only if the file can't be imported.

    Parameters
    ----------
    checks
        What to check.
    path
        The learner's file.
    exercise
        The tasks as they were given.
    limit
        Seconds for each task; None for no limit, where a debugger can stop.
    quiet
        Whether what the file prints is dropped.
    """
    answers: Answers | None = None
    try:
        for check in checks:
            try:
                if answers is None:
                    answers = Answers(path, limit, quiet)
            except (Raised, Ended) as error:
                yield Outcome("your file", "error", str(error))
                return
            outcome, gone = judge(check, answers, path, exercise)
            if gone:  # the next task has a new process
                answers.close()
                answers = None
            yield outcome
    finally:
        if answers is not None:
            answers.close()


def judge(check: Check, answers: Answers, path: Path, exercise: Path) -> tuple[Outcome, bool]:
    """What became of a task, and whether the learner's process has ended over it."""
    if check.bug_in and _is_as_given(check.bug_in, path, exercise):
        return Outcome(check.name, "blank", "Its bug is still as it was given."), False
    hint, gone = "", False
    answers.restart_clock()
    try:
        check.run(answers)
        state = "right"
    except Blank:
        state, hint = "blank", "Not filled in yet."
    except Wrong as wrong:
        state, hint = "wrong", str(wrong)
    except Missing as missing:
        state, hint = "error", str(missing)
    except Ended as ended:
        state, hint, gone = "error", str(ended), True
    except Raised as raised:
        state, hint = "error", f"{raised}\n{check.hint}"
    except Exception as error:  # an answer of a kind that the check can't compute with
        state, hint = "error", f"your answer led to {type(error).__name__}: {error}\n{check.hint}"
    return Outcome(check.name, state, hint), gone


def check_file(number: str, path: Path, limit: float | None = TIME_LIMIT, quiet: bool = False) -> Iterator[Outcome]:
    """Run a lesson's checks on a file, and give each outcome as it is known.

    Parameters
    ----------
    number
        The lesson's two digits.
    path
        The learner's file.
    limit, quiet
        As in `run_checks`.

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
    return run_checks(checks, path, find(number).exercise, limit, quiet)
