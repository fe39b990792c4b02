"""What inspection costs: a training step of a residual net with and without it, ``python -m benchmarks.inspection``.

All kinds of step take turns, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import minigrad
from benchmarks.models import resnet
from benchmarks.timing import milliseconds
from benchmarks.workloads import set_weights
from minigrad import inspect

#: A net of 21 convolutional blocks, and the inputs that it is timed on.
DEPTH = 44
SHAPES = ((64, 3, 16, 16), (32, 3, 32, 32))

WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "loss.backward()": lambda loss, x: loss.backward(),
    'trace(loss, keep="norms")': lambda loss, x: inspect.trace(loss, keep="norms"),
    "trace(loss)": lambda loss, x: inspect.trace(loss),
    "path_lengths(loss, wrt=x)": lambda loss, x: inspect.path_lengths(loss, wrt=x),
}


def training_step(shape: tuple[int, ...], depth: int = DEPTH) -> Callable[[Callable[[Any, Any], Any]], None]:
    """A function that runs one training step, with what it is given in the place of ``loss.backward()``."""
    rng = np.random.default_rng(0)
    model = resnet(minigrad, depth, shape[1])
    set_weights(minigrad, model, rng)
    x = minigrad.from_numpy(rng.standard_normal(shape).astype(np.float32)).requires_grad_()
    y = minigrad.from_numpy(rng.integers(0, 10, (shape[0],)))
    optimizer = minigrad.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    loss_of = minigrad.nn.CrossEntropyLoss()

    def step(backward: Callable[[Any, Any], Any]) -> None:
        optimizer.zero_grad()
        backward(loss_of(model(x), y), x)
        optimizer.step()

    return step


def inspection_cost(shape: tuple[int, ...], rounds: int = 20, depth: int = DEPTH) -> dict[str, list[float]]:
    """Milliseconds of a step with each way to run backward, round by round.

    ``path_lengths`` takes as long as many steps, so it is timed in every tenth round only.
    """
    step = training_step(shape, depth)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for backward in WAYS.values():
        step(backward)  # compiles kernels, fills caches
    for number in track(range(rounds), description=f"timing {shape}", transient=True):
        for name, backward in WAYS.items():
            if not name.startswith("path_lengths") or number % 10 == 0:
                times[name].append(milliseconds(step, backward))
    return times


def overhead(times: dict[str, list[float]], name: str) -> float:
    """What a way adds to a plain step, as a part of it: the median over the rounds, whose steps ran side by side."""
    return statistics.median(a / b for a, b in zip(times[name], times["loss.backward()"], strict=False)) - 1


def report(results: dict[tuple[int, ...], dict[str, list[float]]], console: Console) -> None:
    """Print the table."""
    table = Table(title=f"a training step of a residual net of {(DEPTH - 2) // 2} blocks")
    for heading in ("input", "backward", "fastest, ms", "median, ms", "adds"):
        table.add_column(heading, justify="left" if heading in ("input", "backward") else "right", no_wrap=True)
    for shape, times in results.items():
        for name, ms in times.items():
            extra = "" if name == "loss.backward()" else f"{100 * overhead(times, name):+.1f} %"
            size = "x".join(map(str, shape))
            table.add_row(size, name, f"{min(ms):.1f}", f"{statistics.median(ms):.1f}", extra)
        table.add_section()
    console.print(table)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inspection", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="(%(default)s)")
    rounds = parser.parse_args().rounds
    report({shape: inspection_cost(shape, rounds) for shape in SHAPES}, Console())


if __name__ == "__main__":
    main()
