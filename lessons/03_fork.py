"""3. The fork: a value is used twice, so its gradients are summed. What if one of them is lost?

Minutes: 25. Before it: lessons 1 and 2. Shows: C2; and why a wrong gradient may pass for a right one.
Papers: He et al. (2015).
"""

# %% [markdown]
# If x is used twice, a nudge of x moves the loss twice: once by each way. To first order the two effects add up, so
# the gradient is the *sum* of what the two ways send back. That is the chain rule for several paths, no more.
# minigrad makes the place visible: `skip.fork(x)` gives two tensors, and the node `Fork` sums in backward.

# %%
import argparse
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, skip
from minigrad.plot.style import COLOURS, figure, save

# %% [markdown]
# ## Two ways, one sum
# y = x**2 + 3 x. By the first way comes 2 x, by the second 3. We look at what the fork gets, and what it sends on.


# %%
def two_ways(value):
    """What comes back by each way, and the sum that leaves the fork."""
    x = mg.tensor([value], dtype=mg.float64, requires_grad=True)
    first, second = skip.fork(x)
    y = first**2 + 3 * second
    for step in mg.backward_steps(y):
        if isinstance(step.node, skip.Fork):
            return [g.item() for g in step.grad_outputs], step.grad_inputs[0].item()
    raise AssertionError("no fork was met")


# %% [markdown]
# You need no `fork` for this: write `x**2 + 3 * x`, and the engine does the same sum in its table. A weight that a net
# uses many times, as every convolution and every recurrent net does, gets the sum over all its uses.
#
# ## One gradient overwrites the other
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


def passes_gradcheck(kept):
    """Whether x**2 + 3 x, with this fork, passes a gradient check."""

    def f(x):
        first, second = LossyFork(kept)(x) if kept is not None else skip.fork(x)
        return first**2 + 3 * second

    x = mg.randn(5, dtype=mg.float64, requires_grad=True)
    return mg.gradcheck(f, x, raise_exception=False)


# %% [markdown]
# ## What it does to a net
# Eight residual blocks on the digits; at each fork the skip is way 0, and the branch is way 1. Guess before you run:
# which is worse, to lose what comes back through the branch, or what comes back over the skip?

# %%
FORKS = {"both kept": None, "branch lost": 0, "skip lost": 1}
BLOCKS = 8


class Net(nn.Module):
    """A stem, blocks x + scale * F(x), a head; the forks may be lossy."""

    def __init__(self, kept=None, width=32):
        super().__init__()
        self.kept = kept
        self.scale = BLOCKS**-0.5  # keeps eight branches together as large as one skip
        self.stem = nn.Linear(64, width)
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(BLOCKS)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        h = self.stem(x)
        for branch in self.branches:
            s, b = skip.fork(h) if self.kept is None else LossyFork(self.kept)(h)
            h = skip.residual_add(s, self.scale * branch(b))
        return self.head(h)


def gradients(name, seed):
    """The gradient of every weight matrix, from the stem to the head, before any training."""
    mg.manual_seed(seed)
    net = Net(FORKS[name])
    images, labels = data.digits("train", flatten=True)
    F.cross_entropy(net(images[:256]), labels[:256]).backward()
    return [p.grad.data for p in net.parameters() if p.ndim == 2]


def compared(name, seed):
    """Against the true gradient, matrix by matrix: the ratio of the norms, and the cosine of the angle."""
    pairs = list(zip(gradients(name, seed), gradients("both kept", seed), strict=True))
    norms = [(np.linalg.norm(wrong), np.linalg.norm(true)) for wrong, true in pairs]
    ratios = [a / b for a, b in norms]
    return ratios, [np.vdot(w, t) / (a * b) for (w, t), (a, b) in zip(pairs, norms, strict=True)]


def train(name, seed, steps=150, rate=0.3):
    """Plain gradient descent on random batches; the loss at every step."""
    mg.manual_seed(seed)
    net = Net(FORKS[name])
    images, labels = data.digits("train", flatten=True)
    rng, losses = np.random.default_rng(seed), []
    for _ in range(steps):
        batch = rng.integers(0, len(labels), 64)
        loss = F.cross_entropy(net(images[batch]), labels[batch])
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            p.data = p.data - rate * p.grad.data
        losses.append(loss.item())
    return losses


def final(losses):
    """The mean loss of the last twenty batches."""
    return float(np.mean(losses[-20:]))


# %% [markdown]
# ## What to learn from it
# - Without what comes over the *skip*, the gradient shrinks by about ten at every block on its way back (C3 in
#   advance), and what reaches the stem doesn't even point the right way. Only the last layers learn.
# - Without what comes through the *branch*, the gradient is wrong and nearly right: the branches are small against the
#   skips at first. The net trains, and no loss curve will tell you of the bug. A gradient check does, in a second.
#   So check rules with `mg.gradcheck`, and don't take "it learns" for a proof.


# %%
def draw(curves, ratios, folder):
    """One figure: the gradient's norm by layer, and the loss while training."""
    fig, (left, right) = figure(1, 2, width=10, height=4.7)
    for name, role, marker, line in zip(FORKS, ("residual", "third", "plain"), "o^s", ("-", "--", ":"), strict=True):
        look = {"color": COLOURS[role], "label": name, "linestyle": line}
        left.semilogy(ratios[name], marker=marker, **look)
        smooth = np.convolve(curves[name], np.ones(10) / 10, "valid")
        right.plot(np.arange(len(smooth)) + 10, smooth, **look)
    left.set_xticks(range(0, 18, 2))
    left.set(title="before training", xlabel="weight matrix (0: stem, 17: head)", ylabel="|gradient| / |true gradient|")
    right.set(title="training", xlabel="step", ylabel="cross entropy (nats, mean of 10 batches)", ylim=(0, None))
    left.legend()
    text = "Losing the skip's part ruins the gradient. Losing the branch's part is wrong too, and hardly shows."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.2, left=0.08, right=0.98, wspace=0.22)
    print("figure:", save(fig, folder / "03_fork.png"))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    folder = parser.parse_args(argv).save
    ways, total = two_ways(2.0)
    print(f"x**2 + 3 x at x = 2: by the first way comes {ways[0]:g}, by the second {ways[1]:g}; {total:g} leaves.\n")
    table = {name: compared(name, seed=0) for name in FORKS}
    curves = {name: train(name, seed=0) for name in FORKS}
    print("                gradcheck   stem: norm / true, cosine   loss after training")
    for name, (norms, cosines) in table.items():
        check = "passes" if passes_gradcheck(FORKS[name]) else "fails"
        print(f"{name:<15} {check:<9} {norms[0]:15.0e} {cosines[0]:9.2f} {final(curves[name]):20.3f}")
    ratio = table["skip lost"][0][0]
    print(f"\nConclusion: a fork sums. Lose the skip's part, and {ratio:.0e} of the gradient's norm reaches the stem.\n"
          f"Lose the branch's, and the stem's gradient has a cosine of {table['branch lost'][1][0]:.2f} to the truth,"
          f" the loss comes down to {final(curves['branch lost']):.2f}\n(right: {final(curves['both kept']):.2f}):"
          " the bug is there, and only the gradient check saw it.")  # fmt: skip
    draw(curves, {name: norms for name, (norms, _) in table.items()}, folder)


if __name__ == "__main__":
    main()
