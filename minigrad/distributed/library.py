"""The one door to mpi4py: nothing is imported before a process group is asked for."""

from __future__ import annotations

import importlib.util
from typing import Any

INSTALL = "python -m pip install mpi4py mpich"


class DistError(RuntimeError):
    """Processes could not work together: a library is missing, a rank is late, two ranks don't agree."""


def is_available() -> bool:
    """Whether mpi4py is installed, so that ``init_process_group`` can find other processes."""
    try:
        return importlib.util.find_spec("mpi4py") is not None
    except ValueError:  # it is blocked: sys.modules has None for it
        return False


def load_mpi() -> Any:
    """Import ``mpi4py.MPI``, which starts MPI in this process.

    Raises
    ------
    DistError
        If it isn't installed, or finds no MPI on this machine.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise DistError(
            f"minigrad.distributed needs mpi4py and an MPI library. Install both with\n    {INSTALL}\n"
            f"or as an extra: python -m pip install 'minigrad[parallel]'  ({error})"
        ) from error
    return MPI
