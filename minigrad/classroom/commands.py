"""The commands ``minigrad lesson`` and ``minigrad check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.files import folder_to_write, write_new

if TYPE_CHECKING:
    from minigrad.classroom.catalogue import Lesson


def add_commands(commands: Any) -> None:
    """Add both to the command line's subparsers."""
    lesson = commands.add_parser("lesson", help="list the lessons, run one, or copy one to work on")
    lesson.add_argument("lesson", nargs="?", metavar="N", help="its number, all, or zoo; without one, they are listed")
    what = lesson.add_mutually_exclusive_group()
    what.add_argument("--copy", metavar="DIR", help="copy the lesson and its tasks there, and don't run it")
    what.add_argument("--notebook", metavar="DIR", help="write it there as a notebook, and don't run it")
    what.add_argument("--save", metavar="DIR", help="where figures go (figures; out in a checkout of minigrad)")
    lesson.set_defaults(run=_lesson)
    check = commands.add_parser("check", help="check your answers to a lesson's tasks, and get hints")
    check.add_argument("what", metavar="N", help="the lesson's number, or zoo; or the path of a file or folder")
    check.add_argument("file", nargs="?", metavar="PATH", help="your file or a folder; without one, your last copy")
    check.add_argument("--json", action="store_true", help="one line of JSON for each task, and nothing else")
    check.add_argument("--no-limit", action="store_true", help="no time limit, so that breakpoint() can stop")
    check.set_defaults(run=_check)


def _lesson(arguments: argparse.Namespace) -> int:
    from minigrad.classroom import runner  # each command loads only what it needs
    from minigrad.classroom.catalogue import find, lessons
    from minigrad.classroom.script import default_folder

    if arguments.lesson in (None, "zoo"):
        left = [f"--{name}" for name in ("copy", "notebook", "save") if getattr(arguments, name) is not None]
        if arguments.lesson is None and left:
            raise ValueError(f"{left[0]} of which lesson? Say it, as in: minigrad lesson 7 {left[0]} DIR")
        if arguments.lesson == "zoo" and left not in ([], ["--copy"]):
            raise ValueError(f"the zoo takes no {left[0]}: minigrad lesson zoo --copy DIR")
        if arguments.lesson == "zoo":
            return _zoo(arguments.copy)
        print(runner.list_lessons())
        return 0
    chosen = lessons() if arguments.lesson == "all" else [find(arguments.lesson)]
    if arguments.copy is not None:
        return _copy(chosen, folder_to_write(arguments.copy))
    if arguments.notebook is not None:
        from minigrad.classroom.notebook import write_notebooks

        folder = folder_to_write(arguments.notebook)
        for path in write_notebooks(chosen, folder):
            print(path)
        return 0
    save = folder_to_write(arguments.save or str(default_folder()))
    for each in chosen:
        runner.run_lesson(each, save)
    return 0


def _copy(chosen: Sequence[Lesson], folder: Path) -> int:
    from minigrad.classroom import progress, runner

    for each, copied in runner.copy_lessons(chosen, folder).items():
        for path in copied:
            print(path)
        if len(copied) > 1:
            _warn(progress.note_copy(each.number, copied[1]))
    print(f"Fill in the blanks in {folder / 'exercises'}, then: minigrad check {int(chosen[0].number)}")
    return 0


def _zoo(copy: str | None) -> int:
    """List the bug zoo, or copy it."""
    from minigrad.classroom import progress, zoo

    if copy is None:
        print(zoo.listed())
        return 0
    folder = folder_to_write(copy)
    write_new({folder / "zoo" / path.name: path.read_bytes() for path in zoo.animals()})
    _warn(progress.note_copy("zoo", folder / "zoo"))
    print(f"Mend them in {folder / 'zoo'}, then: minigrad check zoo")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from minigrad.classroom import check, submissions

    found = submissions.find(arguments.what, arguments.file)
    limit = None if arguments.no_limit else check.TIME_LIMIT
    right = True
    for each in found:
        checked = submissions.check_json if arguments.json else submissions.check_shown
        right &= checked(each, limit)
    return 0 if right else 1


def _warn(message: str | None) -> None:
    if message is not None:
        print(message, file=sys.stderr)
