"""Timing a workload on minigrad and its peers, and the memory that it takes on each."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Step, Workload


def peers(smoke: bool) -> list[str]:
    """The frameworks that take part; autograd only if it is installed."""
    if smoke:
        return ["minigrad"]
    return ["minigrad", "torch", *(["autograd"] if importlib.util.find_spec("autograd") else [])]


def milliseconds(function: Callable[..., Any], *args: Any) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    function(*args)
    return 1e3 * (time.perf_counter() - start)


def time_step(step: Step, seconds: float) -> list[float]:
    """Milliseconds of each step, for about so long, and three times at least."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(milliseconds(step))
    return times


class Worker:
    """A process that times steps when it is asked.

    Attributes
    ----------
    losses
        Those of the first three steps.
    """

    def __init__(self, name: str, framework: str, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", name, framework, str(threads)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.losses: list[float] = self._answer()

    def milliseconds(self, seconds: float) -> float:
        """The median of the steps of about so many seconds, after one that isn't timed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with code {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def measure(workload: Workload, frameworks: list[str], rounds: int, seconds: float, threads: int) -> dict[str, Any]:
    """Time a workload on all frameworks in turn, each in a process of its own, after a check of their losses."""
    taking_part = [name for name in frameworks if name != "autograd" or workload.autograd]
    workers = {name: Worker(workload.name, name, threads) for name in taking_part}
    try:
        for name, worker in workers.items():
            told = f"{workload.name}: {name}"
            np.testing.assert_allclose(worker.losses, workers["minigrad"].losses, rtol=2e-3, err_msg=told)
        medians: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(rounds):
            for name, worker in workers.items():
                medians[name].append(worker.milliseconds(seconds))
    finally:
        for worker in workers.values():
            worker.close()
    losses = {name: worker.losses for name, worker in workers.items()}
    return {"name": workload.name, "target": workload.target, "losses": losses, "ms": medians}


def peak_memory(name: str, framework: str) -> dict[str, float]:
    """Peak memory in MiB of a process of its own: after the import, and after four steps of a workload (Linux only)."""
    # (getrusage would give the peak of the process that started this one, if that was higher)
    code = (
        "import re, numpy as np\n"
        "from benchmarks.workloads import WORKLOADS\n"
        f"import {framework} as fw\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]) / 1024\n"
        "imported = peak()\n"
        f"step = [w for w in WORKLOADS if w.name == {name!r}][0].make(fw, np.random.default_rng(0))\n"
        "[step() for _ in range(4)]\n"
        "print(imported, peak())\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, steps = map(float, result.stdout.split())
    return {"import": imported, "steps": steps}
