"""The bug zoo: small engines in ``lessons/zoo``, each with one bug, and how a mended one is judged."""

from __future__ import annotations

import re
from pathlib import Path

from minigrad.classroom import catalogue
from minigrad.classroom.checks import Check
from minigrad.classroom.checks.zoo import CHECKS
from minigrad.inspect.say.table import Table


def folder() -> Path:
    """Where the animals live."""
    return catalogue.folder() / "zoo"


def animals() -> list[Path]:
    """All of them, in their order."""
    return sorted(folder().glob("[0-9][0-9]_*.py"))


def original(path: Path) -> Path:
    """The animal that a file is a copy of, by its name."""
    return folder() / path.name


def is_animal(path: Path) -> bool:
    """Whether a file has the name of an animal."""
    return path.stem in CHECKS


def check_of(path: Path) -> Check:
    """What a mended copy has to pass."""
    run, hint = CHECKS[path.stem]
    return Check(path.stem, run, hint, bug_in="*")


def listed() -> Table:
    """One row an animal: what is wrong with it."""
    rows = []
    for path in animals():
        title = re.search(r'"""Zoo \d+\. (.*)\n', path.read_text(encoding="utf-8"))
        rows.append([path.stem, title[1] if title else ""])
    notes = ["Copy them: minigrad lesson zoo --copy DIR. Mend one there, then: minigrad check zoo."]
    return Table(["animal", "what it does"], rows, notes=notes)
