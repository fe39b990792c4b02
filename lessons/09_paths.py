"""9. Paths: a residual net is 2^n routes; which of them carry the gradient, and what if a block is gone?

Minutes: 30. Before it: lessons 7 and 8. Shows: C2. Facts: E1, E2, E3.
Papers: Veit et al. (2016, "Residual networks behave like ensembles of relatively shallow networks").
"""

# %% [markdown]
# At each fork a gradient goes two ways. With n blocks there are 2^n routes from the loss back to the image, from the
# one that stays on the skips all along to the one that crosses every branch. Routes of k branches number C(n, k): most
# cross about n/2. But each branch changes a gradient's size. Which lengths matter?

# %%
import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

print("routes of 0 to 12 branches through 12 blocks:", [math.comb(12, k) for k in range(13)])

# %% [markdown]
# ## A case to calculate
# Let every branch be "times a". Then a route of k branches brings a^k, all C(n, k) together C(n, k) a^k, and the sum
# over k is (1 + a)^n by the binomial theorem. `inspect.path_lengths` splits a gradient that way, for any net. It sends
# a gradient for each number of branches along the pass: the work of n + 1 passes, not of 2^n.


# %%
def linear_paths(n=54, a=0.1):
    """The path lengths of n blocks x + a x, in float64."""
    x = y = mg.ones(1, dtype=mg.float64, requires_grad=True)
    for _ in range(n):
        s, b = skip.fork(y)
        y = skip.residual_add(s, a * b)
    return inspect.path_lengths(y.sum(), wrt=x)


print(linear_paths(n=4, a=0.5))

# %% [markdown]
# Veit et al. had 54 blocks and found that routes of 5 to 17 branches, one in two hundred, do nearly all of the work. At
# a = 0.1 these few bring more than half here, and shorter ones the rest:

# %%
linear = linear_paths()
print(f"54 blocks, a = 0.1: gradient {linear.total[0]:.6f}, (1 + a)^n = {1.1**54:.6f}")
few, part = sum(linear.counts[5:18]) / 2**54, linear.shares[5:18].sum()
print(f"routes of 5 to 17 branches: {few:.2%} of all, and {part:.1%} of this gradient")

fig, ax = figure(width=8, height=4.4)
ax.bar(range(55), np.array(linear.counts, float) / 2.0**54, color=COLOURS["neutral"], alpha=0.6, label="of the routes")
ax.bar(range(55), linear.shares, width=0.5, color=COLOURS["residual"], label="of the gradient")
ax.set(xlabel="branches crossed, k", ylabel="share")
ax.legend()
show(fig, "09_linear", "Most routes are long, and most of the gradient comes by short ones.")

# %% [markdown]
# ## A net that has learnt
# Twelve SkipInit blocks (h + a F(h), where a is learnt from 0), trained on the digits.

# %%
BLOCKS = 12
IMAGES, LABELS = data.digits("test", flatten=True)


def trained(residual, blocks=BLOCKS, rate=0.03, seed=0, epochs=15):
    """A net after training: its parts are the stem, the blocks and the head."""
    mg.manual_seed(seed)
    parts = [nn.Sequential(nn.Linear(64, 32), nn.ReLU())]
    for _ in range(blocks):
        branch = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32))
        scale = nn.Parameter(mg.zeros(1))
        parts.append(nn.Residual(branch, scale=scale) if residual else nn.Sequential(branch, nn.ReLU()))
    net = nn.Sequential(*parts, nn.Linear(32, 10))
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    batches = data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 64, shuffle=True)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def loss_and_input(net, count=32):
    """A loss on some test digits, and those digits as a tensor that gets a gradient."""
    x = IMAGES[:count].requires_grad_()
    return F.cross_entropy(net(x), LABELS[:count]), x


net = trained(residual=True)
loss, x = loss_and_input(net)
paths = inspect.path_lengths(loss, wrt=x)
print(paths)

# %% [markdown]
# ## Exact lengths, beside Veit's sampling
# Veit et al. drew single routes of each length, took the mean norm of what they bring, and multiplied it by C(n, k).
# That overstates what arrives: gradients are vectors, and vectors that point different ways cancel in part.
# `inspect.route` gives one route; `path_lengths` the exact sum.


# %%
def sampled(loss, x, per_length=20, seed=0):
    """Veit's estimate for each length: the mean norm of a few routes, times the number of routes."""
    rng = np.random.default_rng(seed)
    estimate = []
    for k in range(BLOCKS + 1):
        routes = [rng.choice(BLOCKS, k, replace=False).tolist() for _ in range(per_length)]
        norms = [np.linalg.norm(inspect.route(loss, x, through=route)) for route in routes]
        estimate.append(math.comb(BLOCKS, k) * float(np.mean(norms)))
    return np.array(estimate)


estimate = sampled(loss, x)
fig, ax = figure(width=8, height=4.8)
ax.semilogy(estimate, "s--", color=COLOURS["third"], label="sampled: mean norm of 20 routes x C(n, k)")
ax.semilogy(paths.norms, "o-", color=COLOURS["residual"], label="exact: norm of the sum of all routes")
ax.set(xlabel="branches crossed, k", ylabel="norm of the gradient at the image", xticks=range(BLOCKS + 1))
ax.legend()
show(fig, "09_path_lengths", "Short routes bring nearly all of the gradient. Norms overstate: routes of one length"
     " cancel in part.")  # fmt: skip

# %% [markdown]
# ## Lesions
# If a net is many routes, then to delete a block only removes those that cross it: half of the routes, but perhaps a
# small part of what matters. A plain net has one route, with every block on it. Both nets here have six blocks of the
# same layers, trained alike. `inspect.lesion` removes a branch.

# %%
FEW = 6


def accuracy(net):
    """The share of the test digits that the net gets right."""
    with mg.no_grad():
        return (net(IMAGES).argmax(1) == LABELS).float().mean().item()


def without(net, blocks):
    """The accuracy of a residual net, some blocks of which were deleted."""
    with inspect.lesion(net, blocks):
        return accuracy(net)


def twins(seed=0):
    """A residual and a plain net of six blocks, trained at a rate that suits both."""
    return {name: trained(name == "residual", FEW, rate=0.01, seed=seed) for name in ("residual", "plain")}


def one_deleted(name, net):
    """The accuracy with each block deleted in turn."""
    if name == "residual":
        return np.array([without(net, block) for block in range(FEW)])
    return np.array([accuracy(nn.Sequential(*net[:i], *net[i + 1 :])) for i in range(1, FEW + 1)])


whole, cut = {}, {}
for name, twin in twins().items():
    whole[name], cut[name] = accuracy(twin), one_deleted(name, twin)
    print(f"{name}: whole {whole[name]:.1%}; one block deleted: {cut[name].min():.1%} to {cut[name].max():.1%}")

# %%
fig, ax = figure(width=8, height=4.8)
for name, marker in (("residual", "o"), ("plain", "s")):
    ax.axhline(100 * whole[name], color=COLOURS[name], linestyle="--", label=f"{name} net, nothing deleted")
    ax.plot(range(1, FEW + 1), 100 * cut[name], color=COLOURS[name], marker=marker, label=f"{name} net, one deleted")
ax.axhline(10, color="black", linestyle=":", label="guessing")
ax.set(xlabel="the block that is deleted", ylabel="test digits classified rightly (%)", ylim=(0, 102))
ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9)
show(
    fig, "09_lesions", "The residual net loses something with a block; the plain net, without any one, nearly guesses."
)

# %% [markdown]
# Deleting several of the twelve blocks of the first net, at random: it gets worse bit by bit, and not at a stroke.


# %%
def many_deleted(net, count, draws=20, seed=0):
    """The mean accuracy with some blocks deleted, chosen at random."""
    rng = np.random.default_rng(seed)
    return np.mean([without(net, rng.choice(BLOCKS, count, replace=False).tolist()) for _ in range(draws)])


for count in (0, 3, 6, 9, 12):
    print(f"{count:>2} of 12 deleted: {many_deleted(net, count):.1%}")

# %%
print(f"Conclusion: of {sum(paths.counts):,} routes the {sum(paths.counts[:5])} that cross at most 4 branches"
      f" bring {paths.shares[:5].sum():.0%} of the gradient.\nAt 4 branches the sampled norms say"
      f" {estimate[4] / paths.norms[4]:.1f} times what arrives. With one of six blocks deleted, the residual net\nis"
      f" right on {np.median(cut['residual']):.0%} in the median, the plain net on"
      f" {np.median(cut['plain']):.0%}.")  # fmt: skip
