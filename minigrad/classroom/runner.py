"""List the lessons, run one, and copy one to work on."""

from __future__ import annotations

import runpy
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from minigrad.classroom import progress
from minigrad.classroom.catalogue import Lesson, lessons
from minigrad.classroom.check import checks_of
from minigrad.files import write_new


def list_lessons(width: int | None = None) -> str:
    """What each lesson is about, how long it takes, what to read before, what has been passed.

    Parameters
    ----------
    width
        In columns; by default the terminal's. Where it is narrow, titles are broken; below 60 some columns go.
    """
    width = width or shutil.get_terminal_size().columns
    rows = [("", "lesson", "passed", "minutes", "before it")]
    for lesson in lessons():
        names = [check.name for check in checks_of(lesson.number)]
        done = sum(name in progress.passed(lesson.number) for name in names)
        rows.append((
            lesson.number,
            lesson.title,
            f"{done} of {len(names)}" if names else "-",
            "-" if lesson.minutes is None else str(lesson.minutes),
            ", ".join(lesson.needs) or "-",
        ))  # fmt: skip
    shown = range(2, 3 if width < 60 else 5)
    widths = {i: max(len(row[i]) for row in rows) for i in shown}
    room = max(20, min(max(len(row[1]) for row in rows), width - 6 - sum(widths.values()) - 2 * (len(widths) - 1)))
    lines = []
    for row in rows:
        title, *more = textwrap.wrap(row[1], room)
        rest = "  ".join(row[i].ljust(widths[i]) for i in shown)
        lines.append(f"{row[0]:<2}  {title:<{room}}  {rest}".rstrip())
        lines += [f"    {line}" for line in more]
    note = "Run one: minigrad lesson 7. Work on it: minigrad lesson 7 --copy DIR, then minigrad check 7. "
    return "\n".join([*lines, *textwrap.wrap(note + "Hunt bugs: minigrad lesson zoo.", width)])


def run_lesson(lesson: Lesson, save: Path) -> None:
    """Run a lesson in this process, as its script would be; figures go into the folder ``save``."""
    before = sys.argv
    sys.argv = [str(lesson.path), "--save", str(save)]
    try:
        runpy.run_path(str(lesson.path), run_name="__main__")
    finally:
        sys.argv = before


def copy_lessons(chosen: Sequence[Lesson], folder: Path) -> dict[Lesson, list[Path]]:
    """Copy lessons, and their tasks into ``exercises`` below; the copies of each, its script first.

    Raises
    ------
    ValueError
        If a file is there already: a learner's work is never written over.
    """
    pairs = {
        lesson: [(lesson.path, folder / lesson.path.name)]
        + ([(lesson.exercise, folder / "exercises" / lesson.path.name)] if lesson.exercise.exists() else [])
        for lesson in chosen
    }
    write_new({target: source.read_bytes() for each in pairs.values() for source, target in each})
    return {lesson: [target for _, target in each] for lesson, each in pairs.items()}
