"""Which module is running, for the names and the places of the nodes that it makes."""

from __future__ import annotations

import threading
from typing import Any

#: No module is running.
OUTSIDE: tuple[str, Any, bool] = ("", None, False)


class Running:
    """The module that is running.

    Attributes
    ----------
    now
        Its path; the place in the user's code that called it; and whether it is sealed, that is, whether all that it
        runs is the package's own code, so that this place is that of all its nodes too.
    """

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = OUTSIDE


class _PerThread(threading.local):
    """A call of a module begins and ends in one thread. This is cheaper than a context variable, at every layer.

    It holds an object, and not the state itself, so that a call asks for its thread's own only once.
    """

    def __init__(self) -> None:
        self.module = Running()


running = _PerThread()
