"""7. The residual block: where a gradient splits, where it merges, and how it passes a dead stage.

Minutes: 30. Before it: lessons 3 and 6. Shows: C2, C6.
Papers: He et al. (2015, "Deep residual learning for image recognition").
"""

# %% [markdown]
# A residual block sends a value two ways. The *skip* carries it as it is, the *branch* computes something from it, and
# a join adds the two: y = x + F(x). In minigrad both places are nodes: `Fork` and `ResidualAdd`. Mind the mirror: in
# backward the join comes first, and *copies* its gradient to both ways; the fork comes last, and *sums* what the two
# ways bring back. The smallest block has the branch "times 3", so you can do its backward pass in your head: the join
# hands 1 to both ways, the branch makes 3 of its 1, and the fork sums them to 4.

# %%
import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure


def first_block():
    """One block, y = x + 3 x: its input, and a loss."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    s, b = skip.fork(x)
    y = skip.residual_add(s, 3 * b)
    return x, y.sum()


x, loss = first_block()
loss.backward()  # the walks below step through this
print("gradient at x:", x.grad.tolist())

# %% [markdown]
# ## A walk
# See it happen. `minigrad step` runs a script and takes over at its first backward pass: here, the one above. Type what
# stands after the prompt; what you should see stands after `->`.
#
#     $ minigrad step lessons/07_residual_block.py
#     (step) n                                       -> [2 of 4] ResidualAdd#2
#     (step) p gy                                    -> [1. 1.]
#     (step) b Fork                                  -> breakpoint 1: Fork
#     (step) c                                       -> [4 of 4] Fork#0
#     (step) p g1                                    -> [3. 3.]
#     (step) p gx                                    -> [4. 4.]
#     (step) l                                       -> gx = gx + g
#     (step) q
#
# You stopped first at the join: one gradient came in, and the same array leaves twice. Then at the fork: `g0` came
# over the skip, `g1` through the branch, and `gx`, their sum, leaves; `l` lists the rule. Now the same in Python's own
# debugger: it stops *inside* the rules, where you see them at work. (`w` shows who called, your own line too.)
#
#     $ python -m pdb lessons/07_residual_block.py
#     (Pdb) import minigrad.skip                     -> (Pdb)
#     (Pdb) b minigrad.skip.ResidualAdd.backward     -> Breakpoint 1
#     (Pdb) b minigrad.skip.Fork.backward            -> Breakpoint 2
#     (Pdb) c                                        -> return gy, gy
#     (Pdb) p self.source.text                       -> y = skip.residual_add(s, 3 * b)
#     (Pdb) c                                        -> gx = grads[0]
#     (Pdb) p grads[1]                               -> array([3., 3.], dtype=float32)
#     (Pdb) w                                        -> loss.backward()
#     (Pdb) n                                        -> for g in grads[1:]:
#     (Pdb) n                                        -> gx = gx + g
#     (Pdb) n                                        -> for g in grads[1:]:
#     (Pdb) p gx                                     -> array([4., 4.], dtype=float32)
#     (Pdb) q
#
# All four steps at once are a *trace*:

# %%
print(inspect.trace(first_block()[1]))

# %% [markdown]
# ## The ledger
# In a real net you don't want to stop at every fork. `trace.ledger()` has a row for each pair of fork and join: what
# came back over the skip, what through the branch, and how they add up. Norms don't add; squares do, with a third
# term: |g_in|^2 = |g_skip|^2 + |g_branch|^2 + 2 <g_skip, g_branch>. Below 0 it says that the ways disagree.
#
# A net of six stages, each a dense ReLU layer with or without a skip around it:

# %%
STAGES = 6


class Net(nn.Module):
    """A stem, stages of a dense ReLU layer with or without a skip around it, a head. Stage `dead` gives only 0."""

    def __init__(self, residual, width=32, dead=None):
        super().__init__()
        self.stem = nn.Linear(64, width)
        branches = [nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(STAGES)]
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


ledger = net_trace(residual=True).ledger()
print(ledger)
print("every sum holds to the bit:", ledger.conserved)

# %% [markdown]
# As a picture: the three terms of each stage, as parts of |g_in|^2. Stacked, with what is below 0 taken off again, they
# end at 1 in every stage.

# %%
fig, ax = figure(width=8, height=4.8)
names = [row.name for row in ledger]
parts = {term: [row.terms[term] / row.norm_in**2 for row in ledger] for term in ("skip", "branch", "cross")}
ax.bar(names, parts["skip"], 0.6, color=COLOURS["skip"], label="|g_skip|²")
ax.bar(names, parts["branch"], 0.6, parts["skip"], color=COLOURS["branch"], label="|g_branch|²")
tops = [s + b for s, b in zip(parts["skip"], parts["branch"], strict=True)]
ax.bar(names, parts["cross"], 0.3, tops, color=COLOURS["neutral"], alpha=0.6, label="2 ⟨g_skip, g_branch⟩")
ax.axhline(1, color="black", linestyle=":", label="|g_in|²")
ax.set(ylabel="part of |g_in|²", ylim=(0, 1.45))
ax.legend(ncols=4, loc="upper center", fontsize=9)
show(fig, "07_ledger", "Most comes over the skip. The narrow bars go from the top of the stack to 1:"
     "\nupwards where the two ways agree, downwards where they disagree.")  # fmt: skip

# %% [markdown]
# ## A stage that kills the gradient
# In stage 3 we set all biases to -1000. The ReLU there gives 0 for every image, and its slope is 0: no gradient comes
# through. In a plain chain that is the end: everything before stage 3 gets exactly 0, for ever. With a skip around
# each stage, the gradient that the join copies goes past the dead branch.

# %%
DEAD = 3
plain, residual = net_trace(residual=False, dead=DEAD), net_trace(residual=True, dead=DEAD)
print(f"plain:\n{plain.layers(level='blocks')}\n\nresidual:\n{residual.layers(level='blocks')}")

# %% [markdown]
# Row by row these are the same places: `level="blocks"` has a row a block, and the same span where there is no skip.

# %%
before, after = plain.layers(level="blocks").norms, residual.layers(level="blocks").norms
fig, ax = figure(width=8, height=4.8)
ax.plot(before, color=COLOURS["plain"], marker="s", label="plain")
ax.plot(after, color=COLOURS["residual"], marker="o", label="residual")
ax.set_yscale("symlog", linthresh=1e-4)
ax.axvspan(DEAD - 1, DEAD, color=COLOURS["neutral"], alpha=0.2, label=f"stage {DEAD} is dead")
ax.set_xticks(range(STAGES), [f"stage {i}" for i in range(STAGES)])
ax.set(xlabel="what hands it on", ylabel="norm of the gradient there", ylim=(-2e-5, 1))
ax.legend(loc="center left")
show(fig, "07_dead_stage", f"Read from right to left. Before stage {DEAD} the plain net's gradient is 0; the residual"
     " net's goes on.")  # fmt: skip

# %% [markdown]
# And the ledger says how: at stage 3 all of it comes over the skip.

# %%
print(residual.ledger())

# %%
print(f"Conclusion: the ledger adds up to the bit: {ledger.conserved}. With stage {DEAD} dead the plain net's"
      f" gradient at stage 0 is {before[0]:g},\nthe residual net's {after[0]:.3f}, beside {after[-1]:.3f}"
      f" at the last stage.\n{residual.ledger()[DEAD].sentence()}")  # fmt: skip
