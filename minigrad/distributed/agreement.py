"""Do all ranks do the same? Before a collective they compare a number for what each is about to do.

Other collectives, another order, another shape or dtype would hang, or sum one rank's floats as another's integers.
Where the numbers differ, every rank notices, and then they tell each other what they do, and on which line.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np

from minigrad.distributed.library import DistError, load_mpi
from minigrad.distributed.work import Call, Work

_LENGTH = 1024


class Agreement:
    """One comparison, which goes on while a rank does something else.

    Parameters
    ----------
    group
        The ranks; all must make their agreements in the same order.
    call
        What this rank is about to do.
    """

    def __init__(self, group: Any, call: Call) -> None:
        self._group, self._call = group, call
        self._error: DistError | None = None
        self._request: Any = None
        if group.size() > 1:
            number = crc32(call.text.encode())
            self._ends = np.array([number, -number])
            mpi = load_mpi()
            self._request = group.talk.Iallreduce(mpi.IN_PLACE, self._ends, mpi.MAX)

    def reached(self) -> bool:
        """Whether all ranks have said what they are about to do.

        Raises
        ------
        DistError
            If that isn't the same; it says who does what, and where.
        """
        if self._error is not None:
            raise self._error
        if self._request is not None and self._request.Test():
            self._request = None
            if self._ends.sum():  # the largest number and, negative, the smallest
                self._error = DistError(
                    "the ranks don't do the same: each must call the same collectives in the same order, on tensors "
                    f"of one shape and dtype\n{self._told()}"
                )
                raise self._error
        return self._request is None

    def _told(self) -> str:
        """What all ranks are about to do."""
        mine = np.frombuffer(str(self._call).encode()[:_LENGTH].ljust(_LENGTH, b"\0"), np.uint8)
        every = np.empty((self._group.size(), _LENGTH), np.uint8)
        Work(self._group, self._call, lambda: self._group.talk.Iallgather(mine, every)).wait()
        told = [bytes(line).rstrip(b"\0").decode("utf-8", "replace") for line in every]
        return "\n".join(f"    rank {rank}: {text}" for rank, text in zip(self._group.ranks, told, strict=True))
