"""12. Batch norm beside the skip: what each does, in which order, and why both.

Minutes: 35. Before it: lessons 6 to 9. Shows: C3, C4. Facts: E5, F10.
Papers: Ioffe and Szegedy (2015), He et al. (2016), Balduzzi et al. (2017), Zhang et al. (2019), De and Smith (2020).
"""

# %% [markdown]
# Lesson 8's deep residual nets diverged unless their branches were small; the paper's own nets have no such scale, and
# train at 110 layers. What they have is batch norm. Here is what it does to the sum on the skip, to gradients, and to
# training, with and without a skip beside it.

# %%
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, models, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.models.residual_nets import ORDERS
from minigrad.plot.style import COLOURS, figure

# %% [markdown]
# ## The sum on the skip: L + 1, and not 3^L
# Without a norm each block multiplies the mean square: with He's initialisation of both layers by 3 (lesson 8). With
# batch norm at its end, a branch gives variance 1 *whatever comes in*. So each block *adds* 1, and after L blocks the
# variance is L + 1 (De and Smith, 2020). A branch counts for less the later it comes: 1 part of L + 1. That is the
# small branch that lesson 8 had to ask for.


# %%
class Block(nn.Module):
    """h + branch(h), or the branch alone; two dense layers with He's initialisation, with or without batch norm."""

    def __init__(self, width, norm, residual):
        super().__init__()
        layers = [nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, width, bias=False)]
        for layer in (layers[0], layers[2]):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if norm:
            layers.insert(1, nn.BatchNorm1d(width))
            layers.append(nn.BatchNorm1d(width))
        self.branch = nn.Sequential(*layers)
        self.residual = residual

    def forward(self, x):
        if not self.residual:
            return F.relu(self.branch(x))
        s, b = skip.fork(x)
        return skip.residual_add(s, self.branch(b))


def variances(norm, blocks, width=64, seed=0):
    """The variance after each of so many residual blocks, of which the input has 1."""
    mg.manual_seed(seed)
    h, found = mg.randn(256, width), []
    with mg.no_grad():
        for _ in range(blocks):
            h = Block(width, norm, residual=True)(h)
            found.append(float(h.array.astype(float).var()))
    return found


with_norm, without = variances(True, 80), variances(False, 80)
for L in (5, 10, 20, 40, 80):
    print(
        f"{L:>3} blocks: variance with batch norm {with_norm[L - 1]:6.2f} (L + 1 = {L + 1}); "
        f"without {without[L - 1]:.3g}"
    )

# %% [markdown]
# ## Batch norm without a skip: the gradient explodes, and shatters
# A plain net with batch norm keeps its *activations* in bounds at any depth. Its gradients, going back, are divided
# by each layer's standard deviation and grow. And they *shatter* (Balduzzi et al., 2017): two neighbouring inputs get
# gradients that have nothing to do with each other, so a step that is right for one is noise for the other. We send a
# line of 256 inputs through a net, and compare the gradients of neighbours on the line.


# %%
def gradients_on_a_line(layers, norm, residual, width=64, seed=0):
    """d(output)/d(input) at 256 inputs between -2 and 2, of length 1 on the whole; and by how much |g| grew."""
    mg.manual_seed(seed)
    x = mg.linspace(-2, 2, 256).reshape(256, 1)
    enter = nn.Linear(1, width)
    blocks = nn.Sequential(*(Block(width, norm, residual) for _ in range(layers // 2)))
    h = enter(x).detach().requires_grad_()
    y = blocks(h)
    y.backward(mg.randn(1, width).expand(256, width))
    along = (h.grad.array @ enter.weight.array)[:, 0].astype(float)
    growth = np.linalg.norm(h.grad.array) / np.sqrt(256 * width)
    return along / np.linalg.norm(along), float(growth)


def correlation(g, lag=1):
    """The correlation of a line's values with those `lag` places on."""
    return float(np.corrcoef(g[:-lag], g[lag:])[0, 1])


NETS = {
    "plain, no norm, 24 layers": (24, False, False),
    "plain, batch norm, 24 layers": (24, True, False),
    "residual, batch norm, 50 layers": (50, True, True),
}
fig, axes = figure(1, 3, width=11, height=3.6)
for ax, (name, settings), role in zip(axes, NETS.items(), ("plain", "third", "residual"), strict=True):
    lines = [gradients_on_a_line(*settings, seed=seed) for seed in range(5)]
    near = np.mean([correlation(g) for g, _ in lines])
    far = np.mean([correlation(g, 5) for g, _ in lines])
    growth = np.median([grown for _, grown in lines])
    print(
        f"{name:<32} neighbours' gradients correlate {near:5.2f}, five places on {far:5.2f}; |g| grows by {growth:.3g}"
    )
    ax.plot(np.linspace(-2, 2, 256), lines[0][0], color=COLOURS[role], linewidth=0.8)
    ax.set_title(name, fontsize=9)
    ax.set(xlabel="input", yticks=[])
show(fig, "12_shattering", "The gradient along a line of inputs: batch norm without a skip makes it noise.")

# %% [markdown]
# Note the first row: a plain net *without* batch norm shatters far less; but deeper, lesson 6 showed, it trains no
# better. So it takes the skip to have the norm's good without its harm.
#
# ## Why lesson 8's deep net diverged, and three cures
# Without a norm the sum triples a block. Batch norm holds it at L + 1. SkipInit multiplies each branch by a learnt 0.
# Fixup (Zhang et al., 2019) sets the last layer of each branch to 0, divides the first by sqrt(L), and has scalar
# biases and a scalar factor for a norm. We train 40 blocks, 82 layers, on the digits, as lesson 8 did: 4 epochs at
# one rate.


# %%
class Scaled(nn.Module):
    """A block without norm: SkipInit's learnt 0, or Fixup's start."""

    def __init__(self, width, cure, blocks):
        super().__init__()
        self.first, self.last = (nn.Linear(width, width, bias=False) for _ in range(2))
        for layer in (self.first, self.last):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.shifts = nn.Parameter(mg.zeros(4))
        self.scale = nn.Parameter(mg.zeros(1) if cure == "SkipInit" else mg.ones(1))
        if cure == "Fixup":
            nn.init.zeros_(self.last.weight)
            self.first.weight.data.mul_(blocks**-0.5)

    def forward(self, x):
        s, b = skip.fork(x)
        b = F.relu(self.first(b + self.shifts[0]) + self.shifts[1])
        b = self.scale * self.last(b + self.shifts[2]) + self.shifts[3]
        return skip.residual_add(s, b)


CURES = ("no norm", "batch norm", "SkipInit", "Fixup", "plain, batch norm")


@np.errstate(all="ignore")  # the one without anything overflows: that is what we look at
def train(cure, blocks=40, epochs=4, seed=0, rate=0.02, width=48):
    """Train a deep net on the digits; gives the spread of its scores at first, and its test accuracy."""
    mg.manual_seed(seed)
    made = []
    for _ in range(blocks):
        if cure in ("SkipInit", "Fixup"):
            made.append(Scaled(width, cure, blocks))
        else:
            made.append(Block(width, norm="batch" in cure, residual="plain" not in cure))
    net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), *made, nn.Linear(width, 10))
    x, y = data.digits("train", flatten=True)
    with mg.no_grad():
        spread = float(net(x[:128]).array.astype(float).std())
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        for images, labels in data.DataLoader(data.TensorDataset(x, y), 64, shuffle=True):
            loss = F.cross_entropy(net(images), labels)
            if not np.isfinite(loss.item()):
                return spread, 0.1
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    images, labels = data.digits("test", flatten=True)
    net.eval()
    with mg.no_grad():
        return spread, (net(images).argmax(1) == labels).float().mean().item()


cured = {}
for cure in CURES:
    spread, cured[cure] = train(cure)
    print(f"{cure:<18} scores spread at first {spread:9.3g}; right after four epochs {cured[cure]:.1%}", flush=True)

# %% [markdown]
# ## In which order?
# He et al. (2016) moved norm and ReLU around the addition. What stands *after* the addition stands on the way of every
# skip: then the way back is no longer clear. At 110 layers on CIFAR-10 (their table 2) they found: original 6.61 %
# wrong, norm after the addition 8.17, ReLU before it 7.84, ReLU first 6.71, full pre-activation 6.37. We don't train
# that here: we look at what comes back: |g| at the first block's input, divided by |g| at the last block's end.


# %%
def way_back(order, depth=56, seed=0):
    """|g| into the first block divided by |g| out of the last one, in a batch-normed ResNet before training."""
    mg.manual_seed(seed)
    net = models.resnet(depth, in_channels=1, width=8, order=order)
    x, y = data.digits("train")
    seen = {}

    def note(name):
        def hook(module, args, output):
            output.register_hook(lambda g: seen.update({name: g.norm().item()}))

        return hook

    handles = [net.stage1[0].register_forward_hook(note("first")), net.stage3.register_forward_hook(note("last"))]
    F.cross_entropy(net(x[:64]), y[:64]).backward()
    for handle in handles:
        handle.remove()
    return seen["first"] / seen["last"]


# %% [markdown]
# Batch norm divides at each branch, so in all orders the gradient is larger at the first block. Where the norm stands
# *after* the addition it divides the skip too, block by block, and that order comes out largest.

# %%
back = {order: [way_back(order, seed=seed) for seed in range(3)] for order in ORDERS}
fig, ax = figure(width=8, height=3.6)
for place, (order, ratios) in enumerate(back.items()):
    print(f"{order:<16} |g| first / last: " + ", ".join(f"{ratio:.3g}" for ratio in ratios))
    ax.plot(ratios, [place] * 3, "o", color=COLOURS["residual"])
ax.set(xscale="log", yticks=range(len(back)), yticklabels=list(back), xlabel="|g| at the first block / at the last")
show(
    fig,
    "12_orders",
    "56 layers, three seeds: how much of the gradient comes back, by the order of norm, ReLU and addition.",
)
print(
    f"\nConclusion: batch norm makes the sum grow as L + 1 ({with_norm[39]:.1f} at 40 "
    f"blocks), not as 3^L; without a skip it"
)
print("shatters gradients. 82 layers, four epochs:", ", ".join(f"{cure} {right:.0%}" for cure, right in cured.items()))
