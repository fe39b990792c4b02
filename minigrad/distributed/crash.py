"""An exception on one rank ends the job: without this the other ranks would wait for it for ever."""

from __future__ import annotations

import atexit
import sys
import time
import traceback
from types import TracebackType
from typing import Any

from minigrad.distributed.library import load_mpi


class CrashGuard:
    """While a process group is there: an exception that nobody catches, and a rank that just ends, end the whole job.

    Parameters
    ----------
    comm
        All ranks.
    patience
        For how many seconds a rank whose program has ended without ``destroy_process_group`` waits for the others.
    """

    def __init__(self, comm: Any, patience: float) -> None:
        self._comm = comm
        self._patience = patience
        self._before = sys.excepthook
        sys.excepthook = self._tell_and_abort
        atexit.register(self._leave)

    def remove(self) -> None:
        """Let exceptions end this process alone again."""
        if sys.excepthook == self._tell_and_abort:
            sys.excepthook = self._before
        atexit.unregister(self._leave)

    def _tell_and_abort(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        told = "".join(traceback.format_exception(kind, error, where))
        _abort(f"rank {self._comm.rank} of {self._comm.size} ends the job, because of this:\n{told}")

    def _leave(self) -> None:
        """The program has ended: wait for the others' end, which MPI itself would wait for without a limit."""
        everyone = self._comm.Ibarrier()
        limit = time.monotonic() + self._patience
        while not everyone.Test():
            if time.monotonic() > limit:
                _abort(
                    f"rank {self._comm.rank} of {self._comm.size} has ended, and waited {self._patience:g} s for the "
                    "others, which still work or wait for it: it ends the job\n"
                )
            time.sleep(0.002)


def _abort(told: str) -> None:
    """Say why, and end all ranks."""
    sys.stdout.flush()
    sys.stderr.write(told)
    sys.stderr.flush()
    time.sleep(0.5)  # the launcher passes on what it has read by then, and nothing that comes with the end
    load_mpi().COMM_WORLD.Abort(1)
