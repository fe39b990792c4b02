"""What a module has to know when it is called: its path, its hooks, whether all that it runs is the package's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minigrad.nn.hooks import CallHooks


class Naming:
    """One walk that told modules their paths, and the version of the structure (see table.py) for which it holds."""

    def __init__(self, version: int) -> None:
        self.version = version


class CallRecord:
    """What a call of one module goes by. It is one object, because every layer of every step looks into it.

    Attributes
    ----------
    path, naming
        Where the module stands below the outermost one that was called, and the walk that found it out; or None.
    sealed
        Whether forward runs the package's own code only: then its nodes needn't look up the stack for the user's.
    hooks
        Those around forward, if there ever were any.
    """

    __slots__ = ("hooks", "naming", "path", "sealed")

    def __init__(self, hooks: CallHooks | None = None) -> None:
        self.path: str | None = None
        self.naming: Naming | None = None
        self.sealed = False
        self.hooks = hooks

    def name(self, path: str, naming: Naming, sealed: bool) -> None:
        """Take down what a walk found out."""
        if self.naming is not None:
            self.naming.version = -1  # who began that walk and shares this module is to name it again
        self.path, self.naming = path, naming
        self.sealed = sealed and self.hooks is None
