"""Which files ``minigrad check`` is to check, and what it shows of each."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minigrad.classroom import catalogue, check, progress, zoo
from minigrad.classroom.checks import Check

#: After so many seconds without an answer, that is said.
SLOW = 5.0


@dataclass(frozen=True)
class Submission:
    """A file, and the lesson whose tasks it answers: two digits, or ``zoo``."""

    number: str
    path: Path

    @property
    def checks(self) -> list[Check]:
        """Its tasks' checks."""
        return [zoo.check_of(self.path)] if self.number == "zoo" else check.checks_of(self.number)

    @property
    def given(self) -> Path:
        """The tasks as they were given."""
        return zoo.original(self.path) if self.number == "zoo" else catalogue.find(self.number).exercise


def find(what: str, path: str | None) -> list[Submission]:
    """The files to check.

    Parameters
    ----------
    what
        A lesson's number or name, ``zoo``, or a path: a path is never taken for a name. (A folder that is called 7 is
        the path ``./7``.)
    path
        A file, or a folder of them; without one, the learner's last copy.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none in the folder.
    ValueError
        If there is no such lesson, or the file's name doesn't say whose tasks it answers.
    """
    if path is None and _is_path(what):
        return _in(Path(what), None)
    number = "zoo" if what == "zoo" else catalogue.find(what).number
    if number != "zoo" and not check.checks_of(number):
        raise ValueError(f"lesson {number} has no tasks to check")
    if path is not None:
        return _in(Path(path), number)
    copies = progress.copies_of(number)
    name = what if number == "zoo" else str(int(number))
    if not copies or not copies[-1].exists():
        where = f"; your last copy, {copies[-1]}, is gone" if copies else ""
        raise FileNotFoundError(f"which file{where}? Make a copy with: minigrad lesson {name} --copy DIR")
    return _in(copies[-1], number)


def _is_path(what: str) -> bool:
    """Whether this is a path, and no lesson's number or name."""
    if what.endswith(".py") or "/" in what or os.sep in what:
        return True
    return what != "zoo" and not what.isdecimal() and Path(what).exists()


def _in(path: Path, number: str | None) -> list[Submission]:
    """A file, or those of a folder that answer the lesson's tasks, or any lesson's."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.py") if _may_answer(file, path))
        named = [(_named(file) if number is None or number == "zoo" else number, file) for file in files]
        found = [Submission(n, file) for n, file in named if n and (number is None or n == number)]
        if not found:
            raise FileNotFoundError(f"there is no answer in {path}")
        return found
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix != ".py":
        raise ValueError(f"{path}: the name of a Python file ends in .py, and this one's doesn't")
    named_by_file = _named(path)
    if number is None and named_by_file is None:
        raise ValueError(f"whose tasks does {path} answer? Say it: minigrad check N {path}")
    if number == "zoo" and named_by_file != "zoo":
        raise ValueError(f"{path}: no animal of the zoo has this name")
    return [Submission(number or str(named_by_file), path)]


def _may_answer(file: Path, folder: Path) -> bool:
    """Whether a file in a folder may be an answer: not what is hidden there, nor a lesson that was copied with it."""
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return file.is_file() and not hidden and not (file.parent / "exercises" / file.name).exists()


def _named(path: Path) -> str | None:
    """The lesson whose name is in the file's, as in ``anna_07_residual_block.py``."""
    if zoo.is_animal(path):
        return "zoo"
    for lesson in catalogue.lessons():
        if lesson.path.stem in path.stem or re.fullmatch(rf"(.*\D)?{lesson.number}(\D.*)?", path.stem):
            return lesson.number
    return None


def check_shown(submission: Submission, limit: float | None) -> bool:
    """Check a file, and show each outcome as it is known; whether all is right."""
    print(f"checking {submission.path}", flush=True)
    checks, right = submission.checks, []
    outcomes = check.run_checks(checks, submission.path, submission.given, limit)
    for each in checks:
        with _told_if_slow(each.name, limit):
            outcome = next(outcomes, None)
        if outcome is None:  # the file can't be imported: told already
            break
        print(outcome, flush=True)
        right += [outcome.name] if outcome.right else []
    print(f"{len(right)} of {len(checks)} right.", flush=True)
    if submission.path.resolve() in _own_copies(submission):
        problem = progress.note_passed(submission.number, right)
        if problem is not None:
            print(problem, file=sys.stderr)
    return len(right) == len(checks)


@contextlib.contextmanager
def _told_if_slow(name: str, limit: float | None) -> Iterator[None]:
    """Say that a task takes long, unless there is no limit, as for a debugger."""

    def tell() -> None:
        with contextlib.suppress(OSError):  # nobody reads on
            print(f"       {name}: no answer yet; {limit:g} s is the limit", flush=True)

    timer = threading.Timer(SLOW, tell)
    timer.daemon = True
    if limit is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _own_copies(submission: Submission) -> list[Path]:
    """The files that ``--copy`` made for this learner; only they count for what was passed."""
    copies = progress.copies_of(submission.number)
    return [file for copy in copies for file in (copy.glob("*.py") if copy.is_dir() else [copy])]


def check_json(submission: Submission, limit: float | None) -> bool:
    """Check a file, and print a record for each task, a line each; whether all is right.

    A file that can't be imported has a record for each task too.
    """
    checks = submission.checks
    outcomes = list(check.run_checks(checks, submission.path, submission.given, limit, quiet=True))
    if len(outcomes) < len(checks):
        outcomes = [check.Outcome(each.name, outcomes[0].state, outcomes[0].hint) for each in checks]
    for outcome in outcomes:
        record = {"file": str(submission.path), "lesson": submission.number, "task": outcome.name}
        print(json.dumps({**record, "state": outcome.state, "hint": outcome.hint}), flush=True)
    return all(outcome.right for outcome in outcomes)
