"""Where the time of a small layer goes, ``python -m benchmarks.layer``: a step of the MLP 56 x 32, in four ways.

From one way to the next something is left out: the modules, then the explicit forks, and at last all but the
arithmetic. All of them compute the same loss.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import minigrad as mg
from benchmarks.models import residual_mlp
from benchmarks.timing import milliseconds
from benchmarks.workloads import set_weights
from minigrad import skip
from minigrad.nn import functional as F

LAYERS, WIDTH, BATCH = 56, 32, 32


def ways() -> dict[str, Callable[[], float]]:
    """Each way to run a training step; it gives the loss."""
    rng = np.random.default_rng(0)
    model = residual_mlp(mg, LAYERS, WIDTH)
    set_weights(mg, model, rng)
    x = mg.from_numpy(rng.standard_normal((BATCH, WIDTH)).astype(np.float32))
    y = mg.from_numpy(rng.integers(0, 10, BATCH))
    *blocks, head = model
    layers = [(block.branch[0].weight, block.branch[0].bias) for block in blocks]
    optimizer = mg.optim.SGD(model.parameters(), 0.0, momentum=0.9)  # rate 0: the loss is the same at every step

    def with_forks() -> mg.Tensor:
        h = x
        for w, b in layers:
            s, branch = skip.fork(h)
            h = skip.residual_add(s, F.relu(F.linear(branch, w, b)))
        return F.linear(h, head.weight, head.bias)

    def without_forks() -> mg.Tensor:
        h = x
        for w, b in layers:
            h = h + F.relu(F.linear(h, w, b))
        return F.linear(h, head.weight, head.bias)

    def step(forward: Callable[[], mg.Tensor]) -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    def arithmetic() -> float:
        h, kept = x.array, []
        for w, b in layers:
            relu = h.dot(w.array.T)
            relu += b.array
            np.maximum(relu, 0, out=relu)
            kept.append((h, relu))
            h = h + relu
        out = h.dot(head.weight.array.T) + head.bias.array
        out -= out.max(axis=1, keepdims=True)
        probs = np.exp(out)
        probs /= probs.sum(axis=1, keepdims=True)
        rows = np.arange(BATCH)
        loss = -float(np.log(probs[rows, y.array]).mean())
        probs[rows, y.array] -= 1
        g = (probs / BATCH).dot(head.weight.array)
        for (w, _), (h, relu) in zip(reversed(layers), reversed(kept), strict=True):
            gy = g * (relu > 0)
            _ = gy.T.dot(h), gy.sum(axis=0)
            g = g + gy.dot(w.array)
        return loss

    return {
        "as in the table": lambda: step(lambda: model(x)),
        "functions in the place of modules": lambda: step(with_forks),
        "and no forks": lambda: step(without_forks),
        "arithmetic in NumPy alone": arithmetic,
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layer", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, help="(%(default)s)")
    rounds = parser.parse_args().rounds
    steps = ways()
    losses = [step() for step in steps.values() for _ in range(2)]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in track(range(rounds), description="timing", transient=True):
        for name, step in steps.items():
            times[name].append(milliseconds(step))
    table = Table(title=f"a training step of {LAYERS} layers x {WIDTH}, batch {BATCH}")
    for heading in ("", "fastest, ms", "median, ms", "us a layer"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, ms in times.items():
        best = min(ms)
        table.add_row(name, f"{best:.2f}", f"{statistics.median(ms):.2f}", f"{1e3 * best / LAYERS:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
