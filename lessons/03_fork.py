"""3. The fork: a value is used twice, so its gradients are summed. What if one of them is lost?

Minutes: 25. Before it: lessons 1 and 2. Shows: C2; and why a wrong gradient may pass for a right one.
Papers: He et al. (2015).
"""

# %% [markdown]
# If x is used twice, a nudge of x moves the loss twice: once by each way. To first order the two effects add up, so
# the gradient is the *sum* of what the two ways send back. That is the chain rule for several paths, no more.
# minigrad makes the place visible: `skip.fork(x)` gives two tensors, and the node `Fork` sums in backward.

# %%
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

# %% [markdown]
# ## Two ways, one sum
# y = x**2 + 3 x at x = 2. By the first way comes 2 x = 4, by the second 3; so 7 must leave the fork.

# %%
x = mg.tensor([2.0], dtype=mg.float64, requires_grad=True)
first, second = skip.fork(x)
y = first**2 + 3 * second
print(inspect.trace(y))

# %% [markdown]
# The last step is the fork's: it was made first. You need no `fork` for the sum: in `x**2 + 3 * x` the engine does it
# in its table. A weight that a net uses many times gets the sum over all its uses.

# %%
x = mg.tensor([2.0], dtype=mg.float64, requires_grad=True)
(x**2 + 3 * x).backward()
print("without a fork:", x.grad.item())

# %% [markdown]
# ## A bug that many engines had
# A first engine of one's own often says `x.grad = g` where it should say `x.grad += g`. Then the last one in wins. We
# build that bug as a fork whose backward keeps one way and drops the other.


# %%
class LossyFork(skip.Fork):
    """A fork with a bug: its backward keeps the gradient of one way, and loses the other."""

    def __init__(self, kept):
        super().__init__(2)
        self.kept = kept

    def backward(self, *grads):
        return grads[self.kept]


def fork(x, kept=None):
    """Two tensors of x; in backward only the gradient of way `kept` is kept, by default both."""
    return skip.fork(x) if kept is None else LossyFork(kept)(x)


def example(x, kept=None):
    """x**2 + 3 x."""
    first, second = fork(x, kept)
    return first**2 + 3 * second


FORKS = {"both kept": None, "branch lost": 0, "skip lost": 1}
for name, kept in FORKS.items():
    x = mg.tensor([2.0], dtype=mg.float64, requires_grad=True)
    example(x, kept).backward()
    print(f"{name:<12} says {x.grad.item():g}")

# %% [markdown]
# ## Who sees it
# A gradient check sees it at once, because it asks the function itself and not the engine. And so does the law of the
# fork: what leaves it is the sum of what arrived, to the bit.


# %%
def passes_gradcheck(kept):
    """Whether x**2 + 3 x, with this fork, passes a gradient check."""
    x = mg.randn(5, dtype=mg.float64, requires_grad=True)
    return mg.gradcheck(lambda x: example(x, kept), x, raise_exception=False)


def keeps_the_sum(kept, value=2.0):
    """Whether what leaves the fork is the sum of what arrived there; and these numbers."""
    y = example(mg.tensor([value], dtype=mg.float64, requires_grad=True), kept)
    *_, step = mg.backward_steps(y)  # the fork was made first, so it has its turn last
    ways, left = [g.item() for g in step.grad_outputs], step.grad_inputs[0].item()
    return left == sum(ways), ways, left


for name, kept in FORKS.items():
    law, ways, left = keeps_the_sum(kept)
    check = "passes" if passes_gradcheck(kept) else "fails"
    print(f"{name:<12} gradcheck {check}; {ways} came, {left:g} left: the sum is {'kept' if law else 'broken'}")

# %% [markdown]
# ## What it does to a net
# Eight residual blocks on the digits; at each fork the skip is way 0, and the branch is way 1. Guess before you run:
# which is worse, to lose what comes back through the branch, or what comes back over the skip?

# %%
BLOCKS = 8
IMAGES, LABELS = data.digits("train", flatten=True)


class Net(nn.Module):
    """A stem, blocks x + scale * F(x), a head; the forks may be lossy."""

    def __init__(self, kept=None, width=32):
        super().__init__()
        self.kept = kept
        self.scale = BLOCKS**-0.5  # keeps eight branches together as large as one skip
        self.stem = nn.Linear(64, width)
        layers = [(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(BLOCKS)]
        self.branches = nn.ModuleList(nn.Sequential(*each) for each in layers)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        h = self.stem(x)
        for branch in self.branches:
            s, b = fork(h, self.kept)
            h = skip.residual_add(s, self.scale * branch(b))
        return self.head(h)


def compared(name, seed):
    """Before training, from stem to head: |gradient| / |true gradient| of each matrix; and the stem's cosine to it."""
    gradients = []
    for kept in (FORKS[name], None):
        mg.manual_seed(seed)
        net = Net(kept)
        F.cross_entropy(net(IMAGES[:256]), LABELS[:256]).backward()
        gradients.append([p.grad.array for p in net.parameters() if p.ndim == 2])
    norms, true = ([float(np.linalg.norm(g)) for g in each] for each in gradients)
    return np.divide(norms, true), np.vdot(gradients[0][0], gradients[1][0]) / (norms[0] * true[0])


# %% [markdown]
# Without what comes over the *skip*, the gradient shrinks by about ten at every block on its way back, which is how a
# plain net loses it (lesson 6), and what reaches the stem doesn't even point the right way. Without what comes through
# the *branch*, the gradient is wrong and nearly right: the branches are small at first.

# %%
fig, ax = figure(width=8, height=4.6)
for (name, role), marker in zip({"both kept": "residual", "branch lost": "third", "skip lost": "fourth"}.items(), "o^s",
                                strict=True):  # fmt: skip
    ratios, cosine = compared(name, seed=0)
    print(f"{name:<12} |gradient| of the stem / true: {ratios[0]:.0e}; cosine to the true one: {cosine:.2f}")
    ax.semilogy(ratios, color=COLOURS[role], marker=marker, label=name)
ax.set(xlabel="weight matrix (0: stem, 17: head)", ylabel="|gradient| / |true gradient|", xticks=range(0, 18, 2))
ax.legend()
show(fig, "03_fork", "Lose the skip's part, and little comes back to the stem; lose the branch's, and it hardly shows.")

# %% [markdown]
# ## What training shows of it
# Where the skip's part is lost, only the last layers learn. Where the branch's part is lost, the net trains, and no
# loss curve will tell you of the bug. A gradient check does, in a second.


# %%
def train(name, seed, steps=150, rate=0.3):
    """Plain gradient descent on random batches; the loss at every step."""
    mg.manual_seed(seed)
    net, losses = Net(FORKS[name]), []
    optimizer = optim.SGD(net.parameters(), lr=rate)
    for _ in range(steps):
        batch = mg.randint(len(LABELS), (64,)).array
        loss = F.cross_entropy(net(IMAGES[batch]), LABELS[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


fig, ax = figure(width=8, height=4.6)
ends = {}
for (name, role), line in zip({"both kept": "residual", "branch lost": "third", "skip lost": "fourth"}.items(),
                              ("-", "--", ":"), strict=True):  # fmt: skip
    losses = train(name, seed=0)
    ends[name] = losses[-20:].mean()
    smooth = np.convolve(losses, np.ones(10) / 10, "valid")
    ax.plot(np.arange(10, 151), smooth, color=COLOURS[role], linestyle=line, label=name)
    print(f"{name:<12} loss of the last 20 batches: {ends[name]:.2f}")
ax.set(xlabel="step", ylabel="cross entropy (nats, mean of 10 batches)", ylim=(0, None))
ax.legend()
show(fig, "03_training", "Two of these three nets have a wrong gradient. Only one looks like it.")

# %%
print(f"Conclusion: with the branch's part lost the loss still comes down to {ends['branch lost']:.2f} (right:"
      f" {ends['both kept']:.2f}; skip's part lost: {ends['skip lost']:.2f}).\nThe bug is there, and no curve shows it:"
      " the gradient check and the fork's law do.")  # fmt: skip
