"""What the tests of the lessons share: the lessons there are, and how to import one by its path."""

import importlib.util
from functools import cache
from pathlib import Path

from minigrad.classroom.catalogue import folder
from minigrad.classroom.script import definitions

LESSONS = sorted(folder().glob("[0-9][0-9]_*.py"))


@cache
def load(path):
    """Import a script under a name of its own, once."""
    path = Path(path)
    spec = importlib.util.spec_from_file_location(f"script_{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def lesson(number):
    """The definitions of the lesson of that number, as a module; none of its cells has run."""
    return definitions(next(path for path in LESSONS if path.name.startswith(number)))
