"""8. Plain or residual: the depth table, with what diverges and where the gain is nil.

Minutes: 30. Before it: lessons 5 to 7. Shows: C1, C3, C4, C9. Facts: E5, E8.
Papers: He et al. (2015), De and Smith (2020, SkipInit), Bachlechner et al. (2020, ReZero).
"""

# %% [markdown]
# Four nets of the same layers, trained alike on the same digits, from 6 to 82 layers:
# - **plain**: h -> relu(F(h)), one block after the other;
# - **scale 1**: h -> h + F(h), the skip as it comes;
# - **scale L^-1/2**: h -> h + F(h) / sqrt(L), where L is the number of blocks;
# - **SkipInit**: h -> h + a F(h), where a is learnt and starts at 0.
#
# F has two dense layers of width 48 with a ReLU between them. There is no norm layer; keep that in mind when
# you compare with the paper, whose nets have batch norm and don't diverge where ours do. Its authors argue
# that with batch norm it is *not* vanishing gradients that make plain nets worse.

# %%
import argparse
import math
import time
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.plot.style import CYCLE, figure, save

LAYERS = [6, 12, 22, 42, 82]
KINDS = ["plain", "scale 1", "scale L^-1/2", "SkipInit"]
WIDTH = 48


def blocks(kind, count, width=WIDTH):
    """`count` blocks of one kind, with He's initialisation."""
    made = []
    for _ in range(count):
        branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        scale = {"scale L^-1/2": count**-0.5, "SkipInit": nn.Parameter(mg.zeros(1))}.get(kind)
        made.append(nn.Sequential(branch, nn.ReLU()) if kind == "plain" else nn.Residual(branch, scale=scale))
    return nn.Sequential(*made)


def he_init(net):
    """He's initialisation of every dense layer; biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return net


def make_net(kind, layers):
    """A stem, blocks of two layers, a head."""
    stem, head = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU()), nn.Linear(WIDTH, 10)
    return he_init(nn.Sequential(stem, blocks(kind, (layers - 2) // 2), head))


# %% [markdown]
# ## Why scale 1 diverges (E5)
# With He's init of both layers the branch's output has twice the mean square of its input, and is not
# correlated with it. So each block turns |h|^2 into |h|^2 + 2 |h|^2: it *triples* it. Backward is the same:
# |g|^2 triples at each block on the way back. Ten blocks make 3^10 = 59,049. The gradient doesn't vanish, it
# explodes. With scale a the factor is 1 + 2 a^2, and for a = L^-1/2 all L blocks together give (1 + 2/L)^L,
# never more than e^2 = 7.4.


# %%
def growth(kind, count, seed=0):
    """|g|^2 where the first block begins, divided by that where the last block ends."""
    mg.manual_seed(seed)
    net = he_init(blocks(kind, count))
    x = mg.rand(64, WIDTH, requires_grad=True)
    g = mg.randn(64, WIDTH)
    net(x).backward(g)
    return float((x.grad.data.astype(float) ** 2).sum() / (g.data.astype(float) ** 2).sum())


# %% [markdown]
# ## C1: the identity, for free
# A deeper net can do whatever a shallower one can: its extra blocks need only be the identity. The question
# is whether training finds that. Here the target *is* the input. At scale 0 a residual net is the identity to
# the bit before any training; ten plain blocks have to learn it.


# %%
def identity_loss(kind, steps=200, seed=0):
    """The mean square error of ten blocks that are to give back their input: before and after training."""
    mg.manual_seed(seed)
    net = he_init(blocks(kind, 10, width=16))
    optimizer = optim.Adam(net.parameters(), lr=0.003)
    losses = []
    for _ in range(steps + 1):
        x = mg.randn(64, 16).abs()  # not negative, so that a ReLU at the end is no obstacle
        loss = F.mse_loss(net(x), x)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses[0], float(np.mean(losses[-10:]))


# %% [markdown]
# ## The depth table


# %%
def train(kind, layers, rate, epochs=4, seed=0, batch=64):
    """Train one net; gives final training loss, test accuracy and seconds. NaN for a loss that diverged."""
    mg.manual_seed(seed)
    net = make_net(kind, layers)
    images, labels = data.digits("train", flatten=True)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    start = time.perf_counter()
    with np.errstate(all="ignore"):  # some of these runs overflow: that is what we look at
        for _ in range(epochs):
            order = mg.randperm(len(labels)).data
            losses = []
            for i in range(0, len(order) - batch + 1, batch):
                chosen = order[i : i + batch]
                loss = F.cross_entropy(net(images[chosen]), labels[chosen])
                losses.append(loss.item())
                if not math.isfinite(losses[-1]):
                    return math.nan, math.nan, time.perf_counter() - start
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        seconds = time.perf_counter() - start
        images, labels = data.digits("test", flatten=True)
        with mg.no_grad():
            right = (net(images).argmax(1) == labels).float().mean().item()
    return float(np.mean(losses)), right, seconds


def best_run(kind, layers, rates=(0.03, 0.01), epochs=4, seed=0):
    """The run with the lowest final loss, over a few learning rates."""
    runs = [train(kind, layers, rate, epochs, seed) for rate in rates]
    return min(runs, key=lambda run: math.inf if math.isnan(run[0]) else run[0])


def depth_table(seeds=1, epochs=4, rates=(0.03, 0.01), show=print):
    """`best_run` for every kind, depth and seed: {kind: array of (depths, seeds, 3)}."""
    table = {kind: np.zeros((len(LAYERS), seeds, 3)) for kind in KINDS}
    for i, layers in enumerate(LAYERS):
        cells = []
        for kind in KINDS:
            table[kind][i] = [best_run(kind, layers, rates, epochs, seed) for seed in range(seeds)]
            loss, right, seconds = np.median(table[kind][i], axis=0)
            cells.append(f"{'diverges':>17}" if math.isnan(loss) else f"{loss:6.3f} {right:.3f} {seconds:3.1f}s")
        show(f"{layers:>6}  " + "  ".join(f"{cell:>17}" for cell in cells))
    return table


def draw(table, folder):
    """Accuracy against depth."""
    fig, ax = figure(width=8, height=4.8)
    for (kind, runs), colour, marker in zip(table.items(), CYCLE, "sovD", strict=False):
        right = np.nan_to_num(np.median(runs[:, :, 1], axis=1), nan=0.1)  # a net that diverged can only guess
        ax.plot(LAYERS, 100 * right, color=colour, marker=marker, label=kind)
    ax.axhline(10, color="black", linewidth=0.8, linestyle=":")
    ax.annotate("guessing", (LAYERS[0], 11.5))
    ax.set(xlabel="layers", ylabel="test digits classified rightly (%)", xscale="log", ylim=(0, 102))
    ax.set_xticks(LAYERS, LAYERS)
    ax.minorticks_off()
    ax.legend(loc="center left")
    text = "At 6 layers all learn. Deeper, plain nets fail and scale 1 diverges; the scaled ones hardly notice."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "08_depth.png"))


# %% [markdown]
# The script takes one seed, 4 epochs and two learning rates, to be done within a minute; the nets of 6 layers, which
# are quick, it trains for 15 epochs as well. `--seeds 5 --epochs 30` makes the long table (a quarter of an hour and
# more); the tests train five seeds of 6, 42 and 82 layers.


# %%
def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args(argv)
    print("|g|^2 before the first of 10 blocks / after the last, at first:")
    for kind in KINDS:
        print(f"  {kind:<13}{growth(kind, 10):10.3g}")
    print(f"  expected: scale 1 {3**10:,}, scale L^-1/2 {1.2**10:.3g}, SkipInit 1")
    print("Ten blocks that are to give back their input, mean square error at first and trained:")
    for kind in KINDS:
        print("  {:<13}{:10.3g} {:10.3g}".format(kind, *identity_loss(kind)))
    print(f"\n{arguments.seeds} seed(s), {arguments.epochs} epochs, best of two rates: loss, test accuracy, seconds")
    print("layers  " + "  ".join(f"{kind:>17}" for kind in KINDS))
    table = depth_table(arguments.seeds, arguments.epochs)
    right = {kind: np.median(runs[:, :, 1], axis=1) for kind, runs in table.items()}
    shallow = [train(kind, 6, 0.03, epochs=15)[1] for kind in KINDS]
    print("6 layers, 15 epochs, test accuracy:", ", ".join(f"{k} {r:.3f}" for k, r in zip(KINDS, shallow, strict=True)))
    print(f"\nConclusion: at 6 layers, trained for 15 epochs, the four nets are right on {min(shallow):.0%} to"
          f" {max(shallow):.0%}: the gain is small (C9).\nAt 82 layers: plain {right['plain'][-1]:.0%},"
          f" scale 1 {'diverges' if math.isnan(right['scale 1'][-1]) else format(right['scale 1'][-1], '.0%')},"
          f" scale L^-1/2 {right['scale L^-1/2'][-1]:.0%}, SkipInit {right['SkipInit'][-1]:.0%}."
          "\nA skip alone is not enough: its branch must be kept small at first.")  # fmt: skip
    draw(table, arguments.save)


if __name__ == "__main__":
    main()
