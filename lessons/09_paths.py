"""9. Paths: a residual net is 2^n routes; which of them carry the gradient, and what if a block is gone?

Minutes: 30. Before it: lessons 7 and 8. Shows: C2. Facts: E1, E2, E3.
Papers: Veit et al. (2016, "Residual networks behave like ensembles of relatively shallow networks").
"""

# %% [markdown]
# At each fork a gradient goes two ways. With n blocks there are 2^n routes from the loss back to the image,
# from the one that stays on the skips all along to the one that crosses every branch. Routes of k branches
# number C(n, k): most cross about n/2. But each branch changes a gradient's size. Which lengths matter?

# %%
import argparse
import math
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, skip
from minigrad.plot.style import COLOURS, figure, save

BLOCKS = 12

# %% [markdown]
# ## A case to calculate (E1)
# Let every branch be "times a". Then a route of k branches brings a^k, all C(n, k) together C(n, k) a^k, and
# the sum over k is (1 + a)^n by the binomial theorem. `inspect.path_lengths` splits a gradient that way, for
# any net. It sends a gradient for each number of branches along the pass; it needs n + 1 passes' work, not
# 2^n.


# %%
def linear_paths(n=54, a=0.1):
    """The path lengths of n blocks x + a x, in float64."""
    x = mg.ones(1, dtype=mg.float64).requires_grad_()
    y = x
    for _ in range(n):
        s, b = skip.fork(y)
        y = skip.residual_add(s, a * b)
    return inspect.path_lengths(y.sum(), wrt=x)


# %% [markdown]
# ## A net that has learnt
# Twelve SkipInit blocks (h + a F(h), where a is learnt from 0), trained on the digits; and a plain net of
# five blocks.


# %%
def trained(residual, seed=0, epochs=15):
    """A net after training: its parts are the stem, the blocks and the head."""
    mg.manual_seed(seed)
    parts = [nn.Sequential(nn.Linear(64, 32), nn.ReLU())]
    for _ in range(BLOCKS if residual else 5):
        branch = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))
        scale = nn.Parameter(mg.zeros(1))
        parts.append(nn.Residual(branch, scale=scale) if residual else nn.Sequential(branch, nn.ReLU()))
    net = nn.Sequential(*parts, nn.Linear(32, 10))
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    images, labels = data.digits("train", flatten=True)
    optimizer = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    for _ in range(epochs):
        order = mg.randperm(len(labels)).data
        for i in range(0, len(order), 64):
            loss = F.cross_entropy(net(images[order[i : i + 64]]), labels[order[i : i + 64]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def loss_and_input(net, count=32):
    """A loss on some test digits, and those digits as a tensor that gets a gradient."""
    images, labels = data.digits("test", flatten=True)
    x = images[:count].requires_grad_()
    return F.cross_entropy(net(x), labels[:count]), x


# %% [markdown]
# ## Exact lengths, beside Veit's sampling
# Veit et al. drew single routes of each length, took the mean norm of what they bring, and multiplied it by
# C(n, k). That overstates what arrives: gradients are vectors, and vectors that point different ways cancel
# in part. The norm of a sum is at most the sum of the norms. `inspect.route` gives one route; `path_lengths`
# the exact sum.


# %%
def sampled(loss, x, per_length=20, seed=0):
    """Veit's estimate for each length: the mean norm of a few routes, times the number of routes."""
    rng = np.random.default_rng(seed)
    estimate = []
    for k in range(BLOCKS + 1):
        routes = [rng.choice(BLOCKS, k, replace=False) for _ in range(per_length)]
        norms = [np.linalg.norm(inspect.route(loss, x, through=[int(i) for i in route])) for route in routes]
        estimate.append(math.comb(BLOCKS, k) * float(np.mean(norms)))
    return np.array(estimate)


# %% [markdown]
# ## Lesions
# If a net is many routes, then to delete a block only removes those that cross it: half of the routes, but
# perhaps a small part of what matters. A plain net has one route, and every block is on it. `inspect.lesion`
# removes a branch in forward.


# %%
def accuracy(net):
    """The share of the test digits that the net gets right."""
    images, labels = data.digits("test", flatten=True)
    with mg.no_grad():
        return (net(images).argmax(1) == labels).float().mean().item()


def one_deleted(net, residual):
    """The accuracy with each block deleted in turn."""
    found = []
    for i in range(1, len(net) - 1):
        if residual:
            with inspect.lesion(net, i - 1):
                found.append(accuracy(net))
        else:
            found.append(accuracy(nn.Sequential(*(part for j, part in enumerate(net) if j != i))))
    return np.array(found)


def many_deleted(net, count, draws=20, seed=0):
    """The mean accuracy with some blocks deleted, chosen at random."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        with inspect.lesion(net, [int(i) for i in rng.choice(BLOCKS, count, replace=False)]):
            found.append(accuracy(net))
    return float(np.mean(found))


# %%
def draw(paths, estimate, residual, plain, folder):
    """Two figures: path lengths and lesions."""
    lengths = np.arange(BLOCKS + 1)
    fig, ax = figure(width=8, height=4.8)
    ax.semilogy(lengths, estimate, "s--", color=COLOURS["plain"], label="sampled: mean norm of 20 routes x C(n, k)")
    ax.semilogy(lengths, paths.norms, "o-", color=COLOURS["skip"], label="exact: norm of the sum of all routes")
    ax.set(xlabel="branches crossed, k", ylabel="norm of the gradient at the image")
    ax.set_xticks(lengths)
    ax.legend()
    text = "Short routes bring nearly all of the gradient. Norms overstate: routes of one length cancel in part."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "09_path_lengths.png"))

    fig, ax = figure(width=8, height=4.8)
    for found, name, marker in ((residual, "residual", "o"), (plain, "plain", "s")):
        label = f"{name} net of {len(found)} blocks"
        ax.plot(np.arange(1, len(found) + 1), 100 * found, color=COLOURS[name], marker=marker, label=label)
    ax.axhline(10, color="black", linewidth=0.8, linestyle=":")
    ax.annotate("guessing", (BLOCKS, 11.5), ha="right")
    ax.set(xlabel="the block that is deleted", ylabel="test digits classified rightly (%)", ylim=(0, 102))
    ax.legend(loc="center right")
    text = "The residual net can do without almost any of its blocks; the plain net, without one, guesses."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "09_lesions.png"))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    folder = parser.parse_args(argv).save
    linear = linear_paths()
    short = sum(linear.counts[5:18]) / sum(linear.counts)
    print(f"54 linear blocks, a = 0.1: gradient {linear.total[0]:.6f}, (1 + a)^n = {1.1**54:.6f}")
    print(f"routes of 5 to 17 branches: {short:.2%} of all, and {linear.shares[5:18].sum():.1%} of this gradient")
    residual, plain = trained(residual=True), trained(residual=False)
    loss, x = loss_and_input(residual)
    paths = inspect.path_lengths(loss, wrt=x)
    estimate = sampled(loss, x)
    print(f"\nThe trained net:\n{paths}")
    whole, cut = accuracy(residual), one_deleted(residual, residual=True)
    plain_whole, plain_cut = accuracy(plain), one_deleted(plain, residual=False)
    several = {count: many_deleted(residual, count) for count in (3, 6, 9)}
    print(f"\nresidual: {whole:.1%}; one block deleted: {cut.min():.1%} to {cut.max():.1%}; "
          + ", ".join(f"{count} deleted: {value:.1%}" for count, value in several.items()))  # fmt: skip
    print(f"plain: {plain_whole:.1%}; one block deleted: {plain_cut.min():.1%} to {plain_cut.max():.1%}")
    print(f"\nConclusion: of {sum(paths.counts):,} routes the {sum(paths.counts[:5])} that cross at most 4 branches"
          f" bring {paths.shares[:5].sum():.0%} of the gradient.\nAt 4 branches the sampled norms say"
          f" {estimate[4] / paths.norms[4]:.1f} times what arrives. With one block deleted, the residual net"
          f" is right on {np.median(cut):.0%} in the median, the plain net {np.median(plain_cut):.0%}.")  # fmt: skip
    draw(paths, estimate, cut, plain_cut, folder)


if __name__ == "__main__":
    main()
