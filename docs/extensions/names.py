"""Which public names there are, and which of them a page of the reference lists. Needs no Sphinx."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

LISTED = re.compile(r"^\.\. names:: (\S+)\n(?:   :.*\n)*\n((?:   .*\n|\n)+)", re.M)
#: Where a thing is described in full that is public in several modules: in the first of these that has it.
HOMES = ("minigrad.nn.functional", "minigrad", "minigrad.nn", "minigrad.data")
MODULE = re.compile(r"^\.\. automodule:: (\S+)", re.M)


def public(package: str) -> list[str]:
    """The public names of a module, less the modules among them: its ``__all__``, else what is defined in it."""
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None)
    if names is None:
        things = {n: thing for n, thing in vars(module).items() if n[0] != "_" and home(thing) == package}
        names = [n for n, thing in things.items() if inspect.isclass(thing) or inspect.isroutine(thing)]
    return [name for name in names if not isinstance(getattr(module, name), ModuleType)]


def rooms(package: str) -> list[str]:
    """The modules among the public names of a module."""
    module = importlib.import_module(package)
    things = [getattr(module, name) for name in getattr(module, "__all__", ())]
    return [thing.__name__ for thing in things if isinstance(thing, ModuleType)]


def told(package: str, name: str) -> tuple[str, str]:
    """The package and the name under which a thing with several public names is described in full."""
    thing = getattr(importlib.import_module(package), name)
    own = getattr(thing, "__name__", name)
    for place, called in [*((home, own) for home in HOMES), (package, own)]:
        if called in public(place) and getattr(importlib.import_module(place), called) is thing:
            return place, called
    return package, name


def home(thing: Any) -> str:
    """The module in which something is defined."""
    return str(getattr(thing, "__module__", ""))


def chosen(package: str, words: str) -> list[str]:
    """The names of a package that ``words`` choose: each word is a name, or a module below minigrad for all it defines.

    Raises
    ------
    ValueError
        For a word that chooses nothing.
    """
    module = importlib.import_module(package)
    names = public(package)
    found: list[str] = []
    for word in words.split():
        here = [word] if word in names else [n for n in names if home(getattr(module, n)) == f"minigrad.{word}"]
        if not here:
            raise ValueError(f"{word}: neither a public name of {package} nor a module that defines one")
        found += here
    return list(dict.fromkeys(found))


def listed(folder: Path) -> dict[str, list[str]]:
    """By package, the names that the pages of a folder list."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.rst")):
        for package, words in LISTED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(package, []).extend(chosen(package, words))
    return found


def described(folder: Path) -> set[str]:
    """The modules that the pages of a folder describe."""
    return {name for path in folder.glob("*.rst") for name in MODULE.findall(path.read_text(encoding="utf-8"))}
