"""Data parallel training, ``python -m benchmarks.parallel``: two ranks of one thread against one process of one thread.

Beside minigrad runs PyTorch's DistributedDataParallel on gloo, in turn, in the same processes. A batch is divided among
the ranks, so what is aimed at is half the time of a step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.models import gpt, resnet
from benchmarks.ranks import on_ranks
from benchmarks.workloads import Step, as_tensor, set_weights

#: For each workload, how many times as fast two ranks are aimed to be.
WORKLOADS = {"ResNet-20 3x32x32, b128": 1.7, "GPT 6 x 128, b16 x 64": 1.6}


def step_of(fw: Any, workload: str, rank: int, ranks: int, wrap: Any) -> Step:
    """One training step on this rank's part of the batch."""
    rng = np.random.default_rng(0)
    if workload.startswith("ResNet"):
        model = resnet(fw, 20, 3)
        x, y = rng.standard_normal((128, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, 128)
    else:
        model = gpt(fw, 6, 128)
        x, y = rng.integers(0, 64, (16, 64)), rng.integers(0, 64, (16, 64))
    set_weights(fw, model, rng)
    size = len(x) // ranks
    mine = slice(rank * size, (rank + 1) * size)
    inputs, targets = as_tensor(fw, x[mine]), as_tensor(fw, y[mine].reshape(-1))
    model = wrap(model) if ranks > 1 else model
    optimizer = fw.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

    def step() -> float:
        optimizer.zero_grad()
        loss = fw.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def on_this_rank(workload: str, rounds: int, smoke: bool) -> None:
    """Time the steps of both frameworks in turn, and let rank 0 print the medians."""
    import minigrad as mg
    import minigrad.distributed as dist
    from minigrad.nn.parallel import DistributedDataParallel

    dist.init_process_group("mpi")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    steps = {"minigrad": step_of(mg, workload, rank, ranks, DistributedDataParallel)}
    if not smoke:
        steps["torch"] = _torch_step(workload, rank, ranks)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            dist.barrier()
            start = time.perf_counter()
            step()
            if turn:  # (the first compiles, and reserves memory)
                times[name].append(time.perf_counter() - start)
    if rank == 0:
        print(json.dumps({name: 1e3 * statistics.median(found) for name, found in times.items()}))
    dist.destroy_process_group()


def _torch_step(workload: str, rank: int, ranks: int) -> Step:
    import torch

    torch.set_num_threads(1)
    if ranks > 1:
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29581", "RANK": str(rank), "WORLD_SIZE": str(ranks)}
        os.environ.update(address)
        torch.distributed.init_process_group("gloo")
    return step_of(torch, workload, rank, ranks, torch.nn.parallel.DistributedDataParallel)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="steps that are timed (%(default)s)")
    parser.add_argument("--smoke", action="store_true", help="minigrad alone, one step: does it run?")
    parser.add_argument("--on-rank", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    rounds = 1 if arguments.smoke else arguments.rounds
    if arguments.on_rank:
        on_this_rank(arguments.on_rank, rounds, arguments.smoke)
        return
    table = Table("workload", "framework", "1 rank, ms", "2 ranks, ms", "times as fast", "aimed at")
    for workload, aim in WORKLOADS.items():
        options = ["--on-rank", workload, "--rounds", rounds, *(["--smoke"] if arguments.smoke else [])]
        one, two = (on_ranks("benchmarks.parallel", ranks, *options) for ranks in (1, 2))
        for name in one:
            table.add_row(
                workload, name, f"{one[name]:.1f}", f"{two[name]:.1f}", f"{one[name] / two[name]:.2f}", f"{aim}"
            )
    Console().print(table)


if __name__ == "__main__":
    main()
