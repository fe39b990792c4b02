"""``minigrad demo``: a plain net and its residual twin, on real digits, in a few seconds.

Both nets have the same layers, the same number of parameters and the same first values; the one
difference is a skip connection around every two layers. The demo measures the gradient of the loss
with respect to what each layer hands on, before and after training.
"""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress

import minigrad.nn.functional as F
from minigrad import nn, optim, skip
from minigrad.data import DataLoader, TensorDataset, digits
from minigrad.engine import no_grad
from minigrad.inspect.say.table import Table, line_width
from minigrad.random import Generator, manual_seed
from minigrad.tensors.tensor import Tensor

WIDTH = 48
BLOCKS = 20
EPOCHS = 12
BATCH = 64
LEARNING_RATE = 0.1
MOMENTUM = 0.9


class DeepNet(nn.Module):
    """A stem, blocks of two layers each, and a head; with or without skips around the blocks.

    Parameters
    ----------
    residual
        Whether each block is ``x + scale * F(x)``, or plainly ``relu(F(x))``.
    blocks, width
        How many blocks, and how wide.

    Notes
    -----
    There is no norm layer. The scale is ``blocks ** -0.5``, which keeps the gradient of a deep residual
    net from growing (docs: E5 and E8 of the lessons).
    """

    def __init__(self, residual: bool, blocks: int = BLOCKS, width: int = WIDTH) -> None:
        super().__init__()
        self.residual = residual
        self.scale = blocks**-0.5
        self.stem = nn.Linear(64, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(blocks)
        )
        self.head = nn.Linear(width, 10)
        self.activations: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Classify images of shape (N, 64); what each block hands on is kept in ``activations``."""
        h = F.relu(self.stem(x))
        self.activations = [h]
        for block in self.blocks:
            if self.residual:
                s, b = skip.fork(h)
                h = skip.residual_add(s, self.scale * block(b))
            else:
                h = F.relu(block(h))
            self.activations.append(h)
        logits: Tensor = self.head(h)
        self.activations.append(logits)
        return logits

    @property
    def layers(self) -> list[int]:
        """The number of the layer that hands on each activation, counted from 1."""
        return [1, *(3 + 2 * i for i in range(len(self.blocks))), 2 + 2 * len(self.blocks)]


@dataclass
class Result:
    """What one net did."""

    name: str
    layers: list[int]
    before: list[float]
    after: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracy: float = 0.0
    seconds: float = 0.0


def gradient_norms(net: DeepNet, images: Tensor, labels: Tensor) -> list[float]:
    """The norm of the loss's gradient with respect to what each layer hands on."""
    F.cross_entropy(net(images), labels).backward()
    norms = [float(np.linalg.norm(h.grad.array)) if h.grad is not None else float("nan") for h in net.activations]
    net.zero_grad()
    return norms


def accuracy(net: DeepNet, images: Tensor, labels: Tensor) -> float:
    """The share of images that are classified rightly."""
    with no_grad():
        return float((net(images).argmax(1) == labels).float().mean().item())


def train(name: str, residual: bool, progress: Progress, epochs: int = EPOCHS, seed: int = 0) -> Result:
    """Train one of the two nets.

    Parameters
    ----------
    name
        What it is called in the table.
    residual
        Which of the two.
    progress
        The bar to move on.
    epochs, seed
        How long, and from which random values.
    """
    manual_seed(seed)
    net = DeepNet(residual)
    images, labels = digits("train", flatten=True)
    test_images, test_labels = digits("test", flatten=True)
    probe = images[:256], labels[:256]
    result = Result(name, net.layers, before=gradient_norms(net, *probe))
    batches: DataLoader[tuple[Tensor, ...]] = DataLoader(
        TensorDataset(images, labels), BATCH, shuffle=True, drop_last=True, generator=Generator().manual_seed(seed)
    )
    optimizer = optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    task = progress.add_task(f"{name:>8}", total=epochs)
    start = time.perf_counter()
    for _ in range(epochs):
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            result.losses.append(loss.item())
        progress.advance(task)
    result.seconds = time.perf_counter() - start
    result.after = gradient_norms(net, *probe)
    result.accuracy = accuracy(net, test_images, test_labels)
    return result


def table(plain: Result, residual: Result) -> Table:
    """The norms of both nets side by side, a row a layer."""
    columns = (plain.before, residual.before, plain.after, residual.after)
    rows = [[layer, *(f"{norm:.1e}" for norm in norms)] for layer, *norms in zip(plain.layers, *columns, strict=True)]
    return Table(
        ["layer", "plain, first", "residual, first", "plain, trained", "residual, trained"],
        rows,
        title="norm of the gradient of the loss with respect to what a layer hands on",
        notes=[
            f"{r.name}: {r.accuracy:.1%} of the test digits right, after {r.seconds:.1f} s of training"
            for r in (plain, residual)
        ],
    )


def conclusion(plain: Result, residual: Result) -> str:
    """One sentence on what the numbers show."""
    lost = plain.before[-1] / plain.before[0]
    kept = residual.before[-1] / residual.before[0]
    return (
        f"From layer {plain.layers[-1]} back to layer 1 the plain net's gradient shrinks by a factor of "
        f"{lost:.0e}, its residual twin's by {kept:.2g}: the skips carry it past every block; after training "
        f"the plain net is right on {plain.accuracy:.0%} of the test digits, the residual one on "
        f"{residual.accuracy:.0%}. See how a gradient splits and merges in lessons/07_residual_block.py."
    )


def save_figure(plain: Result, residual: Result, path: Path) -> None:
    """Draw both nets' gradient norms and losses, and save them.

    Parameters
    ----------
    plain, residual
        What the demo measured.
    path
        Where the figure goes; the folder is made.
    """
    from minigrad.plot.style import COLOURS, figure, save  # matplotlib only now, to start fast

    fig, (norms, losses) = figure(1, 2, width=10, height=4.4)
    for result, colour, marker in ((plain, COLOURS["plain"], "s"), (residual, COLOURS["residual"], "o")):
        for values, style, when in ((result.before, "-", "at first"), (result.after, "--", "trained")):
            norms.semilogy(
                result.layers, values, style, color=colour, marker=marker, markersize=4, label=f"{result.name}, {when}"
            )
        losses.plot(
            _smooth(result.losses), color=colour, label=f"{result.name}: {result.accuracy:.0%} of test digits right"
        )
    norms.set(
        xlabel="layer (1 is nearest to the image)",
        ylabel="norm of the gradient at the layer's output",
        title="The skips keep the gradient",
    )
    losses.set(xlabel="training step", ylabel="training loss (mean of 20 steps)", title="... and the net can learn")
    losses.set_ylim(bottom=0)
    for ax in (norms, losses):
        ax.legend(fontsize=8)
    fig.text(
        0.5,
        0.01,
        "Left: from the last layer back to the first, the plain net's gradient shrinks at every layer;\n"
        "that of its residual twin hardly changes. Right: so only the residual net learns.\n"
        "Same layers, same first values; digits, no norm layers.",
        ha="center",
        fontsize=8,
    )
    fig.subplots_adjust(bottom=0.24, left=0.08, right=0.98, wspace=0.22)
    save(fig, path)


def _smooth(values: list[float], window: int = 20) -> npt.NDArray[np.float64]:
    """The running mean."""
    window = min(window, len(values))
    return np.convolve(values, np.ones(window) / window, mode="valid")


def run(out: Path, epochs: int = EPOCHS, seed: int = 0) -> tuple[Result, Result]:
    """Train both nets, print the table, and save the figure to ``out``."""
    say(
        f"Two nets of {2 + 2 * BLOCKS} layers, {WIDTH} wide, on 1,437 real handwritten digits: one plain, one with a "
        "skip around every two layers. Same layers, same first values."
    )
    with Progress(console=Console(stderr=True), transient=True) as progress:
        plain = train("plain", False, progress, epochs, seed)
        residual = train("residual", True, progress, epochs, seed)
    print(table(plain, residual))
    save_figure(plain, residual, out)
    print(f"figure: {out}")
    say(conclusion(plain, residual))
    return plain, residual


def say(text: str) -> None:
    """Print a paragraph, in lines as wide as the terminal."""
    print(textwrap.fill(text, line_width(), break_long_words=False, break_on_hyphens=False), flush=True)
