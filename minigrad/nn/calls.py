"""What a module has to know when it is called: its path, its hooks, whether all that it runs is the package's own."""

from __future__ import annotations

from typing import Any

from minigrad.engine.source import is_ours
from minigrad.nn.table import structure_version


class Naming:
    """One walk that told modules their paths; it holds until the structure changes, or another walk renames one."""

    def __init__(self) -> None:
        self._version: int | None = structure_version()

    def holds(self) -> bool:
        """Whether the paths that this walk gave are right still."""
        return self._version == structure_version()

    def end(self) -> None:
        """A module that this walk named has another name now: whoever shares it has to walk again."""
        self._version = None


class CallRecord:
    """What the call of one module looks at. It is one object, because every layer of every step looks into it.

    Attributes
    ----------
    path, naming
        Where the module stands below the outermost one that was called, and the walk that found it out; or None.
    sealed
        Whether forward runs the package's own code only: then its nodes needn't look up the stack for the user's line.
    hooks
        Those around forward, if there ever were any.
    """

    __slots__ = ("hooks", "naming", "path", "sealed")

    def __init__(self, hooks: Any = None) -> None:
        self.path: str | None = None
        self.naming: Naming | None = None
        self.sealed = False
        self.hooks = hooks


def name_modules(outermost: Any) -> None:
    """Tell every module from this one down, which nobody called, its path."""
    naming = Naming()
    for path, module in outermost.named_modules():
        record = module._call_record
        if record.naming is not None:
            record.naming.end()
        record.path, record.naming, record.sealed = path, naming, is_sealed(module)


def is_sealed(module: Any) -> bool:
    """Whether forward, but for the modules in it, runs the package's own code only."""
    if not is_ours(type(module).forward) or "forward" in module.__dict__ or module._call_record.hooks is not None:
        return False
    return all(hasattr(called, "_call_record") or is_ours(called) for called in module._calls())
