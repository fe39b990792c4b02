"""Where the lessons are, and what each says of itself in its first lines."""

from __future__ import annotations

import ast
import os
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(\d\d)_\w+\.py")


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes
    ----------
    number
        Two digits, as ``07``.
    path
        The script.
    title
        What it is about, in one line.
    minutes
        How long a learner takes, or None where the script doesn't say.
    needs
        The numbers of the lessons to read before.
    """

    number: str
    path: Path
    title: str
    minutes: int | None
    needs: tuple[str, ...]

    @property
    def exercise(self) -> Path:
        """The tasks, with their blanks."""
        return self.path.parent / "exercises" / self.path.name

    @property
    def solution(self) -> Path:
        """The tasks, solved."""
        return self.path.parent / "solutions" / self.path.name


def _places() -> Iterator[Path]:
    """Where the folder can be: beside the package in a checkout, or among an installation's data."""
    beside = Path(__file__).resolve().parents[2]
    yield beside / "lessons"
    for data in (sysconfig.get_path("data"), sysconfig.get_path("data", f"{os.name}_user"), beside):
        yield Path(data) / "share" / "minigrad" / "lessons"


def folder() -> Path:
    """The folder of the lessons.

    Raises
    ------
    FileNotFoundError
        If there is none; the message says where it was looked for.
    """
    places = list(_places())
    for place in places:
        if (place / "exercises").is_dir() and any(_NAME.fullmatch(p.name) for p in place.iterdir()):
            return place
    raise FileNotFoundError("the lessons were not found in " + " or ".join(dict.fromkeys(map(str, places))))


def read(path: Path) -> Lesson:
    """Read a lesson's first lines: a title, and a line ``Minutes: 20. Before it: lessons 3 and 6.``."""
    head = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    title = re.sub(r"^(Lesson )?\d+[.:]\s*", "", head.partition("\n")[0])
    minutes = re.search(r"Minutes: (\d+)", head)
    before = re.search(r"Before it: ([^.]*)\.", head)
    needs = tuple(n.zfill(2) for n in re.findall(r"\d+", before[1])) if before else ()
    return Lesson(path.name[:2], path, title, int(minutes[1]) if minutes else None, needs)


def lessons() -> list[Lesson]:
    """All lessons, in their order."""
    return [read(path) for path in sorted(folder().iterdir()) if _NAME.fullmatch(path.name)]


def find(name: str) -> Lesson:
    """One lesson, by ``7``, ``07``, ``07_residual_block`` or the path of its script.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    stem = Path(name).name.removesuffix(".py")
    found = lessons()
    for lesson in found:
        if stem in (lesson.number, lesson.path.stem) or (stem.isdecimal() and int(stem) == int(lesson.number)):
            return lesson
    raise ValueError(f"there is no lesson {name!r}; there are {', '.join(each.number for each in found)}")
