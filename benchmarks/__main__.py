"""The benchmark's command line: ``python -m benchmarks [--smoke] [--only NAME] [--rounds N] [--out DIR]``."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import minigrad
from benchmarks.workloads import WORKLOADS, Step, Workload


def peers(smoke: bool, threads: int) -> dict[str, Any]:
    """The frameworks by name, each with the same number of threads."""
    minigrad.set_num_threads(min(threads, minigrad.get_num_threads()))
    found: dict[str, Any] = {"minigrad": minigrad}
    if not smoke:
        import torch

        torch.set_num_threads(threads)
        found["torch"] = torch
    return found


def time_step(step: Step, seconds: float) -> list[float]:
    """Milliseconds of each step, for about so long, and three times at least."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def measure(workload: Workload, frameworks: dict[str, Any], rounds: int, seconds: float) -> dict[str, Any]:
    """Time a workload on all frameworks in turn, after a check that their losses agree."""
    steps = {name: workload.make(fw, np.random.default_rng(0)) for name, fw in frameworks.items()}
    losses = {name: [step() for _ in range(3)] for name, step in steps.items()}
    for name, found in losses.items():
        np.testing.assert_allclose(found, losses["minigrad"], rtol=2e-3, err_msg=f"{workload.name}: {name}")
    medians: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            medians[name].append(statistics.median(time_step(step, seconds)))
    return {"name": workload.name, "target": workload.target, "losses": losses, "ms": medians}


def peak_memory(name: str, framework: str) -> float:
    """Peak memory in MiB of a few steps of one workload in a process of its own, beyond the import's."""
    code = (
        "import sys, resource, numpy as np\n"
        "from benchmarks.workloads import WORKLOADS\n"
        f"import {framework} as fw\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"step = [w for w in WORKLOADS if w.name == {name!r}][0].make(fw, np.random.default_rng(0))\n"
        "[step() for _ in range(4)]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(result.stdout) / 1024


def report(results: list[dict[str, Any]], console: Console) -> None:
    """Print the table."""
    table = Table(title="milliseconds a training step: median of the rounds' medians")
    for heading in ("workload", "minigrad", "torch", "torch / minigrad", "target"):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for result in results:
        ours = statistics.median(result["ms"]["minigrad"])
        theirs = statistics.median(result["ms"]["torch"]) if "torch" in result["ms"] else None
        table.add_row(
            result["name"],
            f"{ours:.2f}",
            "-" if theirs is None else f"{theirs:.2f}",
            "-" if theirs is None else f"{theirs / ours:.2f}",
            f"{result['target']:.1f}",
        )
    console.print(table)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="minigrad alone, one short round: does everything run?")
    parser.add_argument("--only", default="", help="only the workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="rounds through all frameworks (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each framework and round (%(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true", help="peak memory too, in processes of their own")
    parser.add_argument("--out", type=Path, help="write results.json there")
    arguments = parser.parse_args()
    console = Console()
    frameworks = peers(arguments.smoke, arguments.threads)
    chosen = [w for w in WORKLOADS if arguments.only in w.name]
    rounds, seconds = (1, 0.0) if arguments.smoke else (arguments.rounds, arguments.seconds)
    results = []
    for workload in track(chosen, description="timing", console=console, transient=True):
        results.append(measure(workload, frameworks, rounds, seconds))
        if arguments.memory:
            results[-1]["MiB"] = {name: peak_memory(workload.name, name) for name in frameworks}
            console.print(workload.name, {k: f"{v:.0f} MiB" for k, v in results[-1]["MiB"].items()})
    report(results, console)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        machine = {"machine": platform.machine(), "python": platform.python_version(), "threads": arguments.threads}
        text = json.dumps({**machine, "results": results}, indent=1)
        (arguments.out / "results.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
