"""23. The receipt: who paid for this weight? Every parameter's gradient, split by the branches that it crossed.

Minutes: 30. Before it: lessons 8 and 9. Shows: C2. Facts: E2, F1.
Papers: Veit et al. (2016), Du et al. (2018).
"""

# %% [markdown]
# Lesson 9 split the gradient of the *input* by the number of branches crossed. Training uses the gradients of the
# *weights*. Each of these is a sum over routes too: from the loss back to the weight, through its own block's branch.
# `inspect.receipt` splits them all, in one pass. What a length brings is its inner product with the whole, so the bill
# adds up to |g|^2: by rows and by columns. A net of ten blocks, h + a F(h) with a learnt from 0, on the digits:

# %%

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, nn, optim, plot
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, CYCLE, figure

BLOCKS, WIDTH = 10, 32
IMAGES, LABELS = data.digits("test", flatten=True)


def new_net(seed=0, blocks=BLOCKS, scale=0.0):
    """A stem, residual blocks whose scale is learnt, a head; no biases."""
    mg.manual_seed(seed)

    def dense(inputs, outputs):
        layer = nn.Linear(inputs, outputs, bias=False)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        return layer

    parts = [dense(64, WIDTH)]
    for _ in range(blocks):
        branch = nn.Sequential(dense(WIDTH, WIDTH), nn.ReLU(), dense(WIDTH, WIDTH))
        parts.append(nn.Residual(branch, scale=nn.Parameter(mg.zeros(1) + scale)))
    return nn.Sequential(*parts, dense(WIDTH, 10))


def accuracy(net):
    """The part of the test digits that are told right."""
    return (net(IMAGES).argmax(1) == LABELS).float().mean().item()


def train(net, epochs=5, up_to=None, rate=0.05):
    """Train; with `up_to`, on the part of the gradient that crossed at most so many branches."""
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    batches = data.DataLoader(data.TensorDataset(*data.digits("train", flatten=True)), 64, shuffle=True)
    for _ in range(epochs):
        for x, y in batches:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            if up_to is None:
                loss.backward()
            else:
                inspect.short_path_gradients(loss, net.parameters(), up_to=up_to)
            optimizer.step()
    return net


def bill_of(net, count=200):
    """The receipt of some test digits."""
    return inspect.receipt(F.cross_entropy(net(IMAGES[:count]), LABELS[:count]), net)


net = new_net()
before = bill_of(net)
print(before)

# %% [markdown]
# At the start all scales are 0, so nothing crosses a branch: everything is paid by the way over the skips. The scales
# themselves are the exception: a scale stands at its branch's end, and its gradient crosses that one branch. After
# training:

# %%
with inspect.Recorder(net, every=5, ledger=True) as recorder:
    train(net)
after = bill_of(net)
print(f"accuracy {accuracy(net):.3f}\n{after}")

fig, ax = figure(width=8, height=4.8)
plot.receipt(after, ax=ax)
show(fig, "23_receipt", "Each row is the gradient of one block's parameters. Hardly any of it crossed more than\n4 of"
     " 10 branches (dots: the mean). Below 0: what works against the rest.")  # fmt: skip

# %% [markdown]
# The parts are exact. They sum to what `backward()` gives:

# %%
net.zero_grad()
F.cross_entropy(net(IMAGES[:200]), LABELS[:200]).backward()
worst = max(abs(after[name].total - p.grad.array).max() for name, p in net.named_parameters())
print(f"largest difference from backward(): {worst:.1e}")

# %% [markdown]
# ## The weights know how long the paths are
# A net of ReLUs without biases doubles its output if you double one matrix. From that (Euler) it follows that
# <W, dL/dW>, summed over one matrix of each block, counts every path as often as it crosses branches. Divided by
# <x, dL/dx>, x what enters the blocks, it is the mean path length; without splitting anything. In float64:


# %%
def both_means(net, count=200):
    """The mean path length by the weights, and by the split."""
    double = new_net(blocks=len(net) - 2)
    double.load_state_dict(net.state_dict())
    double = double.double()
    bill = inspect.receipt(F.cross_entropy(double(IMAGES[:count].double()), LABELS[:count]), double)
    return bill.mean_length, bill.mean_length_of_input


by_weights, by_split = both_means(net)
print(f"by the weights {by_weights:.12f}, by the split {by_split:.12f}")

# %% [markdown]
# ## When do branches wake up, and who learns deep?
# A `Recorder` keeps the ledger of every few steps: the part of the gradient that comes over each skip. It is 1 at the
# start. And each digit has a mean length of its own:

# %%
fig, ax = figure(width=8, height=4.2)
plot.ledger_over_time(recorder, ax=ax)
show(
    fig,
    "23_wake",
    "All branches sleep at the start (1: all over the skip). Some wake within ten steps,\nothers carry"
    " little all along.",
)

print("mean length by class:", {digit: round(mean, 2) for digit, mean in after.by_class(LABELS[:200]).items()})

# %% [markdown]
# ## Do short paths suffice?
# Veit et al. asked whether the long paths matter, and left blocks out at random. Here we can ask exactly: train on the
# part of the gradient that crossed at most k branches, and on nothing else. (The net itself is whole.)

# %%
LIMITS = (0, 1, 2, BLOCKS)
reached = {k: accuracy(train(new_net(), epochs=2, up_to=k)) for k in LIMITS}
for k, found in reached.items():
    print(f"at most {k:2d} branches: accuracy {found:.3f}")

fig, ax = figure(width=7, height=4.2)
ax.bar([str(k) for k in reached], list(reached.values()), color=[CYCLE[1], *[COLOURS["residual"]] * 3])
ax.set(xlabel="paths that train: at most so many branches", ylabel="test accuracy after 2 epochs", ylim=(0, 1))
show(
    fig,
    "23_short",
    "Paths of one or two branches train as well as all ten. With none only stem and head learn,"
    "\na linear net, which on these small images is not far behind.",
)

# %%
print(f"Conclusion: the parts sum to backward()'s gradient to {worst:.0e}; the mean path of what enters the blocks is"
      f" {by_weights:.2f} of {BLOCKS}\nbranches long, by the weights as by the split. Trained by paths of at most 1"
      f" branch the net reaches {reached[1]:.3f}, by all {reached[BLOCKS]:.3f}.")  # fmt: skip
