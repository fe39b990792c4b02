"""17. Recurrent nets: skips along time, which gates already make, and skips between layers, which they don't.

Minutes: 40. Before it: lessons 7 and 9. Shows: C10.
Papers: Elman (1990); Hochreiter and Schmidhuber (1997); Cho et al. (2014); Wu et al. (2016, GNMT); Le et al. (2015).
"""

# %% [markdown]
# A recurrent net reads a sequence step by step and keeps what it knows in a state. Unrolled over T steps it is a net of
# T layers that share their weights, so its gradient has the trouble of deep nets: it goes through T times the same
# matrix. An LSTM has an answer that is older than residual nets: a cell state with `c' = f * c + i * g`. The way from
# c' back to c is a *skip*, which the forget gate f weighs. In minigrad each time step is one node that knows its gates:

# %%
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, CYCLE, figure

WIDTH, BATCH = 24, 32
mg.manual_seed(0)
cell = nn.LSTMCell(2, 4)
h, c = cell(mg.randn(1, 2))
node = c.node
print(node, "\nforget gate:", node.f.round(2), " input gate:", node.i.round(2))

# %% [markdown]
# ## What the direct way carries
# Along the cell state alone, over skips, `dc_T / dc_0` is the product of all forget gates. With gates at 0.731, where a
# bias of 1 puts them, 50 steps leave 0.731^50, which is 1.6e-7; a bias of 4 leaves 0.4. `inspect.path_lengths` counts
# the node's inner skip like any other: length 0 is the gradient by the direct way alone, all else came through gates.


# %%
def direct_share(bias, steps=50, seed=0):
    """Of an LSTM at the start: the direct way's part of dc_T/dc_0, and the whole, each as a norm; and the product."""
    mg.manual_seed(seed)
    cell = nn.LSTMCell(2, WIDTH).double()
    for p in cell.parameters():
        p.array[...] *= 0.5
    cell.bias_hh.array[WIDTH : 2 * WIDTH] = bias
    x, _ = data.adding_problem(1, steps, seed=seed)
    first = mg.zeros(1, WIDTH, dtype=mg.float64, requires_grad=True)
    h, c, product = mg.zeros(1, WIDTH, dtype=mg.float64), first, 1.0
    for t in range(steps):
        h, c = cell(x[:, t].double(), (h, c))
        product = product * c.node.f
    paths = inspect.path_lengths(c.sum(), wrt=first)
    return np.linalg.norm(paths.gradients[0]), np.linalg.norm(paths.total), np.linalg.norm(product)


for bias in (1.0, 4.0):
    direct, whole, product = direct_share(bias)
    print(f"forget bias {bias:.0f}: direct way {direct:.3e}, product of the gates {product:.3e}, whole {whole:.3e}")

# %% [markdown]
# ## The gradient along time
# How much of the loss's gradient reaches the state of each step, at the start of training? A plain net (RNN) loses it
# geometrically; a skip between time steps, `h + 0.1 * cell(x, h)`, keeps it; gates keep it as far as they are open,
# and at the start they are half closed.


# %%
class Reader(nn.Module):
    """Recurrent cells in a loop, with a skip between time steps, or between layers, if wanted; and a head."""

    def __init__(self, kind, layers=1, time_skip=False, layer_skip=False, forget_bias=1.0):
        super().__init__()
        self.kind, self.time_skip, self.layer_skip = kind, time_skip, layer_skip
        made = getattr(nn, f"{kind}Cell")
        self.cells = nn.ModuleList([made(WIDTH if i else 2, WIDTH) for i in range(layers)])
        self.head = nn.Linear(WIDTH, 1)
        for cell in self.cells if kind == "LSTM" else ():
            cell.bias_hh.array[WIDTH : 2 * WIDTH] = forget_bias

    def step(self, cell, below, state):
        """One cell's step: its output, and its state."""
        h, c = state
        s, b = skip.fork(h) if self.time_skip else (None, h)
        h, c = cell(below, (b, c)) if self.kind == "LSTM" else (cell(below, b), c)
        if self.time_skip:
            h = skip.residual_add(s, 0.1 * h)
        return h, (h, c)

    def forward(self, x, seen=None):
        """Read (batch, length, 2); with a list in ``seen``, put the last layer's states there."""
        states = [(mg.zeros(len(x), WIDTH), mg.zeros(len(x), WIDTH)) for _ in self.cells]
        for t in range(x.shape[1]):
            below = x[:, t]
            for i, cell in enumerate(self.cells):
                s, b = skip.fork(below) if self.layer_skip and i else (None, below)
                h, states[i] = self.step(cell, b, states[i])
                below = h if s is None else skip.residual_add(s, h)
            if seen is not None:
                below.retain_grad()
                seen.append(below)
        return self.head(below).squeeze(1)


def along_time(kind, length=50, seed=0, **settings):
    """The norm of the loss's gradient at the state of each step, over that at the last."""
    mg.manual_seed(seed)
    net, seen = Reader(kind, **settings), []
    x, y = data.adding_problem(BATCH, length, seed=seed)
    F.mse_loss(net(x, seen), y).backward()
    norms = np.array([h.grad.norm().item() for h in seen])
    return norms / norms[-1]


KINDS = {
    "RNN": ("RNN", {}),
    "RNN, skip along time": ("RNN", {"time_skip": True}),
    "LSTM": ("LSTM", {}),
    "LSTM, skip along time": ("LSTM", {"time_skip": True}),
    "GRU": ("GRU", {}),
    "GRU, skip along time": ("GRU", {"time_skip": True}),
}
fig, ax = figure(width=8, height=4.6)
for (name, (kind, settings)), colour in zip(KINDS.items(), CYCLE, strict=False):
    arriving = along_time(kind, **settings)
    ax.semilogy(arriving, color=colour, linestyle="--" if "skip" in name else "-", label=name)
    print(f"{name:22} the first step gets {arriving[0]:.1e} of the last one's gradient")
ax.set(xlabel="time step, of 50", ylabel="gradient at its state, relative to the last step")
ax.legend(fontsize=8)
show(fig, "17_time", "At the start: a plain net loses the gradient along time; a skip keeps it.")

# %% [markdown]
# ## The adding problem
# Of T numbers two are marked; the target is their sum. Who always says 1 has a mean squared error of 1/6. A gradient
# that arrives is needed, but is it enough?


# %%
def trained(kind, length=50, steps=400, seed=0, **settings):
    """The losses of a training."""
    mg.manual_seed(seed)
    net, losses = Reader(kind, **settings), []
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    for step in range(steps):
        x, y = data.adding_problem(BATCH, length, seed=10_000 * seed + step)
        loss = F.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def smooth(losses, over=20):
    """The mean of so many steps each."""
    return np.convolve(losses, np.ones(over) / over, "valid")


curves = {name: trained(kind, **settings) for name, (kind, settings) in KINDS.items()}
fig, ax = figure(width=8, height=4.6)
for (name, losses), colour in zip(curves.items(), CYCLE, strict=False):
    ax.semilogy(smooth(losses), color=colour, linestyle="--" if "skip" in name else "-", label=name)
    print(f"{name:22} T=50: mean squared error {losses[-30:].mean():.4f}")
ax.axhline(1 / 6, color="black", linestyle=":", label="always saying 1: 1/6")
ax.set(xlabel="step", ylabel="mean squared error")
ax.legend(fontsize=8)
show(
    fig,
    "17_adding",
    "T = 50. The GRU learns best with its gate alone; the plain net doesn't learn, with a skip or without.",
)

# %% [markdown]
# Three things to see. The skip along time hands the plain net its gradient, and still it doesn't learn in so many
# steps: with the skip it remembers *everything*, and has nothing to choose with. A gate is a skip that chooses. The GRU
# learns from its gate, though at the start next to nothing arrives; one more skip only hinders it. That is what is said
# of recurrent nets: little is gained, because gates carry the gradient. But it has limits: the LSTM's forget gates
# begin at 0.731, which leaves it without a gradient for long, and it does gain from the skip. In 120 steps at T = 200,
# four times as far, no one has come below 1/6 yet:

# %%
for kind, settings in (("RNN", {}), ("GRU", {})):
    losses = trained(kind, length=200, steps=120, **settings)
    print(f"{kind}: T=200, 120 steps: {losses[-30:].mean():.4f}; always saying 1: {1 / 6:.4f}")

# %% [markdown]
# ## Stacks
# Between *layers* no gate carries anything. Google's translation system found that plain stacks of LSTMs work to four
# layers, barely at six, and badly past eight; it put residual connections between them. Eight layers of GRU, T = 10:

# %%
stacks = {
    name: trained("GRU", length=10, steps=150, layers=8, layer_skip=layer_skip)
    for name, layer_skip in (("plain stack", False), ("with skips between layers", True))
}
fig, ax = figure(width=8, height=4.2)
for (name, losses), colour in zip(stacks.items(), ("plain", "residual"), strict=True):
    ax.semilogy(smooth(losses), color=COLOURS[colour], label=name)
    print(f"8 layers, {name}: {losses[-30:].mean():.4f}")
ax.axhline(1 / 6, color="black", linestyle=":", label="always saying 1")
ax.set(xlabel="step", ylabel="mean squared error")
ax.legend()
show(fig, "17_stack", "Eight layers of GRU: with skips between the layers the stack learns soon.")
print(f"\nConclusion: along time a GRU ends at {curves['GRU'][-30:].mean():.4f}, with one more skip at"
      f" {curves['GRU, skip along time'][-30:].mean():.4f}: nothing gained.\nBetween eight layers the skip gains much:"
      f" {stacks['with skips between layers'][-30:].mean():.4f} against"
      f" {stacks['plain stack'][-30:].mean():.4f}.")  # fmt: skip
