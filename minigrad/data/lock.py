"""One process at a time: a lock that the operating system lets go of when its holder ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _release(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file for the length of a ``with`` block; wait while another process has it.

    The lock is an empty file ``.NAME.lock`` beside the file. It stays there: to remove it while a third
    process is just opening it would give two processes a lock each.

    Parameters
    ----------
    path
        The file that is to be made by one process only. It need not exist yet.

    Yields
    ------
    bool
        Whether the lock was had. It is False on the few network file systems that know no locks.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder, locked(pathlib.Path(folder, "a.gz")) as held:
    ...     print(held)
    True
    """
    with open(path.with_name(f".{path.name}.lock"), "ab") as file:
        held = _acquire(file.fileno(), path)
        try:
            yield held
        finally:
            if held:
                _release(file.fileno())


def _acquire(descriptor: int, path: Path) -> bool:
    told = False
    while True:
        try:
            _try(descriptor)
        except (BlockingIOError, PermissionError):
            # Another process has the lock: POSIX says it with the first error, Windows with the second.
            if not told:
                print(f"waiting for another process to finish {path}", file=sys.stderr)
                told = True
            time.sleep(0.1)
        except OSError:
            return False
        else:
            return True
