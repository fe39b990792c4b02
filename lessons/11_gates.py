"""11. Gates: what becomes of a gradient when the skip is scaled, gated or dropped; and branches that begin at nothing.

Minutes: 30. Before it: lessons 7 and 8. Shows: C3. Facts: E4, E8, F4.
Papers: Srivastava et al. (2015), He et al. (2016, "Identity mappings in deep residual networks"), Huang et al. (2016),
De and Smith (2020), Touvron et al. (2021).
"""

# %% [markdown]
# A residual block adds the skip as it is. Why not scale it, or let a gate decide? A highway layer does:
# y = (1 - t) x + t F(x), with a gate t between 0 and 1. Its join *weighs* the gradient: (1 - t) goes over the skip. So
# the way over 54 skips carries (1 - t)^54. With gate weights of zero, t = sigmoid(bias), whatever the input is:

# %%
import itertools
import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, CYCLE, figure


def over_the_skips(bias, blocks=54):
    """The gradient that comes over the skips alone, through highway gates of this bias."""
    x = h = mg.ones(1, dtype=mg.float64, requires_grad=True)
    t = F.sigmoid(mg.tensor([bias], dtype=mg.float64))
    for _ in range(blocks):
        s, b = skip.fork(h)
        h = skip.highway_gate(s, 0 * b, t)
    h.sum().backward()
    return x.grad.item()


for bias in (0.0, -5.0, -6.0, -7.0):
    print(f"gate bias {bias:4.0f}: {over_the_skips(bias):.3g} comes over 54 skips")

# %% [markdown]
# At bias 0 nothing is left: 0.5^54. A factor of 0.5 on each skip does just the same. So a highway net needs a negative
# bias at first, and He et al. (2016) found that the deeper the net, the more negative. Every join still keeps its law:

# %%
x = mg.randn(4, requires_grad=True)
s, b = skip.fork(x)
print(inspect.laws(skip.highway_gate(s, b.tanh(), F.sigmoid(mg.tensor([-6.0]))).sum()))

# %% [markdown]
# ## He's failures, in small
# They trained nets of 110 layers with other shortcuts: half of the skip, gates at both ways, dropout on the skip. Most
# failed. Here is a net of 20 blocks on the digits, dense and without norm: the branch is W2 relu(W1 x), scaled by
# 20^-0.5.

# %%
BLOCKS, WIDTH = 20, 32
KINDS = ["identity", "half the skip", "gate, bias 0", "gate, bias -6", "dropout on the skip"]


class Block(nn.Module):
    """A block with one of the shortcuts that He et al. (2016) compare."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.branch = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))
        for layer in (self.branch[0], self.branch[2]):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.gate = None
        if kind.startswith("gate"):
            self.gate = nn.Linear(WIDTH, WIDTH)
            nn.init.zeros_(self.gate.weight)
            nn.init.constant_(self.gate.bias, float(kind.split()[-1]))

    def forward(self, x):
        s, b, g = skip.fork(x, 3)
        f = BLOCKS**-0.5 * self.branch(b)
        if self.gate is not None:
            return skip.highway_gate(s, f, F.sigmoid(self.gate(g)))
        if self.kind == "half the skip":
            s = 0.5 * s
        if self.kind == "dropout on the skip":
            s = F.dropout(s, 0.5, self.training)
        return skip.residual_add(s, f)


def trained(kind, seed=0, epochs=6):
    """The mean training loss of every epoch, and the gradient norm at the first block before training."""
    mg.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, WIDTH), *(Block(kind) for _ in range(BLOCKS)), nn.Linear(WIDTH, 10))
    batches = data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 64, shuffle=True)
    optimizer = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    images, labels = data.digits("train", flatten=True)
    start = inspect.trace(F.cross_entropy(net(images[:64]), labels[:64])).layers(level="blocks").norms[0]
    losses = []
    for _ in range(epochs):
        found = []
        for x, y in batches:
            with np.errstate(over="ignore", invalid="ignore"):  # one of them diverges
                loss = F.cross_entropy(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            found.append(loss.item())
        losses.append(float(np.mean(found)))
    return losses, start


runs = {kind: trained(kind) for kind in KINDS}
for kind, (losses, start) in runs.items():
    print(f"{kind:20s} gradient at the first block {start:8.1e}, training loss at the end {losses[-1]:.3f}")

fig, ax = figure(width=8, height=4.6)
marks = zip(runs.items(), ("o", "s", "^", "D", "v"), strict=True)
for ((kind, (losses, _)), mark), colour in zip(marks, CYCLE, strict=False):
    ax.plot(range(1, len(losses) + 1), losses, marker=mark, color=colour, label=kind)
ax.axhline(math.log(10), color=COLOURS["neutral"], linestyle=":", label="guessing: ln 10")
ax.set(xlabel="epoch", ylabel="training loss")
ax.legend(fontsize=8)
show(fig, "11_shortcuts", "With half of the skip, or a gate of bias 0, a net of 20 blocks learns nothing.\nAn identity"
     " learns at once. Dropout on the skip diverges.")  # fmt: skip

# %% [markdown]
# ## Branches that begin at nothing
# The identity on the skip, and a small factor on the *branch*: SkipInit learns a scalar from 0, LayerScale a vector
# from 1e-5. At SkipInit's start every block is the identity, and the gradient is the same in all of them, to the bit.

# %%


def start_of(scale, blocks=12, seed=0):
    """The trace of a net whose branches begin at a learnt scale: SkipInit or LayerScale."""
    mg.manual_seed(seed)

    def branch():
        layers = [nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH)]
        return nn.Sequential(*layers, *([nn.LayerScale(WIDTH)] if scale == "LayerScale" else []))

    factor = {"SkipInit": lambda: nn.Parameter(mg.zeros(1))}.get(scale, lambda: None)
    net = nn.Sequential(nn.Linear(64, WIDTH), *(nn.Residual(branch(), scale=factor()) for _ in range(blocks)))
    images, _ = data.digits("train", flatten=True)
    return inspect.trace(net(images[:64]).square().mean())


for scale in ("SkipInit", "LayerScale", "none"):
    norms = start_of(scale).layers(level="blocks").norms
    print(f"{scale:10s} gradient at the first block / at the last: {norms[0] / norms[-1]:.6g}")

# %% [markdown]
# ## Stochastic depth
# Drop a branch at random, in training: each is kept with probability p, and then divided by p. The join copies to the
# skip, and weighs for the branch. In the mean nothing changes: with branches "times a" the gradient's mean is
# (1 + a)^L. Its mean square is (1 + 2a + a^2/p)^L: the noise that is paid. Here over all 2^L draws, each with its
# probability:


# %%
def over_all_draws(a, keep, blocks):
    """The mean and the mean square of the gradient, over all ways of dropping."""
    mean = square = 0.0
    for draws in itertools.product((0, 1), repeat=blocks):
        x = h = mg.ones(1, dtype=mg.float64, requires_grad=True)
        for kept in draws:
            s, b = skip.fork(h)
            h = skip.stochastic_add(s, a * b, kept / keep)
        h.sum().backward()
        chance = math.prod(keep if kept else 1 - keep for kept in draws)
        mean += chance * x.grad.item()
        square += chance * x.grad.item() ** 2
    return mean, square


mean, square = over_all_draws(a=0.3, keep=0.5, blocks=8)
print(f"mean {mean:.10f}, (1 + a)^L = {1.3**8:.10f}")
print(f"mean square {square:.10f}, (1 + 2a + a^2/p)^L = {(1 + 0.6 + 0.09 / 0.5) ** 8:.10f}")

# %%
identity, half = runs["identity"][0][-1], runs["half the skip"][0][-1]
print(f"Conclusion: over 54 gates of bias 0 comes {over_the_skips(0.0):.1g}, of bias -7 {over_the_skips(-7.0):.2f}."
      f" After {len(runs['identity'][0])} epochs\nthe identity has a loss of {identity:.2f}, half of the skip one of"
      f" {half:.2f}.")  # fmt: skip
