"""19. The landscape: the loss around a minimum, and a symmetry that a skip breaks.

Minutes: 25. Before it: lessons 6 to 8. Shows: C4.
Papers: Li et al. (2018), Orhan and Pitkow (2018).
"""

# %% [markdown]
# Why are deep plain nets hard to train? Li et al. (2018) looked: they drew the loss along two random directions
# around the trained weights. To compare nets, each direction is *filter-normalised*: every unit's part of it gets the
# length of that unit's weights. Without this, a net of large weights looks flat only because a step is small beside
# them.

# %%
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.plot.style import figure

WIDTH, GRID = 32, 15


class Net(nn.Module):
    """Digits through blocks of one ReLU layer, without norm or bias; with or without a skip around each block."""

    def __init__(self, blocks, residual):
        super().__init__()
        self.enter = nn.Linear(64, WIDTH, bias=False)
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(blocks))
        self.leave = nn.Linear(WIDTH, 10, bias=False)
        for layer in (self.enter, *self.blocks):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.scale = blocks**-0.5 if residual else None

    def forward(self, x):
        h = self.enter(x)
        for layer in self.blocks:
            if self.scale is None:
                h = layer(F.relu(h))
            else:
                s, b = skip.fork(h)
                h = skip.residual_add(s, self.scale * layer(F.relu(b)))
        return self.leave(F.relu(h))


def train(blocks, residual, epochs=10, seed=0, rate=0.02):
    """Train one net on the digits; gives it, and its last loss."""
    mg.manual_seed(seed)
    net = Net(blocks, residual)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        losses = []
        for x, y in data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 64, shuffle=True):
            loss = F.cross_entropy(net(x), y)
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net, float(np.mean(losses))


nets = {}
for blocks in (4, 30):
    for residual in (False, True):
        net, loss = train(blocks, residual)
        nets["residual" if residual else "plain", blocks] = net
        print(f"{'residual' if residual else 'plain':<9}{blocks:>3} blocks: training loss {loss:.3f}")

# %% [markdown]
# ## Directions with the filters' lengths
# A direction is drawn from a normal distribution, one array for each weight; then each *row* of it, a unit's part, is
# scaled to that unit's length.


# %%
def direction(net, seed, normalised=True):
    """A random direction, one array for each parameter: filter-normalised, or each as long as ones would be."""
    rng = np.random.default_rng(seed)
    found = []
    for p in net.parameters():
        d = rng.standard_normal(p.shape)
        axis = 1 if normalised else None
        lengths = (
            np.linalg.norm(a, axis=axis, keepdims=True) for a in (p.array if normalised else np.ones(p.shape), d)
        )
        found.append(d * next(lengths) / next(lengths))
    return found


def surface(net, reach=1.0, grid=GRID, seed=1, normalised=True):
    """The loss of 300 digits on a grid along two directions, from -reach to reach; the net stays as it was."""
    x, y = (part[:300] for part in data.digits("train", flatten=True))
    first, second = direction(net, seed, normalised), direction(net, seed + 1, normalised)
    kept = [p.array.copy() for p in net.parameters()]
    steps = np.linspace(-reach, reach, grid)
    losses = np.zeros((grid, grid))
    with mg.no_grad():
        for i, a in enumerate(steps):
            for j, b in enumerate(steps):
                for p, w, d, e in zip(net.parameters(), kept, first, second, strict=True):
                    p.data.copy_(mg.from_numpy((w + a * d + b * e).astype(w.dtype)))
                losses[i, j] = F.cross_entropy(net(x), y).item()
        for p, w in zip(net.parameters(), kept, strict=True):
            p.data.copy_(mg.from_numpy(w))
    return losses


# %% [markdown]
# ## A test that a fair picture must pass
# In a ReLU net one may multiply a layer by c and divide the next by c: the net computes the same. Its surface must
# then be the same. With filter-normalised directions it is; with raw ones it isn't.


# %%
def rescaled(net, c):
    """The same function with other weights: the first block times c, the second divided by c (plain nets only)."""
    twin = Net(len(net.blocks), residual=False)
    twin.load_state_dict(net.state_dict())
    with mg.no_grad():
        twin.blocks[0].weight.mul_(c)
        twin.blocks[1].weight.div_(c)
    return twin


plain = nets["plain", 4]
for normalised in (True, False):
    same, other = (surface(net, grid=5, normalised=normalised) for net in (plain, rescaled(plain, 8.0)))
    print(
        f"filter-normalised: {normalised}; rescaled by 8, the surface differs by "
        f"{np.abs(same / other - 1).max():.1e} of itself"
    )

# %% [markdown]
# ## The surfaces
# Four nets, one scale of colours (the logarithm of the loss, which is what the eye can compare).

# %%
fig, axes = figure(1, 4, width=12, height=3.4)
curves = {}
for ax, ((kind, blocks), net) in zip(axes, nets.items(), strict=True):
    losses = curves[kind, blocks] = surface(net)
    image = ax.contourf(
        *[np.linspace(-1, 1, GRID)] * 2, np.log10(losses), levels=np.linspace(-3, 2, 21), cmap="cividis", extend="both"
    )
    ax.set_title(f"{kind}, {blocks} blocks", fontsize=10)
    ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ring = np.median([losses[0].mean(), losses[-1].mean(), losses[:, 0].mean(), losses[:, -1].mean()])
    print(f"{kind:<9}{blocks:>3} blocks: loss in the middle {losses[GRID // 2, GRID // 2]:.3f}, at the rim {ring:.3g}")
fig.colorbar(image, ax=axes[-1], label="log10 loss")
show(
    fig,
    "19_surfaces",
    "The loss around the trained weights, one colour scale: what a step of the weights' own size does.",
)

# %% [markdown]
# ## A symmetry that a skip breaks
# Two units with the same weights in and the same weights out compute the same, get the same gradient, and stay the
# same for ever: a plain net that has such a pair is a narrower net (Orhan and Pitkow, 2018). With a skip each unit
# also receives *its own* input, and the pair differs after one step of training. We make twins and look.


# %%
def twins_apart(residual, steps=1, blocks=6, seed=0):
    """The largest difference between the outgoing weights of two units that began as twins, after so many steps."""
    mg.manual_seed(seed)
    net = Net(blocks, residual)
    into, out = net.blocks[2].weight, net.blocks[3].weight
    with mg.no_grad():
        into[1] = into[0]  # the same weights in, and the same weights out
        out[:, 1] = out[:, 0]
    optimizer = optim.SGD(net.parameters(), lr=0.02)
    x, y = (part[:256] for part in data.digits("train", flatten=True))
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return float(np.abs(out.array[:, 0] - out.array[:, 1]).max())


for steps in (1, 10):
    print(
        f"after {steps} steps: twins apart by {twins_apart(False, steps):.3g} in the plain net, "
        f"{twins_apart(True, steps):.3g} with skips"
    )
middle = {key: losses[GRID // 2, GRID // 2] for key, losses in curves.items()}
print(f"\nConclusion: 30 blocks reach a loss of {middle['plain', 30]:.2f} plain and "
      f"{middle['residual', 30]:.3f} with skips; twins stay"
      f" together to the bit in a plain net,\nand a skip parts them in one step.")  # fmt: skip
