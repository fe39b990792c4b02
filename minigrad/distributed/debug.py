"""The debug level: under ``DETAIL`` ranks tell each other what they wait for, so a deadlock has a message.

Below it a rank only knows that nobody answers. Under it there is a board in memory that all ranks of a machine
share: whoever waits writes there for what, and on which line. If *every* rank waits (or has left) and nothing on
the board changes, nobody can ever go on, and each says what all of them wait for.

And a ``send`` waits for its receiver, so that a mistake shows however small the tensors are: MPI puts a small message
aside and goes on, so two ranks that both send first work with 8 kB and hang with 80.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import numpy as np

from minigrad.distributed.library import DistError, load_mpi
from minigrad.distributed.work import Call

#: So many seconds nothing may change before ranks that all wait are called a deadlock.
PATIENCE = 2.0
_LINE = 1024
_LOOK_EVERY = 0.1


class DebugLevel(Enum):
    """How much ranks tell each other: ``OFF`` and ``INFO`` nothing, ``DETAIL`` what they wait for."""

    OFF = 0
    INFO = 1
    DETAIL = 2


_level = DebugLevel.OFF


def get_debug_level() -> DebugLevel:
    """The level that the next process group will have."""
    return _level


def set_debug_level(level: DebugLevel) -> None:
    """Set the level; all ranks must, before ``init_process_group``.

    Raises
    ------
    TypeError
        If it is no DebugLevel.
    """
    global _level
    if not isinstance(level, DebugLevel):
        raise TypeError(f"set_debug_level takes DebugLevel.OFF, .INFO or .DETAIL, not {level!r}")
    _level = level


def set_debug_level_from_env() -> None:
    """Set the level that the environment variable ``MINIGRAD_DISTRIBUTED_DEBUG`` names.

    Raises
    ------
    ValueError
        If it names none.
    """
    name = os.environ.get("MINIGRAD_DISTRIBUTED_DEBUG", _level.name)
    if name not in DebugLevel.__members__:
        raise ValueError(f"MINIGRAD_DISTRIBUTED_DEBUG must be OFF, INFO or DETAIL, not {name!r}")
    set_debug_level(DebugLevel[name])


class Board:
    """What is known of other ranks below ``DETAIL``: nothing."""

    detailed = False

    @contextmanager
    def waiting(self, call: Call) -> Iterator[Board]:
        """Say that this rank waits in ``call``, for as long as the block runs."""
        yield self

    def look(self, waited: float) -> None:
        """Look whether all ranks wait; ``waited`` is for how many seconds this one has."""

    def leave(self) -> None:
        """Say that this rank has left."""


class SharedBoard(Board):
    """A line for each rank, in memory that all of them see.

    Parameters
    ----------
    comm
        All ranks.

    Raises
    ------
    DistError
        If they are on several machines, which share no memory.
    """

    detailed = True

    def __init__(self, comm: Any) -> None:
        mpi = load_mpi()
        here = comm.Split_type(mpi.COMM_TYPE_SHARED)
        if here.size != comm.size:
            raise DistError("the debug level DETAIL needs all ranks on one machine")
        self._window = mpi.Win.Allocate_shared(_LINE * comm.size if comm.rank == 0 else 0, 1, comm=here)
        memory, _ = self._window.Shared_query(0)
        self._lines = np.frombuffer(memory, np.uint8).reshape(comm.size, _LINE)
        self._own = self._lines[comm.rank]
        self._rank = comm.rank
        self._seen = b""
        self._since = self._next = 0.0
        self._write("")
        comm.Barrier()

    def _write(self, text: str) -> None:
        self._own[:] = np.frombuffer(text.encode()[:_LINE].ljust(_LINE, b"\0"), np.uint8)

    def _read(self) -> list[str]:
        return [bytes(line).rstrip(b"\0").decode("utf-8", "replace") for line in self._lines]

    @contextmanager
    def waiting(self, call: Call) -> Iterator[Board]:
        """Say that this rank waits in ``call``, for as long as the block runs."""
        self._seen = b""
        self._next = 0.0
        self._write(str(call))
        try:
            yield self
        finally:
            self._write("")

    def look(self, waited: float) -> None:
        """Raise an error if all ranks have waited, and nothing has changed, for `PATIENCE` seconds.

        Raises
        ------
        DistError
            Then; it says what each waits for.
        """
        if waited < self._next:
            return
        self._next = waited + _LOOK_EVERY
        seen = self._lines.tobytes()
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
            return
        lines = self._read()
        if not all(lines) or time.monotonic() - self._since < PATIENCE:
            return
        told = "\n".join(f"    rank {rank}: {line}" for rank, line in enumerate(lines))
        raise DistError(
            f"deadlock: every rank waits for another, so none can go on. Rank {self._rank} tells where:\n{told}\n"
            "  Let one of two partners receive before it sends (or use isend), and all ranks call the same "
            "collectives in the same order"
        )

    def leave(self) -> None:
        """Say that this rank has left."""
        self._write("has left: its program ended, or it called destroy_process_group()")
