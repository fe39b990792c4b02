"""One framework in a process of its own, which runs a workload when it is told to, and is idle in between.

In one process each framework would slow the other: PyTorch's waiting OpenMP threads, say, keep a core busy.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
from typing import Any

import numpy as np

from benchmarks.timing import time_step
from benchmarks.workloads import WORKLOADS, Step


def step_of(name: str, framework: str, threads: int) -> Step:
    """The training step of a workload on a framework."""
    workload = next(each for each in WORKLOADS if each.name == name)
    rng = np.random.default_rng(0)
    if framework == "autograd":
        assert workload.autograd is not None
        return workload.autograd(rng)
    module: Any = importlib.import_module(framework)
    module.set_num_threads(threads)
    return workload.make(module, rng)


def main(name: str, framework: str, threads: str) -> None:
    """Answer with the first losses, and then, for each line with seconds, with the median step's milliseconds."""
    step = step_of(name, framework, int(threads))
    print(json.dumps([float(step()) for _ in range(3)]), flush=True)
    for line in sys.stdin:
        step()
        print(json.dumps(statistics.median(time_step(step, float(line)))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
