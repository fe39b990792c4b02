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


def _faces(module, seen):
    """The modules that a user names: this one, and those that are among its public names."""
    seen.append(module)
    for name in module.__all__:
        part = getattr(module, name)
        own = isinstance(part, ModuleType) and part.__name__ in (f"{module.__name__}.{name}", f"minigrad.{name}")
        if own and hasattr(part, "__all__") and part not in seen:
            _faces(part, seen)
    return seen


def test_the_public_face_shows_no_helpers():
    """What ``dir`` lists without an underscore is public, or a module of the package."""
    faces = _faces(minigrad, [])
    found = {
        face.__name__: [
            name
            for name in dir(face)
            if not name.startswith("_")
            and name not in face.__all__
            and getattr(getattr(face, name), "__name__", "") != f"{face.__name__}.{name}"
        ]
        for face in faces
    }
    wanted = ["", ".nn", ".nn.functional", ".nn.init", ".nn.utils", ".skip", ".autograd", ".linalg", ".optim", ".data"]
    assert {f"minigrad{name}" for name in wanted} <= found.keys()
    assert {name: helpers for name, helpers in found.items() if helpers} == {}
    missing = [f"{face.__name__}.{name}" for face in faces for name in face.__all__ if not hasattr(face, name)]
    assert missing == []
