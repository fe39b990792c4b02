"""List the lessons, run one, and copy one to work on."""

from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path

from minigrad.classroom import progress
from minigrad.classroom.catalogue import Lesson, lessons
from minigrad.classroom.check import checks_of
from minigrad.inspect.say.table import Table


def list_lessons() -> Table:
    """One row a lesson: what it is about, how long, what to read before, what has been passed."""
    rows = []
    for lesson in lessons():
        names = [check.name for check in checks_of(lesson.number)]
        done = sum(name in progress.passed(lesson.number) for name in names)
        rows.append([
            lesson.number,
            lesson.title,
            "-" if lesson.minutes is None else str(lesson.minutes),
            ", ".join(lesson.needs) or "-",
            f"{done} of {len(names)}" if names else "-",
        ])  # fmt: skip
    notes = ["Run one: minigrad lesson 7. Work on it: minigrad lesson 7 --copy DIR, then minigrad check 7."]
    return Table(["", "lesson", "minutes", "before it", "passed"], rows, notes=notes)


def run_lesson(lesson: Lesson, save: Path) -> None:
    """Run a lesson in this process, as its script would be; figures go into the folder ``save``."""
    before = sys.argv
    sys.argv = [str(lesson.path), "--save", str(save)]
    try:
        runpy.run_path(str(lesson.path), run_name="__main__")
    finally:
        sys.argv = before


def copy_lesson(lesson: Lesson, directory: Path) -> list[Path]:
    """Copy a lesson, and its tasks into ``exercises`` below.

    Raises
    ------
    ValueError
        If a file is there already: a learner's work is never written over.
    """
    pairs = [(lesson.path, directory / lesson.path.name)]
    if lesson.exercise.exists():
        pairs.append((lesson.exercise, directory / "exercises" / lesson.path.name))
    there = [str(target) for _, target in pairs if target.exists()]
    if there:
        raise ValueError(f"{' and '.join(there)}: there already, and left as it is; choose another folder")
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return [target for _, target in pairs]
