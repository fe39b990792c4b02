"""A cost model of data parallel training, ``python -m benchmarks.scaling``: checked on this machine, drawn to 1,024.

A ring sums n bytes over k ranks by 2 (k - 1) messages of n / k bytes (Patarasuk and Yuan, 2009), each of which
costs a latency and its bytes' time: ``2 (k - 1) (latency + n / k / bandwidth)``. Ranks that share a core take
turns, which makes it k / cores times as long. Latency and bandwidth come from the times on two ranks; those on
three and four are predicted, and measured beside it. (MPI may choose another algorithm than a ring; then the
prediction is off.)
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ranks import on_ranks

#: Bytes that are summed.
SIZES = [2**power for power in (10, 14, 18, 20, 22, 24)]


def seconds(ranks: float, size: float, latency: float, bandwidth: float, cores: int) -> float:
    """The model: the time of an all-reduce."""
    return 2 * (ranks - 1) * (latency + size / ranks / bandwidth) * max(1.0, ranks / cores)


def fitted(times: list[float]) -> tuple[float, float]:
    """Latency and bandwidth from the times on two ranks, by least squares of relative errors."""
    rows = np.array([[2.0, size] for size in SIZES]) / np.array(times)[:, None]
    latency, per_byte = np.linalg.lstsq(rows, np.ones(len(times)), rcond=None)[0]
    return max(float(latency), 1e-9), 1 / max(float(per_byte), 1e-15)


def on_this_rank(rounds: int) -> None:
    """Time the sums; rank 0 prints the shortest of each size."""
    import minigrad as mg
    import minigrad.distributed as dist

    dist.init_process_group("mpi")
    best = []
    for size in SIZES:
        x = mg.zeros(size // 4)
        found = []
        for _ in range(rounds):
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(x)
            found.append(time.perf_counter() - start)
        best.append(min(found))
    if dist.get_rank() == 0:
        print(json.dumps(best))
    dist.destroy_process_group()


def chart(latency: float, bandwidth: float, work: float, size: float, folder: Path) -> Path:
    """Draw how many times as fast k ranks are, with a batch of their own each or one batch for all."""
    from minigrad.plot.style import COLOURS, figure, save

    ranks = 2 ** np.arange(11)
    sums = np.array([seconds(k, size, latency, bandwidth, cores=1024) for k in ranks])
    fig, ax = figure(width=8, height=4.5)
    ax.plot(ranks, ranks, ":", color=COLOURS["neutral"], label="as many times as there are ranks")
    ax.plot(ranks, ranks * work / (work + sums), "o-", color=COLOURS["residual"], label="a batch for each rank")
    ax.plot(ranks, work / (work / ranks + sums), "s-", color=COLOURS["plain"], label="one batch, divided among all")
    ax.set(xscale="log", yscale="log", xlabel="ranks, each with a core of its own", ylabel="times the speed of one")
    ax.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1024"])
    ax.legend()
    return save(fig, folder / "scaling.png")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="sums of each size (%(default)s)")
    parser.add_argument("--work", type=float, default=0.5, help="seconds of a step on one rank (%(default)s)")
    parser.add_argument("--bytes", type=float, default=1.1e6, help="of all gradients (%(default)s)")
    parser.add_argument("--out", type=Path, help="draw scaling.png there")
    parser.add_argument("--on-rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.on_rank:
        on_this_rank(arguments.rounds)
        return
    options = ["--on-rank", "--rounds", arguments.rounds]
    cores = os.cpu_count() or 1
    two = on_ranks("benchmarks.scaling", 2, *options)
    latency, bandwidth = fitted(two)
    console = Console()
    console.print(
        f"{cores} cores; latency {1e6 * latency:.1f} us, bandwidth {bandwidth / 1e9:.2f} GB/s, from two ranks"
    )
    table = Table("bytes", "ranks", "predicted, us", "measured, us", "ratio")
    for ranks in (2, 3, 4):
        times = two if ranks == 2 else on_ranks("benchmarks.scaling", ranks, *options)
        for size, found in zip(SIZES, times, strict=True):
            expected = seconds(ranks, size, latency, bandwidth, cores)
            cells = (f"{size:,}", str(ranks), f"{1e6 * expected:.0f}", f"{1e6 * found:.0f}", f"{found / expected:.2f}")
            table.add_row(*cells)
    console.print(table)
    if arguments.out:
        console.print(chart(latency, bandwidth, arguments.work, arguments.bytes, arguments.out))


if __name__ == "__main__":
    main()
