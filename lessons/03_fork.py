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
from minigrad import data, nn, optim, skip
from minigrad.classroom.script import finish, save_folder
from minigrad.plot.style import COLOURS, figure

# %% [markdown]
# ## Two ways, one sum
# y = x**2 + 3 x: by the first way comes 2 x, by the second 3. You need no `fork` for this: in `x**2 + 3 * x` the engine
# does the same sum in its table. A weight that a net uses many times gets the sum over all its uses.
#
# A first engine of one's own often says `x.grad = g` where it should say `x.grad += g`. Then the last one in wins. We
# build that bug as a fork whose backward keeps one way and drops the other. A gradient check sees it at once, because
# it asks the function itself and not the engine.


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


def two_ways(value):
    """What comes back by each way, and the sum that leaves the fork."""
    y = example(mg.tensor([value], dtype=mg.float64, requires_grad=True))
    *_, step = mg.backward_steps(y)  # the fork was made first, so it has its turn last
    return [g.item() for g in step.grad_outputs], step.grad_inputs[0].item()


def passes_gradcheck(kept):
    """Whether x**2 + 3 x, with this fork, passes a gradient check."""
    x = mg.randn(5, dtype=mg.float64, requires_grad=True)
    return mg.gradcheck(lambda x: example(x, kept), x, raise_exception=False)


# %% [markdown]
# ## What it does to a net
# Eight residual blocks on the digits; at each fork the skip is way 0, and the branch is way 1. Guess before you run:
# which is worse, to lose what comes back through the branch, or what comes back over the skip?

# %%
FORKS = {"both kept": None, "branch lost": 0, "skip lost": 1}
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


# %% [markdown]
# - Without what comes over the *skip*, the gradient shrinks by about ten at every block on its way back (C3 in
#   advance), and what reaches the stem doesn't even point the right way. Only the last layers learn.
# - Without what comes through the *branch*, the gradient is wrong and nearly right: the branches are small at first.
#   The net trains, and no loss curve will tell you of the bug. A gradient check (`mg.gradcheck`) does, in a second.

# %%
if __name__ == "__main__":
    folder = save_folder()
    ways, total = two_ways(2.0)
    print(f"x**2 + 3 x at x = 2: by the first way comes {ways[0]:g}, by the second {ways[1]:g}; {total:g} leaves.\n")
    print("                gradcheck   stem: norm / true, cosine   loss after training (mean of 20 batches)")
    fig, (left, right) = figure(1, 2, width=9, height=4.7)
    found = {}
    for (name, kept), role, marker in zip(FORKS.items(), ("residual", "third", "fourth"), "o^s", strict=True):
        (ratios, cosine), losses = compared(name, seed=0), train(name, seed=0)
        found[name] = losses[-20:].mean()
        check = "passes" if passes_gradcheck(kept) else "fails"
        print(f"{name:<15} {check:<9} {ratios[0]:15.0e} {cosine:9.2f} {found[name]:20.2f}")
        left.semilogy(ratios, color=COLOURS[role], marker=marker, label=name)
        right.plot(np.arange(10, 151), np.convolve(losses, np.ones(10) / 10, "valid"), color=COLOURS[role])
    print(f"\nConclusion: lose the skip's part, and only {ratios[0]:.0e} of the gradient's norm reaches the stem.\n"
          f"Lose the branch's, and the loss still comes down to {found['branch lost']:.2f} (right:"
          f" {found['both kept']:.2f}): the bug is there,\nand only the gradient check saw it.")  # fmt: skip
    left.set(title="before training", xlabel="weight matrix (0: stem, 17: head)", ylabel="|gradient| / |true gradient|")
    left.set_xticks(range(0, 18, 2))
    left.legend()
    right.set(title="training", xlabel="step", ylabel="cross entropy (nats, mean of 10 batches)", ylim=(0, None))
    text = "Losing the skip's part ruins the gradient. Losing the branch's is wrong too, and hardly shows."
    finish(fig, folder / "03_fork.png", text)
