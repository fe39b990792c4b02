"""The benchmark's command line: whole training steps, minigrad beside its peers; see ``README.md``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks import engine, inspection, report
from benchmarks.timing import measure, peak_memory, peers
from benchmarks.workloads import WORKLOADS


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="minigrad alone, one short round: does everything run?")
    parser.add_argument("--only", default="", help="only the workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=7, help="rounds through all frameworks (%(default)s)")
    parser.add_argument("--seconds", type=float, default=0.7, help="for each framework and round (%(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="also memory, start-up, cost of a node and of inspection")
    parser.add_argument("--out", type=Path, help="write results.json and ratios.png there")
    arguments = parser.parse_args()
    console = Console()
    frameworks = peers(arguments.smoke)
    chosen = [w for w in WORKLOADS if arguments.only in w.name]
    rounds, seconds = (1, 0.0) if arguments.smoke else (arguments.rounds, arguments.seconds)
    everything: dict[str, Any] = {}
    results = everything["workloads"] = [
        measure(workload, frameworks, rounds, seconds, arguments.threads)
        for workload in track(chosen, description="timing", console=console, transient=True)
    ]
    report.timings(results, console)
    if arguments.all:
        for result in track(results, description="memory", console=console, transient=True):
            result["MiB"] = {name: peak_memory(result["name"], name) for name in ("minigrad", "torch")}
        report.memory(results, console)
        everything["seconds"], everything["microseconds a node"] = engine.start_up(), engine.backward_per_node()
        report.costs(everything["seconds"], everything["microseconds a node"], console)
        inspected = {shape: inspection.inspection_cost(shape) for shape in inspection.SHAPES}
        inspection.report(inspected, console)
        everything["inspection"] = {str(shape): times for shape, times in inspected.items()}
    if arguments.out:
        report.write(everything, arguments.threads, arguments.out)
        report.chart(results, arguments.out)


if __name__ == "__main__":
    main()
