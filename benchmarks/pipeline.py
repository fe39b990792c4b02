"""The bubble of a pipeline, measured beside its formula: ``python -m benchmarks.pipeline``.

Each stage sleeps for the time of a forward, and for twice that in backward: so the work of the stages is equal, and no
rank needs a core of its own. Messages are real. What is kept is counted in micro-batches.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from rich.console import Console
from rich.table import Table

import minigrad as mg
import minigrad.distributed as dist
from benchmarks.ranks import on_ranks
from minigrad import nn
from minigrad.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe, bubble, gather_timeline
from minigrad.engine import Node

SCHEDULES = {"GPipe": ScheduleGPipe, "1F1B": Schedule1F1B}
CASES = [(2, 4), (2, 8), (3, 6), (4, 4), (4, 8), (4, 16)]


class Pause(Node):
    """The identity, which takes its time. Backward: ``gx = gy``, in twice the time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def forward(self, x: Any) -> Any:
        """Sleep."""
        time.sleep(self.seconds)
        return x.copy()

    def backward(self, gy: Any) -> Any:
        """Sleep twice as long."""
        time.sleep(2 * self.seconds)
        return gy


class Sleeper(nn.Module):
    """A stage that only takes time, and has one number to learn."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.factor = nn.Parameter(mg.ones(1))

    def forward(self, x: Any) -> Any:
        """Multiply, and pause."""
        return Pause(self.seconds)(x * self.factor)


def on_this_rank(seconds: float) -> None:
    """Run every schedule; rank 0 prints the bubble and what each stage kept."""
    dist.init_process_group("mpi")
    rank, stages = dist.get_rank(), dist.get_world_size()
    found = []
    for name, schedule_class in SCHEDULES.items():
        for k, microbatches in CASES:
            if k != stages:
                continue
            stage = PipelineStage(Sleeper(seconds), rank, stages)
            schedule = schedule_class(stage, microbatches, lambda y, t: (y - t).square().mean())
            x = mg.ones(microbatches, 1000)
            for _ in range(2):  # (the first loads kernels)
                dist.barrier()
                schedule.step(*([x] if rank == 0 else []), target=x if rank == stages - 1 else None)
            kept: list[Any] = [None] * stages
            dist.all_gather_object(kept, stage.most_kept)
            found.append((name, k, microbatches, bubble(gather_timeline(schedule.events)), kept))
    if rank == 0:
        print(json.dumps(found))
    dist.destroy_process_group()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.03, help="of a forward (%(default)s)")
    parser.add_argument("--on-rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.on_rank:
        on_this_rank(arguments.seconds)
        return
    table = Table("schedule", "stages", "micro-batches", "bubble", "formula", "kept by each stage")
    for stages in (2, 3, 4):
        measured = on_ranks("benchmarks.pipeline", stages, "--on-rank", "--seconds", arguments.seconds)
        for name, k, m, share, kept in measured:
            formula = (k - 1) / (m + k - 1)
            table.add_row(name, str(k), str(m), f"{share:.1%}", f"{formula:.1%}", ", ".join(map(str, kept)))
    Console().print(table)


if __name__ == "__main__":
    main()
