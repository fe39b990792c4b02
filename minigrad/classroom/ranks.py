"""A lesson's function on several ranks: the script itself stays one process, and starts them by ``mpiexec``."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minigrad.distributed as dist
from minigrad.classroom.script import definitions
from minigrad.distributed.library import INSTALL

#: A part of a lesson that takes so many seconds hangs.
LIMIT = 60


class RanksFailed(RuntimeError):
    """The ranks ended with an error.

    Attributes
    ----------
    told
        What they said.
    """

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


def launcher() -> str | None:
    """The program ``mpiexec``: beside the interpreter, where its wheel puts it, or on the search path."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


def ranks_can_start() -> bool:
    """Whether MPI is there; if it isn't, this prints the command that installs it."""
    if dist.is_available() and launcher() is not None:
        return True
    print(f"There is no MPI here, so what runs on several ranks is left out. To install it: {INSTALL}")
    return False


def on_ranks(function: Callable[..., Any], ranks: int, *arguments: Any, detail: bool = False) -> list[Any]:
    """Run a function of a lesson on several ranks, and give what each of them returned.

    Parameters
    ----------
    function
        A function at the top level of a script; there it runs between ``init_process_group`` and
        ``destroy_process_group``. The script's other cells don't run again.
    ranks
        How many.
    arguments
        Plain values for it.
    detail
        Whether to set the debug level to ``DETAIL``.

    Returns
    -------
    list
        One value a rank.

    Raises
    ------
    RanksFailed
        If they end with an error, or not within `LIMIT` seconds.
    """
    program = launcher()
    if program is None:
        raise RanksFailed(f"there is no mpiexec: {INSTALL}")
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MINIGRAD_NUM_THREADS"), "1")
    level = {"MINIGRAD_DISTRIBUTED_DEBUG": "DETAIL"} if detail else {}
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        file, name = _script_of(function, Path(folder)), function.__name__
        command = [program, "-n", str(ranks), sys.executable, "-m", "minigrad.classroom.ranks", str(file), name]
        process = subprocess.Popen(
            [*command, str(results), json.dumps(arguments)],
            env={**os.environ, **one_thread, **level, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.terminate()  # the launcher ends its ranks
            out, err = process.communicate()
            err += f"\nthe ranks had not ended after {LIMIT} s"
        except BaseException:  # Ctrl-C
            process.terminate()
            process.wait()
            raise
        print(out, end="")
        if process.returncode:
            raise RanksFailed(err)
        found: list[Any] = pickle.loads(results.read_bytes())
        return found


def _script_of(function: Callable[..., Any], folder: Path) -> Path:
    """The script that a function stands in; in a notebook, the cells that have run so far, as a script."""
    file = Path(function.__code__.co_filename)
    if file.exists():
        return file
    cells: list[str] = sys.modules["__main__"].In
    script = folder / "cells.py"
    script.write_text("\n\n".join(cells), encoding="utf-8")
    return script


def _run_here(path: str, name: str, results: str, arguments: str) -> None:
    """What each rank does."""
    dist.init_process_group("mpi")
    every: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(every, getattr(definitions(path), name)(*json.loads(arguments)))
    if dist.get_rank() == 0:
        Path(results).write_bytes(pickle.dumps(every))
    dist.destroy_process_group()


if __name__ == "__main__":
    _run_here(*sys.argv[1:])
