"""Timing a workload on minigrad and its peers, and the memory that it takes on each."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad
from benchmarks.workloads import Step, Workload


def peers(smoke: bool, threads: int) -> dict[str, Any]:
    """The frameworks by name, each with the same number of threads; autograd only if it is installed."""
    minigrad.set_num_threads(min(threads, minigrad.get_num_threads()))
    found: dict[str, Any] = {"minigrad": minigrad}
    if not smoke:
        import torch

        torch.set_num_threads(threads)
        found["torch"] = torch
        if importlib.util.find_spec("autograd"):
            found["autograd"] = None  # its steps are written without a framework
    return found


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


def measure(workload: Workload, frameworks: dict[str, Any], rounds: int, seconds: float) -> dict[str, Any]:
    """Time a workload on all frameworks in turn, after a check that their losses agree.

    A turn begins with a step that isn't timed, for caches and threads that the other one left in their state.
    """
    steps = {}
    for name, framework in frameworks.items():
        rng = np.random.default_rng(0)
        if name != "autograd":
            steps[name] = workload.make(framework, rng)
        elif workload.autograd:
            steps[name] = workload.autograd(rng)
    losses = {name: [step() for _ in range(3)] for name, step in steps.items()}
    for name, found in losses.items():
        np.testing.assert_allclose(found, losses["minigrad"], rtol=2e-3, err_msg=f"{workload.name}: {name}")
    medians: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step()
            medians[name].append(statistics.median(time_step(step, seconds)))
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
