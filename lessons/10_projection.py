"""10. What stands on the skip: options A, B and C, and what they cost.

Minutes: 30. Before it: lessons 7 and 8. Shows: C5.
Papers: He et al. (2015, 2016).
"""

# %% [markdown]
# Skip and branch are added, so they must have one shape. Where a stage of a net halves the resolution and doubles the
# channels, they haven't. What happens then, and what can stand on the skip?

# %%
import time

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, models, nn, optim, skip
from minigrad.classroom.script import show
from minigrad.plot.style import COLOURS, figure

ROLES = {"A": "residual", "B": "branch", "C": "fourth"}

x = mg.randn(8, 16, 8, 8)
branch = nn.Conv2d(16, 32, 3, stride=2, padding=1)
try:
    skip.residual_add(x, branch(x))
except mg.OperationError as error:
    print(str(error).splitlines()[0])

# %% [markdown]
# The message names what mends it. He et al. (2015) tried three ways:
# - **A**: every second pixel, and zeros for the new channels. No parameters.
# - **B**: a learnt 1x1 convolution with stride 2 (a *projection*), where shapes differ; the identity elsewhere.
# - **C**: a projection on every skip, also where the identity would fit.
#
# What does each do to the gradient? A and B both read every second pixel only: three of four pixels get nothing over
# this skip. A sends back what the first 16 channels get, unchanged; B mixes all 32, by its weights.

# %%
g = mg.randn(8, 32, 4, 4)
for name, shortcut in (("A", nn.PadShortcut(16, 32, stride=2)), ("B", nn.Projection(16, 32, stride=2, norm=False))):
    x = mg.randn(8, 16, 8, 8, requires_grad=True)
    shortcut(x).backward(g)
    reached = (x.grad.array != 0).any((0, 1)).mean()
    same = (x.grad[:, :, ::2, ::2] == g[:, :16]).all().item()
    print(f"{name}: {reached:.0%} of the pixels get a gradient over the skip; unchanged: {same}")

# %% [markdown]
# ## What they cost
# Parameters, multiply-adds for one 32x32 image, and milliseconds of one training step on 64 digits. A convolution
# multiplies and adds C_in x C_out x k^2 times for each pixel of its result; we count with a hook.


# %%
def multiply_adds(net, x):
    """Multiply-adds of all convolutions and linear layers in one forward pass, divided by the size of the batch."""
    counted = []

    def count(module, args, output):
        places = output.shape[2] * output.shape[3] if output.ndim == 4 else 1
        counted.append(module.weight.numel() * places)

    handles = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with mg.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return sum(counted)


def step(net, x, y, optimizer):
    """One step of training; gives the loss."""
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def milliseconds(net, x, y, repeats=3):
    """The fastest of some steps of training."""
    optimizer = optim.SGD(net.parameters(), lr=0.0)
    step(net, x, y, optimizer)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        step(net, x, y, optimizer)
        taken.append(1000 * (time.perf_counter() - start))
    return min(taken)


images, labels = data.digits("train")
print(f"{'':>6}{'':>4}{'parameters':>12}{'mult-adds, 32x32':>18}{'ms a step, digits':>19}")
for depth in (20, 56, 110):
    for option in "ABC":
        net = models.resnet(depth, in_channels=1, shortcut=option)
        size = sum(p.numel() for p in net.parameters())
        work = multiply_adds(net, mg.zeros(1, 1, 32, 32))
        print(
            f"{depth:>6}{option:>4}{size:>12,}{work / 1e6:>16.1f} M{milliseconds(net, images[:64], labels[:64]):>19.0f}"
        )

# %% [markdown]
# A projection where shapes differ, twice in a net, costs next to nothing. On *every* skip it costs some percent at any
# depth: the skip is no longer free.
#
# ## What the skip alone carries
# There is a second price. With A, and with B inside a stage, the way past all branches is the identity. With C it goes
# through a matrix in every block. We cut all branches, in backward only (`inspect.cut`), and see what arrives at the
# first block. This is before training, without ReLU or norm on the way (pre-activation blocks, norm=None).


# %%
def carried_by_the_skip(depth, option, seed=0):
    """|g| at the first convolution with all branches cut, divided by |g| where the last block ends."""
    mg.manual_seed(seed)
    net = models.resnet(depth, in_channels=1, shortcut=option, norm=None, scale="skipinit", order="pre-activation")
    images, labels = data.digits("train")
    seen = {}

    def note(name):
        def hook(module, args, output):
            output.register_hook(lambda g: seen.update({name: g.norm().item()}))

        return hook

    net.conv1.register_forward_hook(note("first"))
    net.stage3.register_forward_hook(note("last"))
    loss = F.cross_entropy(net(images[:32]), labels[:32])
    with inspect.cut("branch"):
        loss.backward()
    return seen["first"] / seen["last"]


fig, (left, right) = figure(1, 2, width=10, height=4.4)
depths = [8, 20, 32, 56, 110]
for option, role in ROLES.items():
    ratios = [carried_by_the_skip(depth, option) for depth in depths]
    print(option, " ".join(f"{depth}: {ratio:.3g}" for depth, ratio in zip(depths, ratios, strict=True)))
    left.plot(depths, ratios, "o-", color=COLOURS[role], label=option)
left.set(yscale="log", xlabel="layers", ylabel="|g| over the skip alone, first / last", xticks=depths)
left.legend(title="shortcut")

# %% [markdown]
# So the identity keeps the size of the gradient at any depth, and fifty matrices in a row don't: what their
# initialisation makes of it (He's for 1x1 convolutions: a factor sqrt(2)) is raised to the power of the depth. (Batch
# norm, which the paper's nets have, holds the activations in bounds meanwhile.) He et al. (2016) found just this
# harmful at 110 layers: with a 1x1 convolution on every skip 12.22 % wrong, with the identity 6.61 % (their table 1).
#
# ## Does it matter for accuracy?
# We train one depth, 20 layers of width 8 with batch norm, for four epochs on the digits: the three options, and the
# plain twin that has no skips at all.


# %%
def train(depth, option, epochs=4, width=8, seed=0, rate=0.05):
    """Train a net with batch norm; gives its accuracy on the test digits, and seconds."""
    mg.manual_seed(seed)
    net = models.resnet(depth, in_channels=1, width=width, shortcut=option or "A", residual=option is not None)
    optimizer = optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    loader = data.DataLoader(data.TensorDataset(*data.digits("train")), 64, shuffle=True)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    start = time.perf_counter()
    for _ in range(epochs):
        for x, y in loader:
            step(net, x, y, optimizer)
            schedule.step()
    seconds = time.perf_counter() - start
    x, y = data.digits("test")
    net.eval()
    with mg.no_grad():
        return (net(x).argmax(1) == y).float().mean().item(), seconds


def measure(depths=(20, 56, 110), seeds=3):
    """The table below: 4 epochs, width 8; prints medians over the seeds, and the range."""
    for depth in depths:
        for option in ("A", "B", "C", None):
            runs = np.array([train(depth, option, seed=seed) for seed in range(seeds)])
            (accuracy, seconds), every = np.median(runs, 0), runs[:, 0]
            print(
                f"{depth:>4} {option or 'plain':<6}{accuracy:7.1%} "
                f"({every.min():.1%}-{every.max():.1%}) {seconds:5.1f} s"
            )


found = {option or "no skip": train(20, option)[0] for option in ("A", "B", "C", None)}
print("20 layers, 4 epochs:", ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in found.items()))

# %% [markdown]
# Deeper takes longer than a lesson may. This is what `measure()` gave, medians (and ranges) of three seeds:
#
# | layers | A | B | C | no skip |
# |---|---|---|---|---|
# | 20 | 97.2 % (97.2-98.3) | 96.9 % (96.9-97.8) | 95.3 % (95.0-95.6) | 90.0 % (87.5-90.6) |
# | 56 | 96.1 % (95.8-97.2) | 93.6 % (93.3-95.8) | 61.4 % (46.7-63.3) | 21.9 % (13.6-26.4) |
# | 110 | 49.4 % (21.7-86.1) | 81.7 % (73.1-91.1) | 11.4 % (10.6-18.9) | 10.3 % (10.0-10.6) |
#
# To make it again: `python -c "from minigrad.classroom.script import definitions as d;
# d('lessons/10_projection.py').measure()"`, some minutes on two cores.
#
# In four epochs the deepest nets are not done, whatever stands on their skips. (With width 16, option B and 12 epochs
# 110 layers are right on 98.3 %; `tests/models/test_residual_nets.py` trains them so.) But where the way past the
# branches is a product of matrices, depth costs most of what the skip had brought. In the paper's nets of 34 layers
# on ImageNet C was even the best, by little (plain 28.54 % wrong, A 25.03, B 24.52, C 24.19): with few blocks, and
# time enough, the extra weights help.

# %%
TABLE = {"A": (97.2, 96.1, 49.4), "B": (96.9, 93.6, 81.7), "C": (95.3, 61.4, 11.4), "no skip": (90.0, 21.9, 10.3)}
for (option, measured), colour in zip(TABLE.items(), [*ROLES.values(), "plain"], strict=True):
    right.plot(["20", "56", "110"], measured, "o-", color=COLOURS[colour], label=option)
right.set(xlabel="layers", ylabel="test digits right (%)", ylim=(0, 100))
right.legend(title="shortcut")
show(fig, "10_skips", "Left: what comes back over the skip alone. Right: test digits after four epochs, the table.")
print(
    f"\nConclusion: a projection where shapes differ costs under 1 % more multiply-adds and "
    f"keeps the gradient's size; on every"
    f"\nskip it costs about 5 %, and at 110 layers multiplies the gradient over the skip by "
    f"{carried_by_the_skip(110, 'C'):.0e}."
)
