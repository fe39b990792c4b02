"""A cost model of data parallel training, ``python -m benchmarks.scaling``: checked on this machine, drawn to 1,024.

Of k ranks, p (the largest power of two) sum n bytes by halving and doubling, as MPICH does (Thakur, Rabenseifner and
Gropp, 2005): 2 log2(p) messages one after the other, which carry 2 (1 - 1/p) n bytes. The k - p others hand theirs to
a neighbour first, and get the sum at the end: 2 messages and 2 n bytes more. Each message costs a latency and its
bytes' time. Where ranks share cores they take turns, and one that waits looks again and again in its turn: that makes
it ``turns * k / cores`` times as long.

A step of training is the rank's part of the batch, ``a + b * samples``, and then the sum; it is longer likewise.

Latency and bandwidth are fitted to half of the sizes on two ranks, turns to half of those on three, a and b to two
steps on one rank. All else that is printed is predicted from these five numbers, and measured beside it.
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
from typing import Any, NamedTuple

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


class Model(NamedTuple):
    """The times that are predicted: of a sum, and of a step of training."""

    latency: float
    bandwidth: float
    turns: float
    a: float
    b: float
    cores: int

    def sum(self, ranks: int, size: float) -> float:
        """Seconds of a sum over ranks."""
        number, volume = messages(ranks)
        return self._shared(ranks, number * self.latency + volume * size / self.bandwidth)

    def step(self, ranks: int, samples: float, size: float) -> float:
        """Seconds of a step, with so many samples on each rank and so many bytes of gradients."""
        return self._shared(ranks, self.a + self.b * samples) + self.sum(ranks, size)

    def _shared(self, ranks: int, alone: float) -> float:
        return alone * (self.turns * ranks / self.cores if ranks > self.cores else 1.0)


def messages(ranks: int) -> tuple[int, float]:
    """How many messages follow each other, and how many times n bytes they carry."""
    p = 2 ** int(math.log2(ranks))
    more = 2 if ranks > p else 0
    return 2 * int(math.log2(p)) + more, 2 * (1 - 1 / p) + more


def fitted(amounts: Any, times: Any) -> tuple[float, float]:
    """The a and b of ``a + b * amount``, by least squares of relative errors; neither is below 0."""
    rows = np.column_stack([np.ones(len(times)), amounts]) / np.array(times)[:, None]
    a, b = np.linalg.lstsq(rows, np.ones(len(times)), rcond=None)[0]
    return max(float(a), 1e-9), max(float(b), 1e-15)


def model_of(found: dict[int, Any], alone: dict[int, float], cores: int) -> Model:
    """The model, fitted to half of what was measured on two ranks and on three, and to two steps on one."""
    number, volume = messages(2)
    start, per_byte = fitted(SIZES[::2], found[2]["sums"][::2])
    even = Model(start / number, volume / per_byte, 1.0, *fitted(FITTED, [alone[n] for n in FITTED]), cores)
    longer = [t / even.sum(3, size) for size, t in zip(SIZES[::2], found[3]["sums"][::2], strict=True)]
    return even._replace(turns=statistics.median(longer) if cores < 3 else 1.0)


def on_this_rank(rounds: int) -> None:
    """Time sums and steps of training; rank 0 prints the medians."""
    import minigrad as mg
    import minigrad.distributed as dist
    from minigrad.nn.parallel import DistributedDataParallel

    dist.init_process_group("mpi")
    ranks = dist.get_world_size()
    sums = [_median(partial(dist.all_reduce, mg.zeros(size // 4)), rounds) for size in SIZES]
    net = residual_mlp(mg, 20, 128)
    model = DistributedDataParallel(net)
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


def chart(model: Model, size: float, folder: Path) -> Path:
    """Draw how many times as fast k ranks are, with a batch of their own each or one batch for all."""
    from minigrad.plot.style import COLOURS, figure, save

    apart = model._replace(cores=1024)
    ranks = 2 ** np.arange(11)
    one = apart.step(1, BATCH, size)
    own, divided = (
        np.array([one / apart.step(k, samples, size) for k, samples in zip(ranks, batch, strict=True)])
        for batch in (np.full(11, BATCH), BATCH / ranks)
    )
    fig, ax = figure(width=8, height=4.5)
    ax.plot(ranks, ranks, ":", color=COLOURS["neutral"], label="as many times as there are ranks")
    ax.plot(ranks, ranks * own, "o-", color=COLOURS["residual"], label="a batch for each rank")
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
    alone = {int(samples): seconds for samples, seconds in found[1]["steps"].items()}
    model = model_of(found, alone, cores)
    console = Console(width=100)
    console.print(
        f"{cores} cores; latency {1e6 * model.latency:.1f} us, bandwidth {model.bandwidth / 1e9:.2f} GB/s, turns "
        f"{model.turns:.2f}; a step {1e3 * model.a:.1f} ms + {1e6 * model.b:.1f} us a sample"
    )
    table = Table("what", "ranks", "predicted, us", "measured, us", "error", "")
    errors: dict[int, list[float]] = {k: [] for k in RANKS}
    for k in RANKS:
        for i, size in enumerate(SIZES):
            used = k < 4 and i % 2 == 0
            expected, measured = model.sum(k, size), found[k]["sums"][i]
            table.add_row(f"sum of {size:,} B", *_cells(k, expected, measured), "fitted" if used else "")
            if not used:
                errors[k].append(abs(expected / measured - 1))
    for samples in alone:
        cells = _cells(1, model.step(1, samples, 0), alone[samples])
        table.add_row(f"step, {samples} samples", *cells, "fitted" if samples in FITTED else "")
    for k in RANKS:
        expected = model.step(k, BATCH / k, found[k]["bytes"])
        table.add_row(f"step, {BATCH // k} samples", *_cells(k, expected, found[k]["steps"][str(BATCH // k)]), "")
    console.print(table)
    for k in RANKS:
        typical, most = statistics.median(errors[k]), max(errors[k])
        console.print(
            f"sums on {k} ranks: off by {typical:.0%} (median of the sizes that aren't fitted), {most:.0%} at most"
        )
    if arguments.out:
        console.print(chart(model, found[2]["bytes"], arguments.out))


def _cells(ranks: int, expected: float, measured: float) -> tuple[str, ...]:
    return str(ranks), f"{1e6 * expected:,.0f}", f"{1e6 * measured:,.0f}", f"{expected / measured - 1:+.0%}"


if __name__ == "__main__":
    main()
