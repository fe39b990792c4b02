"""21. Streams: since 2024 the residual connection has been redesigned. Each design is a join with a law of its own.

Minutes: 40. Before it: lessons 7, 8 and 11. Facts: F5, F6, F7.
Papers: Zhu et al. (2024, "Hyper-connections"), mHC (2025), mHC-lite (2026), DenseFormer (Pagliardini et al., 2024),
AttnRes (2026), Deep Delta Learning (2026).
"""

# %% [markdown]
# One stream, x + F(x), is all that a residual net has. Hyper-connections have n streams X, and three matrices: h_pre
# reads one sum of the streams for the branch, h_post writes what it gives into each, H mixes the streams on the skip:
# X' = H X + h_post F(h_pre X). In minigrad each matrix is a `StreamMix` node. Its join *mixes*: backward goes by H
# transposed.

# %%
import time

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.inspect import Table
from minigrad.nn.streams import sinkhorn
from minigrad.plot.style import CYCLE, figure

WIDTH, BLOCKS, STREAMS = 32, 8, 4


def branch(width=WIDTH, out=WIDTH):
    """What every block learns: a norm, and two dense layers."""
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out), nn.ReLU(), nn.Linear(out, out))


mg.manual_seed(0)
layer = nn.HyperConnection(branch(), STREAMS)
X = skip.to_streams(mg.randn(5, WIDTH, requires_grad=True), STREAMS)
print(inspect.laws(skip.from_streams(layer(X)).square().sum()))

# %% [markdown]
# It begins as the residual net: H is the identity, and all streams are equal. So the sum of the streams is n times what
# the residual net gives.

# %%


def difference_at_the_start(constraint, seed=0):
    """Between a net with streams, before training, and the residual net of the same branches; as a part of its size."""
    mg.manual_seed(seed)
    x = mg.randn(5, WIDTH, dtype=mg.float64)
    plain, X = x, skip.to_streams(x, STREAMS)
    for i in range(BLOCKS):
        shared = branch().double()
        plain = nn.Residual(shared)(plain)
        X = nn.HyperConnection(shared, STREAMS, constraint, layer=i).double()(X)
    return (abs(skip.from_streams(X) / STREAMS - plain).max() / abs(plain).max()).item()


for constraint in (None, "sinkhorn", "birkhoff"):
    print(f"{constraint!s:9s} difference from the residual net: {difference_at_the_start(constraint):.0e}")

# %% [markdown]
# ## Who keeps what
# If the columns of H sum to 1, forward keeps the sum of the streams; if its rows do, backward keeps the sum of their
# gradients. With both, H can't stretch anything: its largest singular value is 1, and so is that of a product of such
# matrices. A free H has no such bound. mHC makes H doubly stochastic by 20 rounds of normalising columns and rows
# (Sinkhorn), mHC-lite as a mean of permutations (Birkhoff). Thirty layers of random matrices near the identity:

# %%


def gains(kind, layers=30, size=0.25, seed=0):
    """The largest singular value of the product of 1, 2 ... matrices."""
    rng = np.random.default_rng(seed)
    product, found = np.eye(STREAMS), []
    permutations = np.eye(STREAMS)[[rng.permutation(STREAMS) for _ in range(24)]]
    for _ in range(layers):
        H = np.eye(STREAMS) + size * rng.standard_normal((STREAMS, STREAMS))
        if kind == "sinkhorn":
            H = sinkhorn(mg.tensor(10 * H)).array
        elif kind == "birkhoff":
            weights = rng.dirichlet(np.ones(24))
            H = 0.8 * np.eye(STREAMS) + 0.2 * np.tensordot(weights, permutations, 1)
        product = H @ product
        found.append(float(np.linalg.norm(product, 2)))
    return found


fig, ax = figure(width=8, height=4.4)
for kind, colour, mark in (("free", CYCLE[1], "s"), ("sinkhorn", CYCLE[0], "o"), ("birkhoff", CYCLE[2], "^")):
    found = gains(kind)
    print(f"{kind:9s} gain over 30 layers: {found[-1]:.4f}")
    ax.plot(range(1, 31), found, color=colour, marker=mark, markersize=4, label=kind)
ax.set(yscale="log", xlabel="layers", ylabel="gain of the skip: how much a gradient may grow")
ax.legend()
show(fig, "21_gain", "A free matrix lets the skip's gain grow with depth. Rows and columns that sum to 1 keep it at 1.")

# %% [markdown]
# ## A meter of collapse
# n streams are worth something only while they differ. `inspect.stream_ledger` says for each mix how many streams carry
# the signal (n if all have one size, 1 if one has it all), and how alike they are (cosine 1: they all hold the same).
# Take H = 1/n everywhere: rows and columns sum to 1, the gain is 1, and each mix makes all streams equal; only what the
# branches write, here into one stream each, is left to tell them apart.


# %%
def mixed(H, layers=4, seed=0):
    """The stream ledger of a net whose streams differ at the start."""
    mg.manual_seed(seed)
    X = mg.randn(STREAMS, 5, WIDTH, requires_grad=True)
    for i in range(layers):
        s, b = skip.fork(X)
        written = mg.zeros(STREAMS, 1)
        written[i % STREAMS] = 1.0
        X = skip.residual_add(skip.stream_mix(mg.tensor(H), s), skip.stream_mix(written, branch()(b.mean(0))[None]))
    return inspect.stream_ledger(X.square().mean())


mean = np.full((STREAMS, STREAMS), 1 / STREAMS, np.float32)
print(mixed(np.eye(STREAMS, dtype=np.float32)))
print(mixed(mean))

# %% [markdown]
# ## Sums over depth
# The other design: a block reads a weighted sum of *all* earlier values (DenseFormer; AttnRes has a softmax for
# weights). Weights that sum to 1 *split* the gradient, where `ResidualAdd` copies it. With branches "times a" and equal
# weights the signal goes as a *power* of depth, L^(a - 1), and a residual net's as (1 + a)^L:

# %%


def growth(join, length, a=0.5):
    """The gradient of the input, through so many layers."""
    x = mg.ones(1, dtype=mg.float64, requires_grad=True)
    values, h = [x], x
    for count in range(1, length + 1):
        if join == "residual":
            s, b = skip.fork(h)
            h = skip.residual_add(s, a * b)
        else:
            h = skip.depth_mix(values, mg.tensor(np.full(count, 1 / count)))
            values.append(a * h)
    h.sum().backward()
    return x.grad.item()


for length in (4, 16, 64):
    print(f"{length:3d} layers: residual {growth('residual', length):.3g}, depth mix {growth('depth', length):.3g}")

# %% [markdown]
# ## All of them on one net
# Eight blocks of the same branch on the digits, in eight designs. The laws are checked on each; the gain is the norm of
# the gradient that reaches the blocks' input, as a part of what entered at their output, before training.

# %%


class Net(nn.Module):
    """A stem, eight blocks with one of the joins, a head."""

    def __init__(self, kind):
        super().__init__()
        self.kind, n = kind, BLOCKS
        self.stem, last = nn.Linear(64, WIDTH), WIDTH
        gate = lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Sigmoid())  # noqa: E731 (eight designs, a line each)
        make = {
            "plain": lambda i: branch(),
            "residual": lambda i: nn.Residual(branch()),
            "highway": lambda i: nn.Highway(branch(), gate()),
            "DenseNet": lambda i: nn.SkipConcat(branch(WIDTH + 8 * i, 8)),
            "HC": lambda i: nn.HyperConnection(branch(), STREAMS, layer=i),
            "mHC": lambda i: nn.HyperConnection(branch(), STREAMS, "sinkhorn", layer=i),
            "AttnRes": lambda i: branch(),
            "delta": lambda i: nn.DeltaResidual(branch(), WIDTH),
        }[kind]
        self.blocks = nn.ModuleList([make(i) for i in range(n)])
        if kind == "highway":
            for block in self.blocks:
                nn.init.constant_(block.gate[0].bias, -2.0)
        if kind == "AttnRes":
            self.mixes = nn.ModuleList([nn.DepthAttention(WIDTH) for _ in range(n + 1)])
        self.head = nn.Linear(last + 8 * n if kind == "DenseNet" else last, 10)

    def body(self, h):
        """The blocks."""
        if self.kind == "AttnRes":
            values = [h]
            for mix, block in zip(self.mixes, self.blocks, strict=False):
                values.append(block(mix(values)))
            return self.mixes[-1](values)
        streams = self.kind in ("HC", "mHC")
        h = skip.to_streams(h, STREAMS) if streams else h
        for block in self.blocks:
            h = block(h)
        return skip.from_streams(h) / STREAMS if streams else h

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


KINDS = ("plain", "residual", "highway", "DenseNet", "HC", "mHC", "AttnRes", "delta")
TEST = data.digits("test", flatten=True)


def measured(kind, epochs=4, seed=0):
    """Laws, broken ones, gain, parameters, milliseconds of a step, and accuracy, for one design."""
    mg.manual_seed(seed)
    net = Net(kind)
    h = net.stem(TEST[0][:64]).detach().requires_grad_()
    y = net.body(h)
    g = np.random.default_rng(seed).standard_normal(y.shape).astype(np.float32)
    y.backward(g)
    gain = float(np.linalg.norm(h.grad.array) / np.linalg.norm(g))
    laws = inspect.laws(F.cross_entropy(net(TEST[0][:64].requires_grad_()), TEST[1][:64]))
    batches = data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 64, shuffle=True)
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    seconds = []
    for _ in range(epochs):
        for x, labels in batches:
            started = time.perf_counter()
            loss = F.cross_entropy(net(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seconds.append(time.perf_counter() - started)
    right = (net(TEST[0]).argmax(1) == TEST[1]).float().mean().item()
    words = ", ".join(dict.fromkeys(row.law for row in laws))
    count = sum(p.numel() for p in net.parameters())
    return [kind, words or "none", len(laws.broken), gain, count, 1000 * float(np.median(seconds)), right]


rows = [measured(kind) for kind in KINDS]
print(Table(["join", "laws", "broken", "gain", "parameters", "ms", "accuracy"], rows))

fig, ax = figure(width=8, height=4.4)
ax.bar([row[0] for row in rows], [row[-1] for row in rows], color=CYCLE[0])
for i, row in enumerate(rows):
    ax.text(i, row[-1], f"{row[-1]:.3f}", ha="center", va="bottom", fontsize=9)
ax.set(ylabel="test accuracy after 4 epochs", ylim=(0, 1.08))
show(fig, "21_table", "Eight designs, one branch, eight blocks, one seed: each skip beats the plain net here."
     "\nAmong the designs with skips, don't read an order into one run.")  # fmt: skip

# %%
free, held = gains("free")[-1], gains("sinkhorn")[-1]
print(f"Conclusion: over 30 layers a free matrix has a gain of {free:.1f}, one of rows and columns that sum to 1 one of"
      f" {held:.3f}.\nBroken laws in eight designs: {sum(row[2] for row in rows)}. Accuracies are"
      f" {min(row[-1] for row in rows):.3f} to {max(row[-1] for row in rows):.3f}.")  # fmt: skip
