"""Start a benchmark on several ranks of one thread each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from minigrad.classroom.ranks import launcher
from minigrad.distributed.library import INSTALL

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MINIGRAD_NUM_THREADS"), "1")


def on_ranks(module: str, ranks: int, *options: Any) -> Any:
    """Run a module on so many ranks, and give what it printed last, as JSON."""
    mpiexec = launcher()
    if mpiexec is None:
        raise SystemExit(f"there is no mpiexec: {INSTALL}")
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", module, *map(str, options)]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])
