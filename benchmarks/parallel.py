"""Data parallel training, ``python -m benchmarks.parallel``: two ranks of one thread against one process of one thread.

Three ways take turns in the same two processes, so that what the machine does to one it does to all: one process has
the whole batch, and the other waits; *side by side*, each has its half and nothing is exchanged, which is the most that
this machine's cores and memory give; two ranks, each with its half and DistributedDataParallel. PyTorch's, on gloo,
takes its turns there too.
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
WAYS = ("one process", "side by side", "two ranks")


def step_of(fw: Any, workload: str, part: slice, wrap: Any = None) -> Step:
    """One training step on a part of the batch: ``slice(0, 2)`` is both halves."""
    rng = np.random.default_rng(0)
    if workload.startswith("ResNet"):
        model = resnet(fw, 20, 3)
        x, y = rng.standard_normal((128, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, 128)
    else:
        model = gpt(fw, 6, 128)
        x, y = rng.integers(0, 64, (16, 64)), rng.integers(0, 64, (16, 64))
    set_weights(fw, model, rng)
    mine = slice(part.start * len(x) // 2, part.stop * len(x) // 2)
    inputs, targets = as_tensor(fw, x[mine]), as_tensor(fw, y[mine].reshape(-1))
    model = model if wrap is None else wrap(model)
    optimizer = fw.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

    def step() -> float:
        optimizer.zero_grad()
        loss = fw.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def on_this_rank(workload: str, rounds: int, smoke: bool) -> None:
    """Time the steps of both frameworks in turn; rank 0 prints for each way the time of the slower rank, each round."""
    import minigrad as mg
    import minigrad.distributed as dist

    dist.init_process_group("mpi")
    rank = dist.get_rank()
    half = slice(rank, rank + 1)
    steps: dict[tuple[str, str], Step] = {}
    for name, fw, wrap in [
        ("minigrad", mg, mg.nn.parallel.DistributedDataParallel),
        *([] if smoke else [_torch(rank)]),
    ]:
        steps[name, WAYS[0]] = step_of(fw, workload, slice(0, 2))
        steps[name, WAYS[1]] = step_of(fw, workload, half)
        steps[name, WAYS[2]] = step_of(fw, workload, half, wrap)
    times: dict[str, list[float]] = {f"{name}, {way}": [] for name, way in steps}
    for turn in range(rounds + 2):
        for (name, way), step in steps.items():
            dist.barrier()
            start = time.perf_counter()
            if way != WAYS[0] or turn % 2 == rank:  # (the cores may differ: each has its turn with the whole batch)
                step()
            if turn > 1:  # (the first on each rank compiles, and reserves memory)
                times[f"{name}, {way}"].append(time.perf_counter() - start)
    every: list[Any] = [None, None]
    dist.all_gather_object(every, times)
    if rank == 0:
        print(
            json.dumps({key: [max(pair) for pair in zip(*(one[key] for one in every), strict=True)] for key in times})
        )
    dist.destroy_process_group()


def _torch(rank: int) -> tuple[str, Any, Any]:
    import torch

    torch.set_num_threads(1)
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29581", "RANK": str(rank), "WORLD_SIZE": "2"})
    torch.distributed.init_process_group("gloo")
    return "torch", torch, torch.nn.parallel.DistributedDataParallel


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="steps of each kind that are timed (%(default)s)")
    parser.add_argument("--smoke", action="store_true", help="minigrad alone, two steps: does it run?")
    parser.add_argument("--on-rank", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    rounds = 2 if arguments.smoke else arguments.rounds
    if arguments.on_rank:
        on_this_rank(arguments.on_rank, rounds, arguments.smoke)
        return
    table = Table("workload", "framework", *(f"{way}, ms" for way in WAYS), "times as fast", "at most", "aimed at")
    for workload, aim in WORKLOADS.items():
        options = ["--on-rank", workload, "--rounds", rounds, *(["--smoke"] if arguments.smoke else [])]
        times = on_ranks("benchmarks.parallel", 2, *options)
        for name in dict.fromkeys(key.partition(",")[0] for key in times):
            whole, apart, together = (times[f"{name}, {way}"] for way in WAYS)
            cells = [f"{1e3 * statistics.median(found):.1f}" for found in (whole, apart, together)]
            table.add_row(workload, name, *cells, _faster(whole, together), _faster(whole, apart), f"{aim}")
    Console(width=120).print(table)


def _faster(one: list[float], other: list[float]) -> str:
    """The median over the rounds of how many times as long one took."""
    return f"{statistics.median(a / b for a, b in zip(one, other, strict=True)):.2f}"


if __name__ == "__main__":
    main()
