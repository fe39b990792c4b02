"""A cost model of data parallel training, ``python -m benchmarks.scaling``: checked on this machine, drawn to 1,024.

Of k ranks, p (the largest power of two) sum n bytes by halving and doubling, as MPICH does (Thakur, Rabenseifner and
Gropp, 2005): 2 log2(p) messages one after the other, which carry 2 (1 - 1/p) n bytes. The k - p others hand theirs to
a neighbour first, and get the sum at the end: 2 messages and 2 n bytes more. Each message costs a latency and its
bytes' time. The p ranks work at once; where they share cores they take turns, which makes it p / cores times as long.

A step of training is the rank's part of the batch, a + b * samples, k / cores times as long where ranks share cores;
then the sum.

Latency and bandwidth are fitted to half of the sizes on two ranks; a and b to two steps on one rank. All else that is
printed is predicted from these four numbers, and measured beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.models import residual_mlp
from benchmarks.ranks import on_ranks

#: Bytes that are summed; the model is fitted to every other size.
SIZES = [2**power for power in range(10, 25)]
#: Samples of a whole batch, and those of the two steps on one rank that the work is fitted to.
BATCH, FITTED = 480, (480, 60)
RANKS = (2, 3, 4)


def messages(ranks: int) -> tuple[int, float, int]:
    """How many messages follow each other, how many times n bytes they carry, and how many ranks work at once."""
    p = 2 ** int(math.log2(ranks))
    more = 2 if ranks > p else 0
    return 2 * int(math.log2(p)) + more, 2 * (1 - 1 / p) + more, p


def seconds(ranks: int, size: float, latency: float, bandwidth: float, cores: int) -> float:
    """The model: the time of a sum over ranks."""
    number, volume, at_once = messages(ranks)
    return (number * latency + volume * size / bandwidth) * max(1.0, at_once / cores)


def fitted(amounts: Any, times: Any) -> tuple[float, float]:
    """The a and b of ``a + b * amount``, by least squares of relative errors; neither is below 0."""
    rows = np.column_stack([np.ones(len(times)), amounts]) / np.array(times)[:, None]
    a, b = np.linalg.lstsq(rows, np.ones(len(times)), rcond=None)[0]
    return max(float(a), 1e-9), max(float(b), 1e-15)


def on_this_rank(rounds: int) -> None:
    """Time sums and steps of training; rank 0 prints the medians."""
    import minigrad as mg
    import minigrad.distributed as dist
    from minigrad.nn.parallel import DistributedDataParallel

    dist.init_process_group("mpi")
    ranks = dist.get_world_size()
    sums = [_median(partial(dist.all_reduce, mg.zeros(size // 4)), rounds) for size in SIZES]
    net = residual_mlp(mg, 20, 128)
    model = DistributedDataParallel(net) if ranks > 1 else net
    optimizer = mg.optim.SGD(net.parameters(), 1e-3)

    def step(samples: int) -> None:
        optimizer.zero_grad()
        model(mg.ones(samples, 128)).square().mean().backward()
        optimizer.step()

    batches = [BATCH // ranks] if ranks > 1 else sorted({*FITTED, *(BATCH // k for k in RANKS)})
    steps = {samples: _median(partial(step, samples), rounds) for samples in batches}
    if dist.get_rank() == 0:
        size = sum(p.array.nbytes for p in net.parameters())
        print(json.dumps({"sums": sums, "steps": steps, "bytes": size}))
    dist.destroy_process_group()


def _median(function: Any, rounds: int) -> float:
    """The median time, after a call that nobody times."""
    import minigrad.distributed as dist

    found = []
    for _ in range(rounds + 1):
        dist.barrier()
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def chart(latency: float, bandwidth: float, work: tuple[float, float], size: float, folder: Path) -> Path:
    """Draw how many times as fast k ranks are, with a batch of their own each or one batch for all."""
    from minigrad.plot.style import COLOURS, figure, save

    a, b = work
    ranks = 2 ** np.arange(11)
    sums = np.array([seconds(k, size, latency, bandwidth, cores=1024) for k in ranks])
    one = a + b * BATCH
    fig, ax = figure(width=8, height=4.5)
    ax.plot(ranks, ranks, ":", color=COLOURS["neutral"], label="as many times as there are ranks")
    ax.plot(ranks, ranks * one / (one + sums), "o-", color=COLOURS["residual"], label="a batch for each rank")
    divided = one / (a + b * BATCH / ranks + sums)
    ax.plot(ranks, divided, "s-", color=COLOURS["plain"], label="one batch, divided among all")
    ax.set(xscale="log", yscale="log", xlabel="ranks, each with a core of its own", ylabel="times the speed of one")
    ax.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1024"])
    ax.legend()
    return save(fig, folder / "scaling.png")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="sums of each size, and steps (%(default)s)")
    parser.add_argument("--out", type=Path, help="draw scaling.png there")
    parser.add_argument("--on-rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.on_rank:
        on_this_rank(arguments.rounds)
        return
    cores = os.cpu_count() or 1
    found = {k: on_ranks("benchmarks.scaling", k, "--on-rank", "--rounds", arguments.rounds) for k in (1, *RANKS)}
    number, volume, _ = messages(2)
    a, b = fitted(SIZES[::2], found[2]["sums"][::2])
    latency, bandwidth = a / number, volume / b
    alone = {int(samples): seconds for samples, seconds in found[1]["steps"].items()}
    work = fitted(FITTED, [alone[samples] for samples in FITTED])
    console = Console(width=100)
    console.print(
        f"{cores} cores; latency {1e6 * latency:.1f} us, bandwidth {bandwidth / 1e9:.2f} GB/s; "
        f"a step {1e3 * work[0]:.1f} ms + {1e6 * work[1]:.1f} us a sample"
    )
    table = Table("what", "ranks", "predicted, us", "measured, us", "error", "")
    errors: dict[int, list[float]] = {k: [] for k in RANKS}
    for k in RANKS:
        for i, size in enumerate(SIZES):
            used = k == 2 and i % 2 == 0
            expected, measured = seconds(k, size, latency, bandwidth, cores), found[k]["sums"][i]
            table.add_row(f"sum of {size:,} B", *_cells(k, expected, measured), "fitted" if used else "")
            if not used:
                errors[k].append(abs(expected / measured - 1))
    for samples in alone:
        used = samples in FITTED
        table.add_row(f"step, {samples} samples", *_cells(1, work[0] + work[1] * samples, alone[samples]),
                      "fitted" if used else "")  # fmt: skip
    for k in RANKS:
        expected = (work[0] + work[1] * BATCH / k) * max(1.0, k / cores)
        expected += seconds(k, found[k]["bytes"], latency, bandwidth, cores)
        table.add_row(f"step, {BATCH // k} samples", *_cells(k, expected, found[k]["steps"][str(BATCH // k)]), "")
    console.print(table)
    for k in RANKS:
        typical, most = statistics.median(errors[k]), max(errors[k])
        console.print(
            f"sums on {k} ranks: off by {typical:.0%} (median of the sizes that aren't fitted), {most:.0%} at most"
        )
    if arguments.out:
        console.print(chart(latency, bandwidth, work, found[2]["bytes"], arguments.out))


def _cells(ranks: int, expected: float, measured: float) -> tuple[str, ...]:
    return str(ranks), f"{1e6 * expected:,.0f}", f"{1e6 * measured:,.0f}", f"{expected / measured - 1:+.0%}"


if __name__ == "__main__":
    main()
