"""What a module has to know when it is called: its path, its hooks, whether all that it runs is the package's own."""

from __future__ import annotations

from typing import Any

from minigrad.engine.source import is_ours

#: Changes whenever a submodule is registered or removed anywhere: paths that were found before may be wrong then.
version = 0


def structure_changed() -> None:
    """Note that paths may have changed."""
    global version
    version += 1


class CallRecord:
    """What the call of one module looks at. It is one object, because every layer of every step looks into it.

    Attributes
    ----------
    path, version
        Where the module stands below the outermost one that was called, or None, and at which version that was found.
    sealed
        Whether forward runs the package's own code only: then its nodes needn't look up the stack for the user's line.
    hooks
        Those around forward, by when they run; None if there never were any.
    """

    __slots__ = ("hooks", "path", "sealed", "version")

    def __init__(self, hooks: dict[str, dict[int, Any]] | None = None) -> None:
        self.path: str | None = None
        self.version = -1
        self.sealed = False
        self.hooks = hooks


def name_modules(outermost: Any) -> None:
    """Tell every module from this one down, which nobody called, its path."""
    if any(module._call_record.version == version for module in outermost.modules()):
        structure_changed()  # another model has this part too, and must name it anew before its own next call
    for path, module in outermost.named_modules():
        record = module._call_record
        record.path, record.version, record.sealed = path, version, is_sealed(module)


def is_sealed(module: Any) -> bool:
    """Whether forward, but for the modules in it, runs the package's own code only, and no function of the user's."""
    given = [value for value in vars(module).values() if callable(value) and not hasattr(value, "_call_record")]
    return module._call_record.hooks is None and all(map(is_ours, (type(module).forward, *given)))
