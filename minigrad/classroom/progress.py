"""What a learner has passed, and where their copies are: one small JSON file in the user's data folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minigrad.files import write_whole


def location() -> Path:
    """The file: in the folder of the environment variable ``MINIGRAD_HOME``, or where the system keeps such data."""
    chosen = os.environ.get("MINIGRAD_HOME")
    if chosen:
        return Path(chosen) / "progress.json"
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "minigrad" / "progress.json"


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def load() -> dict[str, Any]:
    """All that is known; empty where there is no file, or none that can be read."""
    try:
        return _table(json.loads(location().read_text(encoding="utf-8")))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: the user has no home
        return {}


def of_lesson(number: str) -> dict[str, Any]:
    """What is known of one lesson: ``passed``, the names of its checks, and ``copies``, the learner's files."""
    return _table(load().get(number))


def passed(number: str) -> list[str]:
    """The names of the checks that were passed, now or earlier."""
    names = of_lesson(number).get("passed")
    return [str(name) for name in names] if isinstance(names, list) else []


def copies_of(number: str) -> list[Path]:
    """The copies of a lesson's tasks that the learner has made, the last one last."""
    copies = of_lesson(number).get("copies")
    return [Path(str(copy)) for copy in copies] if isinstance(copies, list) else []


def note_passed(number: str, names: Iterable[str]) -> str | None:
    """Add checks to those passed; returns why it could not be written, or None."""
    return _note(number, "passed", list(dict.fromkeys([*passed(number), *names])))


def note_copy(number: str, path: Path) -> str | None:
    """Note where a learner's copy is; returns why it could not be written, or None."""
    copies = [str(copy) for copy in copies_of(number)]
    return _note(number, "copies", [*dict.fromkeys([*copies, str(path.resolve())])])


def _note(number: str, key: str, value: Any) -> str | None:
    """Write the file anew."""
    known = load()
    known[number] = {**_table(known.get(number)), key: value}
    try:
        target = location()
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, json.dumps(known, indent=1).encode())
    except (OSError, RuntimeError) as error:
        return f"what you passed could not be noted: {error}"
    return None
