"""What minigrad costs beside the arithmetic: its import, the first step, and each node of a backward pass."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import minigrad

_FIRST_STEP = """
import time
start = time.perf_counter()
import numpy as np, minigrad
from benchmarks.workloads import WORKLOADS
[w for w in WORKLOADS if w.name == "ResNet-20 digits, b64"][0].make(minigrad, np.random.default_rng(0))()
print(time.perf_counter() - start)
"""


def _seconds(code: str, **environment: str) -> float:
    """Run code that prints seconds, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return float(result.stdout.split()[-1])


def start_up() -> dict[str, float]:
    """Seconds of the import, the first step of ResNet-20 on digits, and the demo: cold, and with kernels cached."""
    import_time = "import time; s = time.perf_counter(); import minigrad; print(time.perf_counter() - s)"
    found = {"import": statistics.median(_seconds(import_time) for _ in range(5))}
    with tempfile.TemporaryDirectory() as folder:
        cache = str(Path(folder) / "kernels")
        found["first step, cold"] = _seconds(_FIRST_STEP, NUMBA_CACHE_DIR=cache)
        found["first step, warm"] = _seconds(_FIRST_STEP, NUMBA_CACHE_DIR=cache)
        demo = [sys.executable, "-m", "minigrad", "demo", "--out", str(Path(folder) / "demo.png")]
        for name in ("demo, cold", "demo, warm"):
            start = time.perf_counter()
            variables = {**os.environ, "NUMBA_CACHE_DIR": str(Path(folder) / "demo"), "MPLBACKEND": "Agg"}
            subprocess.run(demo, capture_output=True, check=True, env=variables)
            found[name] = time.perf_counter() - start
    return found


def backward_per_node(lengths: tuple[int, ...] = (1_000, 10_000, 100_000), rounds: int = 7) -> dict[int, float]:
    """Microseconds of a backward pass for each node of a chain of negations of 8 numbers."""
    found = {}
    x = minigrad.ones(8, requires_grad=True)
    for length in lengths:
        times = []
        for _ in range(rounds):
            y = x
            for _ in range(length):
                y = -y
            loss = y.sum()
            start = time.perf_counter()
            loss.backward()
            times.append(1e6 * (time.perf_counter() - start) / length)
        found[length] = statistics.median(times)
    return found
