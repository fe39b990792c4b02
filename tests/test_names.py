"""No name hides a module: every dotted path that a traceback shows can be typed, in pdb too."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import minigrad


def _modules():
    for found in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def test_no_name_of_a_package_hides_one_of_its_modules():
    modules = [minigrad, *_modules()]
    hidden = [
        f"{package.__name__}.{part.name}"
        for package in modules
        for part in pkgutil.iter_modules(getattr(package, "__path__", []))
        if part.name != "__main__" and not isinstance(getattr(package, part.name), ModuleType)
    ]
    assert len(modules) > 100
    assert hidden == []
