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
# F has two dense layers of width 48 with a ReLU between them, and no norm layer. The paper's nets have batch norm, and
# don't diverge where ours do; its authors argue that there it is *not* vanishing gradients that make plain nets worse.

# %%
import time

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

KINDS = {"plain": "plain", "scale 1": "third", "scale L^-1/2": "residual", "SkipInit": "fourth"}  # and its colour


def dense(inputs, outputs):
    """A dense layer with He's initialisation, its biases 0."""
    layer = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


def blocks(kind, count, width=48):
    """`count` blocks of one kind."""
    made = []
    for _ in range(count):
        branch = nn.Sequential(dense(width, width), nn.ReLU(), dense(width, width))
        scale = {"scale L^-1/2": count**-0.5, "SkipInit": nn.Parameter(mg.zeros(1))}.get(kind)
        made.append(nn.Sequential(branch, nn.ReLU()) if kind == "plain" else nn.Residual(branch, scale=scale))
    return nn.Sequential(*made)


for kind in KINDS:
    print(f"{kind:<13} {sum(p.numel() for p in blocks(kind, 10).parameters())} parameters in 10 blocks")

# %% [markdown]
# ## Before training: scale 1 triples, block after block
# With He's init of both layers the branch's output has twice the mean square of its input, uncorrelated with it. So
# each block turns |h|^2 into |h|^2 + 2 |h|^2: it *triples* it. In backward |g|^2 triples too: ten blocks make 3^10 =
# 59,049. With scale a the factor is 1 + 2 a^2; for a = L^-1/2 all L blocks make (1 + 2/L)^L, which is 6.2 for ten and
# at most e^2 = 7.4. At a = 0, where SkipInit starts, it is 1.


# %%
def growth(kind, count, seed=0):
    """|g|^2 where the first block begins, divided by that where the last block ends."""
    mg.manual_seed(seed)
    net = blocks(kind, count)
    x, g = mg.rand(64, 48, requires_grad=True), mg.randn(64, 48)
    net(x).backward(g)
    return float((x.grad.array.astype(float) ** 2).sum() / (g.array.astype(float) ** 2).sum())


for kind in KINDS:
    print(f"{kind:<13} |g|^2 grows on its way back through 10 blocks by {growth(kind, 10):.3g}")

# %% [markdown]
# And through more of them? That is what the rates of training will have to live with.

# %%
COUNTS = [2, 5, 10, 20, 40]

fig, ax = figure(width=8, height=4.6)
for (kind, role), marker in zip(KINDS.items(), "sovD", strict=True):
    grown = [np.median([growth(kind, count, seed) for seed in range(5)]) for count in COUNTS]
    ax.loglog(COUNTS, grown, color=COLOURS[role], marker=marker, label=kind)
ax.set_xticks(COUNTS, COUNTS)
ax.minorticks_off()
ax.set(xlabel="blocks", ylabel="|g|² at the first block / at the last")
ax.legend()
show(fig, "08_growth", "Medians of five untrained nets. Scale 1 triples |g|² at every block; small branches keep it.")

# %% [markdown]
# ## The identity, for free
# A deeper net can do what a shallower one can: its extra blocks need only be the identity. Does training find that?
# Here the target *is* the input. At scale 0 a residual net is the identity to the bit; plain ones must learn it.


# %%
def identity_loss(kind, steps=200, seed=0):
    """The mean square error of ten blocks that are to give back their input: before and after training."""
    mg.manual_seed(seed)
    net = blocks(kind, 10, width=16)
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


print("error of giving back the input:  at first   trained")
for kind in KINDS:
    print("{:<30}{:12.3g} {:9.3g}".format(kind, *identity_loss(kind)))

# %% [markdown]
# ## The depth table
# Five seeds, 4 epochs, the better of two rates by the training loss of seed 0; at another seed it may be too high. A
# net whose loss is no longer finite has *diverged*: huge steps made its weights overflow. It guesses: 10 % are right.


# %%
@np.errstate(all="ignore")  # some of these runs overflow: that is what we look at
def train(kind, layers, rate, epochs=4, seed=0):
    """Train one net; gives final training loss (infinite if it diverged), test accuracy and seconds."""
    mg.manual_seed(seed)
    net = nn.Sequential(dense(64, 48), nn.ReLU(), blocks(kind, (layers - 2) // 2), dense(48, 10))
    batches = data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 64, shuffle=True)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    start = time.perf_counter()
    for _ in range(epochs):
        losses = []
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                return np.inf, 0.1, time.perf_counter() - start
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    images, labels = data.digits("test", flatten=True)
    with mg.no_grad():
        right = (net(images).argmax(1) == labels).float().mean().item()
    return float(np.mean(losses)), right, time.perf_counter() - start


def five_runs(kind, layers, seeds=5):
    """`train` for every seed, at the rate that is better at the first: an array of (seeds, 3)."""
    tried = {rate: train(kind, layers, rate) for rate in (0.03, 0.01)}
    rate = min(tried, key=lambda rate: tried[rate][0])
    return np.array([tried[rate], *(train(kind, layers, rate, seed=seed) for seed in range(1, seeds))])


def told(runs):
    """One cell of the table: how many diverged, or the medians, and the range of the accuracy."""
    loss, right, seconds = np.median(runs, axis=0)
    if np.isinf(loss):
        return f"{np.isinf(runs[:, 0]).sum()} of {len(runs)} diverge"
    return f"loss {loss:.2f}, {right:.0%} ({runs[:, 1].min():.0%}-{runs[:, 1].max():.0%}) right, {seconds:.1f} s"


LAYERS = [6, 18, 42, 82]

print("medians of five seeds: training loss, test digits right (range), seconds")
table = {}
for layers in LAYERS:
    for kind in KINDS:
        table[kind, layers] = five_runs(kind, layers)
        print(f"{layers:>3} layers, {kind:<13} {told(table[kind, layers])}", flush=True)

# %%
fig, ax = figure(width=8, height=4.8)
for (kind, role), marker in zip(KINDS.items(), "sovD", strict=True):
    right = 100 * np.array([table[kind, layers][:, 1] for layers in LAYERS])
    ax.fill_between(range(4), right.min(1), right.max(1), color=COLOURS[role], alpha=0.2)
    ax.plot(np.median(right, axis=1), color=COLOURS[role], marker=marker, label=kind)
ax.axhline(10, color="black", linestyle=":", label="guessing")
ax.set(xlabel="layers", ylabel="test digits right (%)", ylim=(0, 102), xticks=range(4), xticklabels=LAYERS)
ax.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1))
show(fig, "08_depth", "Median and range of five seeds; a net that diverged guesses.")

# %% [markdown]
# ## Where the gain is nil
# At 6 layers, trained long enough, all four do the same: a skip is no gain where no gradient is lost.

# %%
shallow = {kind: np.median([train(kind, 6, 0.03, epochs=10, seed=seed)[1] for seed in range(5)]) for kind in KINDS}
print("6 layers, 10 epochs:", ", ".join(f"{kind} {right:.1%}" for kind, right in shallow.items()))

# %%
deep = ", ".join(f"{kind} {np.median(table[kind, 82][:, 1]):.0%}" for kind in KINDS)
print(f"Conclusion: at 6 layers, after 10 epochs, the nets are right on {min(shallow.values()):.0%} to"
      f" {max(shallow.values()):.0%}: the gain is small.\nAt 82, after 4: {deep} (guessing: 10%)."
      " Branches must be small.")  # fmt: skip
