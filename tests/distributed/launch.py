"""Start ranks from a test: each file of ``programs`` is a program for ``mpiexec``, with a limit that ends a hang."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
LIMIT = 120  # seconds; the ranks need few


def mpiexec():
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or mpiexec() is None,
    reason="mpi4py is not installed: python -m pip install mpi4py mpich",
)


def run(program, *args, ranks, limit=LIMIT, env=None):
    """Run ``programs/PROGRAM.py`` on some ranks of one thread, and give what came of it; a hang is a failure."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MINIGRAD_NUM_THREADS"), "1")
    command = [mpiexec(), "-n", str(ranks), sys.executable, str(PROGRAMS / f"{program}.py"), *map(str, args)]
    path = os.pathsep.join(p for p in (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")) if p)
    process = subprocess.Popen(
        command,
        env={**os.environ, **one, "PYTHONPATH": path, "MPLBACKEND": "Agg", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.terminate()  # (the launcher ends its ranks)
        out, err = process.communicate()
        pytest.fail(f"{program} on {ranks} ranks still ran after {limit} s\n{out}\n{err}")
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def passes(program, *args, ranks, env=None):
    """Run a program whose own assertions must hold on every rank, and give what it printed."""
    done = run(program, *args, ranks=ranks, env=env)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
