"""13. Long skips that concatenate: FCN, U-Net and DenseNet, on slices of a brain.

Minutes: 35. Before it: lessons 3, 5 and 7. Shows: C7, C8.
Papers: Long et al. (2014, FCN), Ronneberger et al. (2015, U-Net), Huang et al. (2016, DenseNet).
"""

# %% [markdown]
# To say of every pixel what it is, a net must know *what* it looks at, for which it shrinks the image, and *where*,
# which shrinking loses. FCN adds finer scores to coarse ones; U-Net puts finer features beside coarse ones. We take
# the join apart first, then look at what it carries on real images: MRI slices, in which grey and white matter are
# marked.
#
# The brain is the average of 152 people, so it is nobody's, and it is too easy: we blur it and add noise and an uneven
# field, as a scanner does. The training slices and the eight test slices are apart; neighbours of a test slice are in
# neither part.

# %%
import gzip
import time

import matplotlib
import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, inspect, models, optim, skip
from minigrad.classroom.script import show
from minigrad.metrics import dice, edge_error, edges
from minigrad.plot.style import COLOURS, figure

images, labels = data.brain("train")
print(f"{len(images)} slices of {images.shape[2]} x {images.shape[3]} pixels;", data.BRAIN_CLASSES)
fig, axes = figure(1, 4, width=10, height=3.2)
with gzip.open(f"{matplotlib.get_data_path()}/sample_data/s1045.ima.gz") as file:
    head = np.frombuffer(file.read(), np.uint16).reshape(256, 256)
clean, _ = data.brain("train", noise=0, bias_field=0, blur=0)
shown = {
    "one person's head (no labels)": head,
    "the average, a slice": clean[6, 0].array,
    "as we use it": images[6, 0].array,
}
for ax, (name, image) in zip(axes, shown.items(), strict=False):
    ax.imshow(image, cmap="gray")
    ax.set_title(name, fontsize=10)
axes[3].imshow(labels[6].array, cmap="cividis")
axes[3].set_title("its labels", fontsize=10)
for ax in axes:
    ax.axis("off")
show(fig, "13_brain", "Folds that differ between people are blurred in the average; noise and field are ours.")

# %% [markdown]
# ## The join, taken apart: backward slices
# `SkipConcat` puts skip and branch side by side. In backward each gets its slice of the gradient, and not a copy: so
# |g|^2 = |g_skip|^2 + |g_branch|^2, exactly. (`ResidualAdd` copies: there |g_skip| = |g_branch| = |g|.)

# %%
s, b = mg.rand(1, 2, 3, 3, requires_grad=True), mg.rand(1, 4, 3, 3, requires_grad=True)
g = mg.randn(1, 6, 3, 3)
skip.skip_concat(s, b).backward(g)
print("slices:", (s.grad == g[:, :2]).all().item(), (b.grad == g[:, 2:]).all().item())

# %% [markdown]
# ## DenseNet: a source hears from all its readers
# In a dense block every layer reads the outputs of all earlier ones, side by side. A fork stands before each layer, so
# the gradient of a source is the *sum of its slices* from all its readers. And since each layer can be skipped or
# taken, 2^(L-1) routes lead to layer L. We count them: each layer hands on the sum of all that it reads.


# %%
def routes(layers):
    """How many routes lead from a dense block's input to its layer number `layers`."""
    x = y = mg.ones(1, 1, requires_grad=True)
    for _ in range(layers):
        kept, read = skip.fork(y)
        y = skip.skip_concat(kept, read.sum(1, keepdim=True))
    y[0, -1].backward()
    return int(x.grad.item())


print("routes to layer 1, 2, ...:", [routes(layers) for layers in range(1, 11)])
dense = models.DenseNet(22, 8, in_channels=1)
trace = inspect.trace(F.cross_entropy(dense(data.digits("train")[0][:32]), data.digits("train")[1][:32]))
print(trace.ledger())

# %% [markdown]
# ## What a net must beat
# A table from a pixel's brightness to its likeliest label needs no net. On the average brain as it is it would be
# right on 98 % of the pixels! As we use it, on fewer; its error at the *edges* (pixels beside which another label
# stands) is what long skips are about. Dice is the overlap 2 |A and B| / (|A| + |B|) of one class.


# %%
def by_brightness(images, labels, others):
    """Label pixels by a table from brightness to the likeliest label."""
    levels = [np.clip((x.array[:, 0] * 64).astype(int), 0, 95) for x in (images, others)]
    table = np.zeros((96, 3))
    np.add.at(table, (levels[0].ravel(), labels.array.ravel()), 1)
    return table.argmax(1)[levels[1]]


def scores(predicted, labels):
    """Dice of grey and white matter, the error at edges and away from them."""
    found = dice(predicted, labels, 3)
    inside = ~edges(labels)
    away = (predicted != labels.array)[inside].mean()
    return found[1], found[2], edge_error(predicted, labels), away


unseen, truth = data.brain("test")
for name, amounts in (("as it is", {"noise": 0, "bias_field": 0, "blur": 0}), ("as we use it", {})):
    train, test = (data.brain(split, **amounts) for split in ("train", "test"))
    predicted = by_brightness(*train, test[0])
    right = (predicted == test[1].array).mean()
    print(f"the table, {name:<13} right {right:.1%}; error at edges {edge_error(predicted, test[1]):.1%}")

# %% [markdown]
# ## With and without long skips
# Five nets, each trained for the same steps: FCN with no skip (32s), one (16s), two (8s), then a U-Net, and its twin
# in which everything passes the bottom. U-Net and its twin differ in the joins alone, and in what those read. The last
# row is the twin again, with three times the steps: does it only need longer?


# %%
NETS = {
    "FCN-32s": lambda: models.FCN(1, 3, 32, width=8),
    "FCN-16s": lambda: models.FCN(1, 3, 16, width=8),
    "FCN-8s": lambda: models.FCN(1, 3, 8, width=8),
    "U-Net, no skips": lambda: models.UNet(1, 3, width=8, depth=3, skips=False),
    "U-Net": lambda: models.UNet(1, 3, width=8, depth=3),
}


def train(make, x, y, steps=120, seed=0):
    """Train a net on batches of four slices; the rate falls to 0 along a cosine."""
    mg.manual_seed(seed)
    net = make()
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = mg.randperm(len(x))[:4]
        loss = F.cross_entropy(net(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


def predict(net, x):
    """The likeliest label of each pixel."""
    with mg.no_grad():
        return net(x).array.argmax(1)


print(f"{'':<16}{'parameters':>11}{'grey':>8}{'white':>8}{'at edges':>10}{'elsewhere':>11}{'seconds':>9}")
line = scores(by_brightness(images, labels, unseen), truth)
print(f"{'the table':<16}{96:>11}{line[0]:>8.2f}{line[1]:>8.2f}{line[2]:>10.1%}{line[3]:>11.1%}")
trained, lines = {}, {}
for name in [*NETS, "no skips, 3x"]:
    start = time.perf_counter()
    if name in NETS:
        net = trained[name] = train(NETS[name], images, labels)
    else:
        net = train(NETS["U-Net, no skips"], images, labels, steps=360)
    seconds = time.perf_counter() - start
    line = lines[name] = scores(predict(net, unseen), truth)
    size = sum(p.numel() for p in net.parameters())
    print(
        f"{name:<16}{size:>11,}{line[0]:>8.2f}{line[1]:>8.2f}{line[2]:>10.1%}{line[3]:>11.1%}{seconds:>9.1f}",
        flush=True,
    )

# %% [markdown]
# Only the U-Net beats the table. More steps help its twin away from the edges, and much less at them: it knows what is
# there, and not just where. Here is what each draws.

# %%
fig, axes = figure(1, 5, width=12, height=3.2)
drawn = {
    "image": None,
    "truth": truth[5].array,
    **{n: predict(trained[n], unseen)[5] for n in ("FCN-32s", "U-Net, no skips", "U-Net")},
}
for ax, (name, marks) in zip(axes, drawn.items(), strict=True):
    ax.imshow(unseen[5, 0].array, cmap="gray")
    if marks is not None:
        ax.contour(marks == 2, [0.5], colors=COLOURS["branch"], linewidths=1)
        ax.contour(marks > 0, [0.5], colors=COLOURS["skip"], linewidths=1)
    ax.set_title(name, fontsize=10)
    ax.axis("off")
show(
    fig,
    "13_predictions",
    "Orange: the edge of white matter; blue: of the brain. Without long skips the folds are lost.",
)

# %% [markdown]
# ## What each long skip carries
# We silence one skip of the trained U-Net, at test time only: its channels become zeros before the join. The finer the
# skip, the more of the error that follows should stand at edges.


# %%
def silence_skip(net, level):
    """Make the skip of one level zeros; 0 is the coarsest. Gives a handle that undoes it by .remove()."""

    def zero(module, args):
        (x,) = args
        half = x.shape[1] // 2
        return skip.skip_concat(mg.zeros_like(x[:, :half]), x[:, half:])

    return net.join[level].register_forward_pre_hook(zero)


for level, name in enumerate(("1/4 (coarsest)", "1/2", "full resolution")):
    handle = silence_skip(trained["U-Net"], level)
    line = scores(predict(trained["U-Net"], unseen), truth)
    handle.remove()
    print(f"without the skip at {name:<16} error at edges {line[2]:.1%}, elsewhere {line[3]:.1%}")

# %% [markdown]
# ## The ledger of a long skip
# One row a fork-join pair. A long skip's share is what its slice brings of the gradient that reaches the fork: at the
# finest level it is most of it, because it is the short way from the loss to the first layers.

# %%
net = trained["U-Net"].train()
trace = inspect.trace(F.cross_entropy(net(images[:4]), labels[:4]))
print(trace.ledger())
plain, linked = lines["U-Net, no skips"], lines["U-Net"]
longer = lines["no skips, 3x"]
print(
    f"\nConclusion: with long skips the error at edges is {linked[2]:.0%}, without "
    f"{plain[2]:.0%}, and after three times"
)
print(
    f"the steps {longer[2]:.0%}. Away from edges it is {linked[3]:.1%} with them, and "
    f"{longer[3]:.1%} after those steps."
)
