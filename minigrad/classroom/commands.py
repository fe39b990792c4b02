"""The commands ``minigrad lesson`` and ``minigrad check``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add both to the command line's subparsers."""
    lesson = commands.add_parser("lesson", help="list the lessons, run one, or copy one to work on")
    lesson.add_argument("lesson", nargs="?", metavar="N", help="its number, or all; without one, they are listed")
    lesson.add_argument("--copy", metavar="DIR", help="copy the lesson and its tasks there, and don't run it")
    lesson.add_argument("--save", metavar="DIR", default="figures", help="where figures go (%(default)s)")
    lesson.set_defaults(run=_lesson)
    check = commands.add_parser("check", help="check your answers to a lesson's tasks, and get hints")
    check.add_argument("lesson", metavar="N", help="the lesson's number")
    check.add_argument("file", nargs="?", metavar="FILE", help="your file; without one, your last copy")
    check.add_argument("--no-limit", action="store_true", help="no time limit, so that breakpoint() can stop")
    check.set_defaults(run=_check)


def _lesson(arguments: argparse.Namespace) -> int:
    from minigrad.classroom import progress, runner  # each command loads only what it needs
    from minigrad.classroom.catalogue import find, lessons

    if arguments.lesson is None:
        print(runner.list_lessons())
        return 0
    if arguments.lesson == "all":  # which also makes all figures anew
        for each in lessons():
            runner.run_lesson(each, Path(arguments.save))
        return 0
    lesson = find(arguments.lesson)
    if arguments.copy is None:
        runner.run_lesson(lesson, Path(arguments.save))
        return 0
    copied = runner.copy_lesson(lesson, Path(arguments.copy))
    for path in copied:
        print(path)
    if len(copied) > 1:
        _warn(progress.note_copy(lesson.number, copied[1]))
        print(f"Fill in the blanks of the second, then: minigrad check {int(lesson.number)}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from minigrad.classroom import check, progress
    from minigrad.classroom.catalogue import find

    lesson = find(arguments.lesson)
    path = progress.copy_of(lesson.number) if arguments.file is None else Path(arguments.file)
    if path is None or (arguments.file is None and not path.is_file()):
        where = f"; your last copy, {path}, is gone" if path is not None else ""
        raise FileNotFoundError(f"which file{where}? Make a copy with: minigrad lesson {int(lesson.number)} --copy DIR")
    print(f"checking {path}", flush=True)
    outcomes = check.check_file(lesson.number, path, None if arguments.no_limit else check.TIME_LIMIT)
    for outcome in outcomes:
        print(outcome)
    right = [outcome.name for outcome in outcomes if outcome.right]
    total = len(check.checks_of(lesson.number))
    print(f"{len(right)} of {total} right.")
    _warn(progress.note_passed(lesson.number, right))
    return 0 if len(right) == total else 1


def _warn(message: str | None) -> None:
    if message is not None:
        print(message, file=sys.stderr)
