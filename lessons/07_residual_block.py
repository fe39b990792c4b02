"""7. The residual block: where a gradient splits, where it merges, and how it passes a dead stage.

Minutes: 30. Before it: lessons 3 and 6. Shows: C2, C6.
Papers: He et al. (2015, "Deep residual learning for image recognition").
"""

# %% [markdown]
# A residual block sends a value two ways. The *skip* carries it as it is, the *branch* computes something
# from it, and a join adds the two: y = x + F(x). In minigrad both places are nodes. `Fork` is where one value
# goes two ways, `ResidualAdd` is where the ways meet. Mind the mirror: in backward the join comes first, and
# *copies* its gradient to both ways; the fork comes last, and *sums* what the two ways bring back.

# %%
import argparse
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, skip
from minigrad.plot.style import COLOURS, figure, save

# %% [markdown]
# ## The smallest block
# The branch is only "times 3", so you can do the backward pass in your head: the join hands 1 to both ways,
# the branch makes 3 of its 1, and the fork sums them to 4.


# %%
def first_block():
    """One block, y = x + 3 x; returns its input and the trace of its backward pass."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    s, b = skip.fork(x)
    y = skip.residual_add(s, 3 * b)
    return x, inspect.trace(y.sum())


# %% [markdown]
# ## A walk in the debugger
# See it happen. Type what stands after `(Pdb)`; what you should see stands after `->`.
#
#     $ python -m pdb lessons/07_residual_block.py
#     (Pdb) import minigrad.skip                     -> (Pdb)
#     (Pdb) b minigrad.skip.ResidualAdd.backward     -> Breakpoint 1
#     (Pdb) b minigrad.skip.Fork.backward            -> Breakpoint 2
#     (Pdb) c                                        -> return gy, gy
#     (Pdb) p gy                                     -> array([1., 1.], dtype=float32)
#     (Pdb) p self.source.text                       -> y = skip.residual_add(s, 3 * b)
#     (Pdb) c                                        -> gx = grads[0]
#     (Pdb) p grads[0]                               -> array([1., 1.], dtype=float32)
#     (Pdb) p grads[1]                               -> array([3., 3.], dtype=float32)
#     (Pdb) w                                        -> node.backward(*grads)
#     (Pdb) n                                        -> for g in grads[1:]:
#     (Pdb) n                                        -> gx = gx + g
#     (Pdb) n                                        -> for g in grads[1:]:
#     (Pdb) p gx                                     -> array([4., 4.], dtype=float32)
#     (Pdb) q
#
# You stopped first at the join: one gradient came in, and the same array leaves twice. `self` is the node,
# and it knows which of your lines made it. The second stop is the fork. `grads` has a gradient for each way:
# 1 over the skip, 3 through the branch. `w` shows who called: your line, the trace, the pass, and then the
# rule. The loop sums the ways.
#
# ## The ledger
# In a real net you don't want to stop at every fork. `trace.ledger()` has a row for each pair of fork and
# join: what came back over the skip, what through the branch, and how they add up. Norms don't add; squares
# do, with a third term: |g_in|^2 = |g_skip|^2 + |g_branch|^2 + 2 <g_skip, g_branch>. If that term is
# negative, branch and skip disagree.


# %%
class Net(nn.Module):
    """A stem, stages of one dense ReLU layer each, a head; with or without a skip around each stage.

    With `dead`, that stage is killed: its bias is so low that no ReLU of it ever lets anything through.
    """

    def __init__(self, residual, stages=6, width=32, dead=None):
        super().__init__()
        self.stem = nn.Linear(64, width)
        branches = [nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(stages)]
        for branch in branches:
            nn.init.kaiming_normal_(branch[0].weight, nonlinearity="relu")
        if dead is not None:
            nn.init.constant_(branches[dead][0].bias, -1000.0)
        self.stages = nn.ModuleList([nn.Residual(b, scale=0.5) if residual else b for b in branches])
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)


def net_trace(residual, dead=None, seed=0):
    """The trace of one backward pass, on 64 digits."""
    mg.manual_seed(seed)
    net = Net(residual, dead=dead)
    images, labels = data.digits("train", flatten=True)
    return inspect.trace(F.cross_entropy(net(images[:64]), labels[:64]))


# %% [markdown]
# ## A stage that kills the gradient
# In stage 3 we set all biases to -1000. The ReLU there gives 0 for every image, and its slope is 0: no
# gradient comes through. In a plain chain that is the end. Everything before stage 3 gets exactly 0, for
# ever, and nothing of the image reaches the output either. With a skip around each stage, the gradient that
# the join copies goes past the dead branch. The ledger says so: at stage 3 all of it comes over the skip.

# %%
DEAD = 3


def stage_norms(trace):
    """The gradient's norm at the output of the stem and of each stage."""
    layers = trace.layers()
    names = ["stem", *(f"stages.{i}" for i in range(6))]
    outputs = [n if n in layers.names else f"{n}.1" for n in names]  # a plain stage ends in its ReLU
    return np.array([layers[name].norm or 0.0 for name in outputs])


def draw(ledger, plain, residual, folder):
    """Two figures: the ledger's three terms, and the dead stage."""
    fig, ax = figure(width=8, height=4.8)
    places = np.arange(len(ledger))
    for shift, key, colour in ((-0.27, "skip", "skip"), (0, "branch", "branch"), (0.27, "cross", "third")):
        label = {"skip": "|skip|²", "branch": "|branch|²", "cross": "2⟨skip, branch⟩"}[key]
        shares = [row.terms[key] / row.terms["sum"] for row in ledger]
        ax.bar(places + shift, shares, 0.25, color=COLOURS[colour], label=label)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel="stage (0 is nearest to the image)", ylabel="part of |g_in|² (the three sum to 1)")
    ax.set_ylim(top=1.15)
    ax.legend(ncols=3, loc="upper center")
    text = "At each fork most of the gradient came over the skip; a bar below 0 means that the ways disagree."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.18, left=0.1, right=0.98)
    print("figure:", save(fig, folder / "07_ledger.png"))

    fig, ax = figure(width=8, height=4.8)
    for norms, name, marker in ((plain, "plain", "s"), (residual, "residual", "o")):
        ax.plot(norms, color=COLOURS[name], marker=marker, label=name)
    ax.set_yscale("symlog", linthresh=1e-4)
    ax.axvspan(DEAD, DEAD + 1, color=COLOURS["neutral"], alpha=0.2, label=f"stage {DEAD} is dead")
    ax.set_xticks(range(7), ["stem", *(f"stage {i}" for i in range(6))])
    ax.set(xlabel="what hands it on", ylabel="norm of the gradient there", ylim=(-2e-5, 1))
    ax.legend(loc="center left")
    text = f"Read from right to left. Before stage {DEAD} the plain net's gradient is 0; the residual net's goes on."
    fig.text(0.5, 0.02, text, ha="center", fontsize=10)
    fig.subplots_adjust(bottom=0.18, left=0.12, right=0.98)
    print("figure:", save(fig, folder / "07_dead_stage.png"))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", default="figures", type=Path)
    folder = parser.parse_args(argv).save
    x, trace = first_block()
    print(trace)
    print("gradient at x:", x.grad.tolist())
    ledger = net_trace(residual=True).ledger()
    print(f"\nSix stages, all alive:\n{ledger}")
    plain, residual = net_trace(residual=False, dead=DEAD), net_trace(residual=True, dead=DEAD)
    print(f"\nStage {DEAD} dead:\n{residual.ledger()}")
    before, after = stage_norms(plain), stage_norms(residual)
    row = residual.ledger()[DEAD]
    print(f"\nConclusion: the ledger adds up to the bit: {ledger.conserved}. With stage {DEAD} dead the plain net's"
          f" gradient at the stem is {before[0]:g},\nthe residual net's {after[0]:.3f}, beside {after[-1]:.3f}"
          f" at the last stage. {row.sentence()}")  # fmt: skip
    draw(ledger, before, after, folder)


if __name__ == "__main__":
    main()
