"""A transfer that was started: it runs while this rank computes, until someone waits for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from minigrad.distributed.library import DistError
from minigrad.engine.source import Place, source_line, user_place

# A rank that waits looks again at once for so many seconds, and lets others have the core in between; then it pauses.
_BUSY, _PAUSE = 0.002, 0.0002
_give_way = getattr(os, "sched_yield", lambda: time.sleep(0))


class Call(NamedTuple):
    """A call that all ranks of a group make together, or that two of them do: what is said of it, and where it stands.

    Attributes
    ----------
    text
        The function and what it was given, as in ``all_reduce(SUM, (3,) float32)``.
    place
        The user's line.
    """

    text: str
    place: Place | None

    def __str__(self) -> str:
        return f"{self.text}\n      at {source_line(self.place)}"


def call_of(text: str) -> Call:
    """A call that the user's line, which is running now, makes."""
    return Call(text, user_place())


def check_timeout(what: str, timeout: Any) -> None:
    """Raise an error for what is no time.

    Raises
    ------
    TypeError
        Then.
    """
    if timeout is not None and not isinstance(timeout, timedelta):
        raise TypeError(f"{what}: timeout must be a datetime.timedelta, as in timedelta(seconds=60), not {timeout!r}")


class Work:
    """One transfer: begun by ``start()``, as ``async_op=True`` and ``isend`` give it, or else by ``wait()``.

    Its tensors must not be touched before ``wait()`` has returned.

    Parameters
    ----------
    group
        The processes that take part.
    call
        Who asked for it.
    begin
        Begins it, and gives MPI's handle.
    finish
        What is done once with what has arrived.
    agreement
        Whether all ranks are about to do the same. What ``wait()`` begins, it begins when that is known.
    """

    def __init__(
        self,
        group: Any,
        call: Call,
        begin: Callable[[], Any],
        finish: Callable[[], None] | None = None,
        agreement: Any = None,
    ) -> None:
        self._group = group
        self._call = call
        self._begin = begin
        self._request: Any = None
        self._finish = finish
        self._agreement = agreement
        self._done = False

    def start(self) -> Work:
        """Begin, if it has not begun."""
        if self._request is None:
            self._group.under_way[id(self)] = self  # MPI writes into its memory, whether or not the user keeps it
            self._request = self._begin()
        return self

    def is_completed(self) -> bool:
        """Look whether it has ended; this also lets MPI move on what is under way."""
        if not self._done and self._test():
            self._done = True
            self._group.under_way.pop(id(self), None)
            if self._finish is not None:
                self._finish()
        return self._done

    def _test(self) -> bool:
        if self._agreement is not None and not self._agreement.reached():
            return False
        self.start()
        try:
            return self._arrived()
        except Exception as error:  # mpi4py's own kind, which can't be named where it may be missing
            self._group.under_way.pop(id(self), None)
            raise DistError(f"rank {self._group.rank()}: {self._call}\n  {self._refused(error)}") from error

    def _arrived(self) -> bool:
        """Whether MPI has done its part."""
        return bool(self._request.Test())

    def _refused(self, error: Exception) -> str:
        """MPI's own words, as one line."""
        return "MPI says: " + " ".join(str(error).split())

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait until it has ended.

        Parameters
        ----------
        timeout
            The longest to wait; by default the group's.

        Returns
        -------
        bool
            True.

        Raises
        ------
        DistError
            If that takes longer, or if MPI refuses the transfer; under the debug level ``DETAIL`` also if all ranks
            wait for each other.
        """
        check_timeout("wait", timeout)
        if self.is_completed():
            return True
        limit = (self._group.timeout if timeout is None else timeout).total_seconds()
        start = time.perf_counter()
        with self._group.board.waiting(self._call) as board:
            while not self.is_completed():
                _give_way()
                waited = time.perf_counter() - start
                if waited > _BUSY:
                    time.sleep(_PAUSE)
                    board.look(waited)
                if waited > limit:
                    raise DistError(
                        f"rank {self._group.rank()} of {self._group.size()} has waited {limit:g} s for the others: "
                        f"{self._call}\n  Do all ranks come here, and in this order? The environment variable "
                        "MINIGRAD_DISTRIBUTED_DEBUG=DETAIL shows where each of them waits"
                    )
        return True
